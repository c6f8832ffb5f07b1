"""Whether A/B tests err as seldom as promised, and find what they are planned to find, on real spending."""
