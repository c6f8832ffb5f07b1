"""The kinds of rules, one a file; the list is RULES of the room above."""
