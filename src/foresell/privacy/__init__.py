"""Keyed tokens instead of direct identifiers, and erasure."""
