"""Purchase events against orders, by every way in which they can disagree."""

import random
from typing import Any

import pytest

from foresell.contracts.settings import MatchingSettings
from foresell.matching.reconciliation import FLAGS, Reconciliation, reconcile

SETTINGS = MatchingSettings()
Row = dict[str, object]


def order(key: str, day: int, total: float | None = 20, hour: int = 10, **cells: object) -> Row:
    at = {"created_at": f"2024-05-{day:02}T{hour}:00:00Z", "local_date": f"2024-05-{day:02}"}
    return {"order_id": key, "total_amount": total, "currency": "EUR", "source": "shop", **at, **cells}


def purchase(
    key: str, day: int, value: float | None = 20, order_id: str | None = None, **cells: object
) -> Row:
    at = {"occurred_at": f"2024-05-{day:02}T10:05:00Z", "local_date": f"2024-05-{day:02}"}
    event = {"event_id": key, "event_name": "purchase", "value": value, "source": "tag", "order_id": order_id}
    return {**event, **at, **cells}


ROWS: dict[str, list[Row]] = {
    "orders": [
        order("plain", 1),
        order("net", 1, shipping_amount=3, tax_amount=2),
        order("items", 1),
        order("twice", 2),
        order("missing", 2),
        order("store", 2, channel="store"),
        order("before", 1, local_date="2024-04-30"),
        order("cancelled", 3, cancelled_at="2024-05-04T00:00Z"),
        order("quiet", 3, status="cancelled"),
        order("refunded", 3),
        order("dear", 3),
        order("dollars", 3, total=25),
        order("alike", 4, customer_id="c"),
        order("alike-too", 4, hour=11, customer_id="c"),
    ],
    "refunds": [
        {
            "refund_id": "r",
            "order_id": "refunded",
            "amount": 5,
            "created_at": "2024-05-05T00:00Z",
            "currency": "EUR",
        }
    ],
    "events": [
        purchase("1", 1, 20, "plain"),
        purchase("2", 1, 15, "net"),
        purchase("3a", 1, 5, "items", product_id="tea"),
        purchase("3b", 1, 15, "items", product_id="milk"),
        purchase("4a", 2, 20, "twice"),
        purchase("4b", 2, 20, "twice"),
        purchase("5", 3, 20, "cancelled"),
        purchase("6", 3, 20, "refunded"),
        purchase("7", 3, 200, "dear"),
        purchase("8", 3, 27, "dollars", currency="USD"),
        purchase("9", 4, 20, "TRANSACTION-17", customer_id="c"),
        purchase("10", 4, 20, "nowhere"),
        purchase("11", 4, None, None, session_id="s"),
        {**purchase("view", 4, 20, "missing"), "event_name": "view_item"},
    ],
}


def flagged(found: Reconciliation) -> dict[str, list[str | None]]:
    rows = found.rows.to_dicts()
    return {flag: [row["order_id"] for row in rows if row[flag]] for flag in FLAGS}


def test_every_disagreement_has_its_name(make_tables: Any) -> None:
    found = flagged(reconcile(make_tables(ROWS), SETTINGS))
    assert found["missing"] == ["missing", "alike-too"]
    assert found["orphan"] == ["nowhere", None]
    assert found["doubled"] == ["twice"]
    assert found["cancelled"] == ["cancelled"]
    assert found["refunded"] == ["refunded"]
    assert found["other_amount"] == ["dear"]
    assert set(found["tracked"]) == {
        "plain",
        "net",
        "items",
        "twice",
        "cancelled",
        "refunded",
        "dear",
        "dollars",
        "alike",
    }


def test_rates_by_source_and_day_and_examples(make_tables: Any) -> None:
    record = reconcile(make_tables(ROWS), SETTINGS).as_record()
    total: Any = record["total"]
    assert (total["orders"], total["tracked"], total["missing"], total["orphan"]) == (11, 9, 2, 2)
    assert total["tied_by_likeness"] == 1
    # 8 of 10: the cancelled one needs no event.
    assert total["tracked_rate"] == pytest.approx(0.8)
    by_day: Any = record["by_day"]
    assert [(row["local_date"], row["tracked_rate"]) for row in by_day] == [
        ("2024-05-01", 1),
        ("2024-05-02", 0.5),
        ("2024-05-03", 1),
        ("2024-05-04", 0.5),
    ]
    by_source: Any = record["by_source"]
    assert [(row["source"], row["orders"], row["orphan"]) for row in by_source] == [
        ("shop", 11, 0),
        ("tag", 0, 2),
    ]
    examples: Any = record["examples"]
    assert examples["missing"] == ["alike-too", "missing"]


def test_without_events_nothing_is_missing_and_without_orders_every_event_is_an_orphan(
    make_tables: Any,
) -> None:
    assert reconcile(make_tables({"orders": ROWS["orders"]}), SETTINGS).rows.is_empty()
    assert reconcile(make_tables({}), SETTINGS).as_record()["by_day"] == []
    found = reconcile(make_tables({"events": ROWS["events"]}), SETTINGS)
    assert found.rows["orphan"].all()
    assert found.rows.height == 11


def test_the_order_of_rows_changes_nothing(make_tables: Any) -> None:
    shuffled = {name: random.Random(1).sample(rows, len(rows)) for name, rows in ROWS.items()}
    again = reconcile(make_tables(shuffled), SETTINGS)
    assert again.rows.equals(reconcile(make_tables(ROWS), SETTINGS).rows)
