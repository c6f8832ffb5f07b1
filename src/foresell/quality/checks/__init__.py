"""The checks, one a file; `CHECKS` in the room's `__init__` lists them."""
