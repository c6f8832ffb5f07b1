"""Exponential smoothing and its seasons, all series of a panel at once."""
