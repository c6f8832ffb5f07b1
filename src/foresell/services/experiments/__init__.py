"""A/B tests of what recommends: who sees what, and what came of it."""
