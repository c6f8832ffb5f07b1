"""Compare what two ways to run a simulated shop earn: the same customers live through both."""
