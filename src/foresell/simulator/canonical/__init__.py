"""A lived world as canonical tables: what the shop itself would know, and nothing of the truth."""
