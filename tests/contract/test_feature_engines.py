"""Features of customers and of visits are the same numbers on both engines."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from foresell.contracts.settings import Settings
from foresell.features.choosing import customer_spec
from foresell.features.customer import customer_features
from foresell.features.session import session_features
from foresell.features.spec import Focus

SETTINGS = Settings.model_validate({"store": {"time_zone": "America/New_York"}})
CUTOFF = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
CUSTOMERS = ("c1", "c2")


def order(number: int, at: str, **cells: object) -> dict[str, object]:
    return {
        "order_id": f"o{number}",
        "customer_id": CUSTOMERS[number % 2],
        "channel": ("web", "store")[number % 3 == 0],
        "created_at": at,
        "local_date": at[:10],
        "currency": "USD",
        "discount_amount": 1,
        **cells,
    }


def event(number: int, name: str, at: str, **cells: object) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "session_id": f"s{number // 3}",
        "customer_id": CUSTOMERS[number // 3 % 2],
        "event_name": name,
        "occurred_at": at,
        "local_date": at[:10],
        "product_id": f"p{number % 3}",
        **cells,
    }


ROWS: dict[str, list[dict[str, object]]] = {
    "orders": [
        order(1, "2026-01-10T09:00:00.700Z"),
        order(2, "2026-02-01T23:59:59.999Z"),
        order(3, "2026-03-08T12:00:00Z"),
        order(4, "2026-03-28T12:00:00Z"),
        order(5, "2026-03-30T12:00:00Z", status="cancelled"),
        order(6, "2026-04-02T12:00:00Z"),
    ],
    "order_lines": [
        {
            "order_line_id": f"l{number}-{place}",
            "order_id": f"o{number}",
            "product_id": f"p{(number + place) % 3}",
            "quantity": place + 1,
            "line_amount": 10 * number + place,
            "discount_amount": place,
        }
        for number in range(1, 7)
        for place in range(2)
    ],
    "products": [
        {
            "product_id": f"p{number}",
            "category": f"k{number % 2}",
            "department": "food",
            "brand": "own",
            "price": 3,
        }
        for number in range(3)
    ],
    "refunds": [
        {
            "refund_id": "r",
            "order_id": "o1",
            "created_at": "2026-02-01T00:00:00Z",
            "local_date": "2026-01-31",
            "amount": 2,
            "currency": "USD",
        }
    ],
    "events": [
        event(0, "view_item", "2026-03-01T10:00:00.400Z", device_type="mobile"),
        event(1, "add_to_cart", "2026-03-01T10:00:30Z", device_type="mobile"),
        event(2, "purchase", "2026-03-01T10:05:00Z", device_type="mobile"),
        event(3, "view_item", "2026-03-31T23:00:00Z", device_type="desktop"),
        event(4, "view_item", "2026-03-31T23:10:00Z", device_type="desktop"),
    ],
}


@pytest.mark.spark
def test_duckdb_and_spark_count_the_same(make_tables: Any, make_spark_tables: Any) -> None:
    duckdb_tables, spark_tables = make_tables(ROWS), make_spark_tables(ROWS)
    spec = customer_spec(duckdb_tables, SETTINGS, CUTOFF, focus=Focus("category", "k1"))
    assert customer_spec(spark_tables, SETTINGS, CUTOFF, focus=Focus("category", "k1")) == spec
    # Spark plans each column for long: one window and one value of each kind tell as much as all.
    spec = replace(spec, windows=(30, 90), categories=("k1",), event_names=("view_item", "purchase"))
    here, there = (
        customer_features(tables, SETTINGS, CUTOFF, spec).to_polars().sort("customer_id")
        for tables in (duckdb_tables, spark_tables)
    )
    assert_frame_equal(here, there, rel_tol=1e-9)
    assert here["customer_id"].to_list() == list(CUSTOMERS)


@pytest.mark.spark
def test_duckdb_and_spark_tell_visits_alike(make_tables: Any, make_spark_tables: Any) -> None:
    duckdb_tables, spark_tables = make_tables(ROWS), make_spark_tables(ROWS)
    spec = customer_spec(duckdb_tables, SETTINGS, CUTOFF)
    here, there = (
        session_features(tables, SETTINGS, CUTOFF, spec)
        .to_polars()
        .sort("session_id", "number")
        .drop("occurred_at")
        for tables in (duckdb_tables, spark_tables)
    )
    assert_frame_equal(here, there, rel_tol=1e-9)
    assert len(here) == 5
