"""Numbers of items: where one source row has several rows of a table, each needs a number of its own.

An item's number is negative, so that it is no row's, and says its source row and its place in it.
"""

MOST_ITEMS = 1 << 20


def item_number(row_number: str, place: str) -> str:
    """SQL: the number of the item at a place, from 1, of a source row."""
    return f"-({row_number} * {MOST_ITEMS} + {place})"


def source_row(number: str) -> str:
    """SQL: the source row of a row's or an item's number."""
    return f"CASE WHEN {number} < 0 THEN (-{number}) // {MOST_ITEMS} ELSE {number} END"
