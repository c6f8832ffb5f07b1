"""A small shop of chance, with everything that features of customers are counted over."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = ("tea", "café & co", "café_co", None)
EVENTS = ("view_item", "add_to_cart", "remove_from_cart", "purchase", "search")
Rows = Mapping[str, list[dict[str, object]]]


def _pick(chance: Random, values: tuple[Any, ...]) -> Any:
    return values[chance.randrange(len(values))]


def _orders(chance: Random, days: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    orders, lines = [], []
    for number in range(40):
        at = START + timedelta(seconds=chance.randrange(days * 86_400), milliseconds=chance.choice((0, 700)))
        cancelled = at + timedelta(days=chance.randrange(20)) if chance.random() < 0.1 else None
        orders.append(
            {
                "order_id": f"o{number}",
                "customer_id": _pick(chance, ("c1", "c2", "c3", "c4", None)),
                "channel": _pick(chance, ("web", "store")),
                "created_at": at.isoformat(),
                "local_date": at.date().isoformat(),
                "currency": "USD",
                # Told by its time alone: a status without one would have held since always.
                "status": None if cancelled else "completed",
                "cancelled_at": cancelled.isoformat() if cancelled else None,
                "discount_amount": _pick(chance, (None, 3)),
                "is_test": chance.random() < 0.05,
            }
        )
        for place in range(chance.randrange(4)):
            lines.append(
                {
                    "order_line_id": f"l{number}-{place}",
                    "order_id": f"o{number}",
                    "product_id": f"p{chance.randrange(8)}",
                    "quantity": _pick(chance, (0, 1, 2)),
                    "line_amount": chance.randrange(1, 50),
                    "discount_amount": _pick(chance, (None, 0, 2)),
                }
            )
    return orders, lines


def _events(chance: Random, days: int) -> list[dict[str, object]]:
    rows = []
    for number in range(120):
        session = chance.randrange(25)
        at = START + timedelta(days=session * days / 25, seconds=chance.randrange(900), milliseconds=300)
        rows.append(
            {
                "event_id": f"e{number:03}",
                "session_id": _pick(chance, (f"s{session}", f"s{session}", f"s{session}", None)),
                "customer_id": _pick(chance, (f"c{session % 5 + 1}", None)),
                "event_name": _pick(chance, EVENTS),
                "occurred_at": at.isoformat(),
                "local_date": at.date().isoformat(),
                "product_id": _pick(chance, (f"p{chance.randrange(9)}", None)),
                "quantity": _pick(chance, (None, 2)),
                "price": _pick(chance, (None, 5)),
                "device_type": _pick(chance, ("mobile", "desktop")),
                "utm_source": _pick(chance, ("mail", None)),
            }
        )
    return rows


@pytest.fixture
def shop_of_chance() -> Callable[..., Rows]:
    """Rows of a shop that lives `days` from 2026-01-01 on; `c5` visits but never orders."""

    def make(seed: int, days: int = 120) -> Rows:
        chance = Random(seed)
        orders, lines = _orders(chance, days)
        return {
            "orders": orders,
            "order_lines": lines,
            "events": _events(chance, days),
            "products": [
                {
                    "product_id": f"p{number}",
                    "category": _pick(chance, CATEGORIES),
                    "department": _pick(chance, ("food", "home")),
                    "brand": _pick(chance, ("own", "other", None)),
                    "price": chance.randrange(1, 20),
                    "is_service": number == 7,
                }
                for number in range(8)
            ],
            "refunds": [
                {
                    "refund_id": f"r{number}",
                    "order_id": f"o{number * 5}",
                    "created_at": (START + timedelta(days=number * 12)).isoformat(),
                    "local_date": (START + timedelta(days=number * 12)).date().isoformat(),
                    "amount": 4,
                    "currency": "USD",
                }
                for number in range(6)
            ],
            "redemptions": [
                {
                    "redemption_id": f"x{number}",
                    "coupon_code": "TEN",
                    "customer_id": f"c{number % 3 + 1}",
                    "redeemed_at": (START + timedelta(days=number * 9)).isoformat(),
                    "local_date": (START + timedelta(days=number * 9)).date().isoformat(),
                }
                for number in range(8)
            ],
            "customers": [
                {"customer_id": f"c{number}", "birth_year": 1950 + 9 * number, "gender": "f"}
                for number in range(1, 6)
            ],
        }

    return make
