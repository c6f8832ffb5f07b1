"""Proposing how a file's columns map to the tables, from names, values and how columns hang together."""
