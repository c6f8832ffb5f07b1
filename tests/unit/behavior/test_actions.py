"""What counts as an action, that none comes from after the cutoff, and that the engine's stream is in
order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from foresell.behavior.actions import actions, sorted_batches
from foresell.behavior.sequence_files import open_sequences, write_sequences
from foresell.behavior.sequences import ARRAYS, Sequences
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.leak import LeakError, assert_no_leak

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, LATER = "2026-02-01T10:00Z", "2026-03-05T10:00Z"
COLUMNS = ("customer_id", "event_name", "product_id", "quantity", "channel")


def order(key: str, customer: str | None, created: str = BEFORE, **cells: object) -> dict[str, object]:
    return {"order_id": key, "customer_id": customer, "created_at": created, "currency": "USD", **cells}


def line(key: str, order_id: str, product: str, quantity: float = 1) -> dict[str, object]:
    cells = {"order_line_id": key, "order_id": order_id, "product_id": product}
    return {**cells, "quantity": quantity, "line_amount": 1}


def event(key: str, name: str, product: str | None, at: str = BEFORE, **cells: object) -> dict[str, object]:
    return {"event_id": key, "event_name": name, "occurred_at": at, "product_id": product, **cells}


ORDERS: dict[str, list[dict[str, object]]] = {
    "orders": [
        order("o1", "ann", channel="web"),
        order("o2", "bob", LATER),
        order("guest", None),
        order("cancelled", "ann", status="cancelled"),
        order("test", "ann", is_test=True),
    ],
    "order_lines": [
        line("1", "o1", "tea", 2),
        line("2", "o1", "tea"),
        line("3", "o1", "milk", 0),
        line("4", "o1", "postage"),
        line("5", "o1", "not in the catalog"),
        line("6", "o2", "milk"),
        line("7", "guest", "milk"),
        line("8", "cancelled", "milk"),
        line("9", "test", "milk"),
    ],
    "products": [
        {"product_id": "tea"},
        {"product_id": "milk"},
        {"product_id": "postage", "is_service": True},
    ],
}
VIEWS = [
    event("1", "view_item", "tea", customer_id="ann", anonymous_id="x", platform="app"),
    event("2", "search", None, anonymous_id="x", session_id="s"),
    event("3", "view_item", "milk", session_id="s"),
    event("4", "view_item", "postage", customer_id="ann"),
    event("5", "view_item", "milk"),
    event("6", "view_item", "milk", LATER, customer_id="ann"),
]


def rows(tables: Any) -> list[tuple[Any, ...]]:
    return actions(tables).to_polars().sort(COLUMNS).select(COLUMNS).rows()


def test_without_events_the_lines_of_orders_that_count_are_purchases(make_tables: Any) -> None:
    assert rows(make_tables(ORDERS)) == [
        ("ann", "purchase", "tea", 3.0, "web"),
        ("bob", "purchase", "milk", 1.0, None),
    ]


def test_events_without_purchases_stand_beside_the_orders(make_tables: Any) -> None:
    assert rows(make_tables({**ORDERS, "events": VIEWS})) == [
        ("ann", "purchase", "tea", 3.0, "web"),
        ("ann", "view_item", "milk", None, None),
        ("ann", "view_item", "tea", None, "app"),
        ("bob", "purchase", "milk", 1.0, None),
        ("s", "view_item", "milk", None, None),
        ("x", "search", None, None, None),
    ]


def test_events_that_tell_of_purchases_are_not_doubled_by_the_orders(make_tables: Any) -> None:
    bought = [*VIEWS[:1], event("9", "purchase", "tea", customer_id="ann", quantity=3)]
    assert rows(make_tables({**ORDERS, "events": bought})) == [
        ("ann", "purchase", "tea", 3.0, None),
        ("ann", "view_item", "tea", None, "app"),
    ]


def test_a_shop_without_anything_has_no_actions(make_tables: Any) -> None:
    assert rows(make_tables({})) == []


def test_nothing_leaks_through_asof_and_everything_without_it(make_tables: Any) -> None:
    tables = make_tables({**ORDERS, "events": VIEWS})
    assert_no_leak(lambda world: actions(asof(world, Settings(), CUTOFF)), tables, CUTOFF)
    with pytest.raises(LeakError):
        assert_no_leak(actions, tables, CUTOFF)


def shop_of_many(num_events: int) -> dict[str, list[dict[str, object]]]:
    names = ("view_item", "add_to_cart", "search")
    events = [
        event(
            str(number),
            names[number % 3],
            None if number % 3 == 2 else f"p{number * 7 % 11}",
            f"2026-02-{1 + number * 5 % 28:02}T10:00Z",
            customer_id=["é", "Z", "a", "李"][number * 3 % 4],
        )
        for number in range(num_events)
    ]
    return {"events": events}


def test_the_engine_streams_in_the_order_of_sequences(make_tables: Any, tmp_path: Path) -> None:
    found = actions(make_tables(shop_of_many(120)))
    vocabulary = Vocabulary.from_actions(found)
    with sorted_batches(found, rows_per_batch=10) as batches:
        write_sequences(batches, vocabulary, tmp_path / "s")
    streamed, wanted = open_sequences(tmp_path / "s"), Sequences.from_actions(found.to_polars(), vocabulary)
    assert streamed.offsets.tolist() == wanted.offsets.tolist()
    assert streamed.customer_ids is not None
    assert streamed.customer_ids.to_list() == ["Z", "a", "é", "李"]
    for name in ARRAYS:
        assert getattr(streamed, name).tolist() == getattr(wanted, name).tolist()


def test_the_tables_can_be_asked_while_a_stream_is_read(make_tables: Any) -> None:
    tables = make_tables(shop_of_many(30))
    with sorted_batches(actions(tables), rows_per_batch=5) as batches:
        num_rows = batches.read_next_batch().num_rows
        assert tables.has_rows("events")
        num_rows += sum(batch.num_rows for batch in batches)
    assert num_rows == actions(tables).count().execute()


@pytest.mark.spark
def test_spark_gives_the_same(make_tables: Any, make_spark_tables: Any, tmp_path: Path) -> None:
    shop = {**ORDERS, "events": VIEWS}
    here, there = actions(make_tables(shop)), actions(make_spark_tables(shop))
    told_here, told_there = (one.to_polars().select(COLUMNS).sort(COLUMNS) for one in (here, there))
    assert_frame_equal(told_here, told_there)
    vocabulary = Vocabulary.from_actions(there)
    for name, found in (("duckdb", here), ("spark", there)):
        with sorted_batches(found) as batches:
            write_sequences(batches, vocabulary, tmp_path / name)
    told = [open_sequences(tmp_path / name) for name in ("duckdb", "spark")]
    for array in ARRAYS:
        assert getattr(told[0], array).tolist() == getattr(told[1], array).tolist()
