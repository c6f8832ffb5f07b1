"""A shop of twelve customers over a year, small enough to work out by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from foresell.contracts.settings import Settings, StoreSettings

CUTOFF = datetime(2024, 12, 1, tzinfo=UTC)
SETTINGS = Settings(store=StoreSettings(currency="EUR"))


def made_shop():
    """T buys tea weekly and on discount; the ten others bread each month; N has no orders; V only visits."""
    orders, lines, events = [], [], []

    def buy(customer, day, *bought):
        key = f"O-{customer}-{day}"
        orders.append(
            {
                "order_id": key,
                "customer_id": customer,
                "channel": "web" if customer == "T" else "store",
                "currency": "EUR",
                "created_at": f"{day}T12:00:00Z",
                "local_date": str(day),
            }
        )
        for place, (product, price, discount) in enumerate(bought):
            lines.append(
                {
                    "order_line_id": f"{key}-{place}",
                    "order_id": key,
                    "product_id": product,
                    "quantity": 1,
                    "line_amount": price - discount,
                    "discount_amount": discount,
                }
            )

    for week in range(30):
        buy("T", date(2024, 5, 4) + timedelta(days=7 * week), ("tea", 10 + week % 3, 2), ("bread", 3, 0))
    for other in range(10):
        for month in range(1, 12):
            day = date(2024, month, 1 + other)
            buy(f"B{other}", day, ("bread", 3 + month % 4, int(other < 2)), ("tea", 8, int(month % 2)))
            buy(f"B{other}", day + timedelta(days=10), ("bread", 4, 0), ("soap", 5, 0))
    # Too late to be known.
    buy("T", date(2024, 12, 5), ("soap", 99, 0))
    buy("L", date(2024, 12, 5), ("soap", 99, 0))
    for customer, device, times in (("T", "mobile", 12), ("V", "desktop", 3)):
        for visit in range(times):
            day = date(2024, 9 + visit % 3, 1 + visit)
            events.append(
                {
                    "event_id": f"E-{customer}-{visit}",
                    "event_name": "view_item",
                    "customer_id": customer,
                    "session_id": f"S-{customer}-{visit}",
                    "device_type": device,
                    "occurred_at": f"{day}T10:00:00Z",
                    "local_date": str(day),
                }
            )
    attributes = {"tea": '{"leaf": "green", "maker_id": "7"}', "bread": '{"leaf": "none"}', "soap": "no JSON"}
    return {
        "orders": orders,
        "order_lines": lines,
        "events": events,
        "refunds": [
            {
                "refund_id": f"R{place}",
                "order_id": f"O-T-2024-05-{4 + 7 * place:02}",
                "created_at": "2024-06-01T12:00:00Z",
                "local_date": "2024-06-01",
                "amount": 8,
                "currency": "EUR",
            }
            for place in range(2)
        ],
        "products": [
            {"product_id": name, "category": name.upper(), "department": "ALL", "attributes": text}
            for name, text in attributes.items()
        ],
        "customers": [
            {
                "customer_id": "T",
                "city": "Bonn",
                "household": "2 adults",
                "created_at": "2024-05-01T00:00:00Z",
            },
            {"customer_id": "N", "created_at": "2024-05-01T00:00:00Z"},
        ],
    }


@pytest.fixture
def shop(make_tables):
    return make_tables(made_shop())
