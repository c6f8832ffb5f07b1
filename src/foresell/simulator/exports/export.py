"""What an export is: files, each a SELECT over the canonical tables of a lived world.

The SELECTs name `events`, `orders`, `order_lines`, `refunds`, `customers` and `products` (each product once,
as it was last). The session's time zone is the shop's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TABLES = ("events", "orders", "order_lines", "refunds", "customers", "products")
# An address that cannot be anybody's (RFC 2606).
EMAIL = "customer_id || '@example.com'"


@dataclass(frozen=True)
class Export:
    """`files`: name of a file → the SELECT of its rows. CSV files have a header; JSON is a line an object."""

    doc: str
    kind: Literal["csv", "json"]
    files: Mapping[str, str]


def two_places(amount: str) -> str:
    """SQL: an amount as text, with two places."""
    return f"printf('%.2f', {amount})"


def utc_text(moment: str) -> str:
    """SQL: a moment in ISO 8601, in UTC."""
    return f"strftime({moment} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')"
