"""Foresell: a shop's own records in, decisions and what they are worth out."""

__version__ = "0.1.0"
