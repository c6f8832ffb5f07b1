"""A small shop without faults, for faults to be planted in."""

from typing import Any

import pytest

Shop = dict[str, list[dict[str, Any]]]
DAYS = 8


def _orders() -> list[dict[str, Any]]:
    return [
        {
            "order_id": f"o{day}",
            "customer_id": f"c{day % 4}",
            "location_id": "web",
            "channel": "web",
            "created_at": f"2024-03-0{day}T10:00:00Z",
            "paid_at": f"2024-03-0{day}T10:01:00Z",
            "local_date": f"2024-03-0{day}",
            "status": "completed",
            "currency": "USD",
            "subtotal_amount": 30,
            "discount_amount": 3,
            "shipping_amount": 5,
            "tax_amount": 2.7,
            "total_amount": 34.7,
            "payment_method": "card",
        }
        for day in range(1, DAYS + 1)
    ]


def _order_lines() -> list[dict[str, Any]]:
    rows = []
    for day in range(1, DAYS + 1):
        rows.append(_line(f"o{day}-1", f"o{day}", "p1", 1, 10, 10, 0))
        rows.append(_line(f"o{day}-2", f"o{day}", "p2", 2, 10, 17, 3))
    return rows


def _line(
    key: str, order: str, product: str, quantity: float, price: float, net: float, discount: float
) -> dict[str, Any]:
    return {
        "order_line_id": key,
        "order_id": order,
        "product_id": product,
        "quantity": quantity,
        "unit_price": price,
        "line_amount": net,
        "discount_amount": discount,
    }


def _events() -> list[dict[str, Any]]:
    rows = []
    for day in range(1, DAYS + 1):
        common = {
            "customer_id": f"c{day % 4}",
            "session_id": f"s{day}",
            "local_date": f"2024-03-0{day}",
            "currency": "USD",
        }
        rows.append(
            common
            | {
                "event_id": f"view{day}",
                "event_name": "view_item",
                "occurred_at": f"2024-03-0{day}T09:55:00Z",
                "product_id": "p1",
            }
        )
        rows.append(
            common
            | {
                "event_id": f"buy{day}",
                "event_name": "purchase",
                "occurred_at": f"2024-03-0{day}T10:00:30Z",
                "order_id": f"o{day}",
                "value": 34.7,
            }
        )
    return rows


@pytest.fixture
def shop() -> Shop:
    """Eight days, an order a day, each seen and tracked; nothing in it is wrong."""
    return {
        "orders": _orders(),
        "order_lines": _order_lines(),
        "events": _events(),
        "customers": [{"customer_id": f"c{i}", "country": "US", "birth_year": 1980 + i} for i in range(4)],
        "products": [
            {"product_id": "p1", "title": "Crème brûlée", "department": "FOOD", "price": 10, "cost": 4},
            {
                "product_id": "p2",
                "title": "SÃO PAULO 咖啡 – 250 g",
                "department": "FOOD",
                "price": 10,
                "cost": 5,
            },
        ],
        "locations": [{"location_id": "web", "kind": "web", "name": "Web shop"}],
        "refunds": [
            {
                "refund_id": "r1",
                "order_id": "o1",
                "order_line_id": "o1-1",
                "product_id": "p1",
                "created_at": "2024-03-05T08:00:00Z",
                "local_date": "2024-03-05",
                "quantity": 1,
                "amount": 10,
                "currency": "USD",
            }
        ],
        "campaigns": [
            {
                "campaign_id": "k1",
                "kind": "mail",
                "starts_at": "2024-03-01T00:00:00Z",
                "ends_at": "2024-03-03T00:00:00Z",
            }
        ],
        "promotions": [
            {
                "promotion_id": "m1",
                "campaign_id": "k1",
                "product_id": "p1",
                "starts_at": "2024-03-01T00:00:00Z",
                "ends_at": "2024-03-08T00:00:00Z",
                "discount_rate": 0.1,
            }
        ],
        "ad_spend": [
            {
                "date": "2024-03-01",
                "campaign_id": "k1",
                "channel": "search",
                "currency": "USD",
                "cost_amount": 12,
                "impressions": 100,
                "clicks": 4,
            }
        ],
        "exchange_rates": [{"date": "2024-03-01", "currency": "EUR", "rate_to_store": 1.1}],
        "reviews": [
            {
                "review_id": "w1",
                "product_id": "p1",
                "customer_id": "c1",
                "rating": 5,
                "body": "Great",
                "language": "en",
                "created_at": "2024-03-06T00:00:00Z",
                "local_date": "2024-03-06",
            }
        ],
    }
