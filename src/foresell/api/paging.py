"""Long lists in pages: `limit` rows, and a cursor for the next ones."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from foresell.contracts.errors import InputError

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=100, description="The `next_cursor` of the page before; none: the first page."),
]


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = Field(None, description="Of the page after this one; null: this is the last.")


def offset_of(cursor: str | None) -> int:
    """InputError for what is no cursor of ours."""
    if cursor is None:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("o"))
    except (ValueError, binascii.Error):
        number = -1
    if not 0 <= number <= 10**9:
        raise InputError("That is no cursor", received=cursor, do="Send a next_cursor as it was given.")
    return number


def cursor_at(offset: int) -> str:
    return base64.urlsafe_b64encode(f"o{offset}".encode()).decode()


def page_of(rows: Sequence[Item], limit: int, cursor: str | None) -> dict[str, object]:
    """A page of a list that is read as a whole."""
    start = offset_of(cursor)
    return as_page(rows[start : start + limit + 1], limit, start)


def as_page(found: Sequence[Item], limit: int, start: int) -> dict[str, object]:
    """Of rows from `start` on, one more than `limit` where there are more."""
    more = len(found) > limit
    return {"items": list(found[:limit]), "next_cursor": cursor_at(start + limit) if more else None}
