"""A shop of orders of one line each, made of days and products."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

MONDAY = date(2026, 1, 5)
Order = tuple[date, str, str | None, float]


def shop(
    orders: list[Order], products: list[dict[str, object]] | None = None, **extra: Any
) -> dict[str, Any]:
    """(day, product, location, amount): an order of one line of two units each; a product's first letter is
    its category."""
    heads: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for number, (day, product, location, amount) in enumerate(orders):
        key = f"o{number:05}"
        noon = datetime.combine(day, time(12), UTC).isoformat()
        heads.append(
            {
                "order_id": key,
                "created_at": noon,
                "local_date": day,
                "currency": "USD",
                "location_id": location,
                "channel": "web" if location is None else "store",
                "discount_amount": 1.5 if number % 5 == 0 else None,
            }
        )
        lines.append(
            {
                "order_line_id": key,
                "order_id": key,
                "product_id": product,
                "quantity": 2,
                "line_amount": amount,
            }
        )
    if products is None:
        products = [{"product_id": p, "category": p[0]} for p in sorted({o[1] for o in orders})]
    return {"orders": heads, "order_lines": lines, "products": products, **extra}


def daily(
    first: int, last: int, product: str = "tea", location: str | None = "x", times: int = 1
) -> list[Order]:
    """`times` orders a day from day `first` to `last`, counted from MONDAY."""
    days = range(first, last + 1)
    return [(MONDAY + timedelta(days=n), product, location, 10.0) for n in days for _ in range(times)]


@pytest.fixture(name="shop")
def make_shop() -> Callable[..., dict[str, Any]]:
    return shop


@pytest.fixture(name="daily")
def make_daily() -> Callable[..., list[Order]]:
    return daily
