"""Proposing how a file's columns map to the canonical tables, from names, values and how columns hang together."""
