"""Regression of every series on trend, season and what else is known, all series in one pass."""
