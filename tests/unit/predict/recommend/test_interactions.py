"""What counts as an interaction, and that none of it comes from after the cutoff."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.leak import LeakError, assert_no_leak
from foresell.predict.recommend.assortment import read_assortment
from foresell.predict.recommend.interactions import (
    described_products,
    interactions,
)
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.rules.compiling import compile_rules
from foresell.predict.recommend.rules.constraints import CustomerFacts

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)


def order(key: str, customer: str | None, created: str, **cells: object) -> dict[str, object]:
    return {"order_id": key, "customer_id": customer, "created_at": created, "currency": "USD", **cells}


def line(key: str, order_id: str, product: str, quantity: float = 1) -> dict[str, object]:
    return {
        "order_line_id": key,
        "order_id": order_id,
        "product_id": product,
        "quantity": quantity,
        "line_amount": 1,
    }


SHOP: dict[str, list[dict[str, object]]] = {
    "orders": [
        order("o1", "ann", "2026-02-01T10:00Z"),
        order("o2", "bob", "2026-03-05T10:00Z"),
        order("guest", None, "2026-02-01T10:00Z"),
        order("cancelled", "ann", "2026-02-02T10:00Z", status="cancelled"),
        order("test", "ann", "2026-02-02T10:00Z", is_test=True),
    ],
    "order_lines": [
        line("1", "o1", "tea"),
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
        {"product_id": "tea", "status": "active"},
        {"product_id": "milk"},
        {"product_id": "old", "status": "discontinued"},
        {"product_id": "postage", "is_service": True},
    ],
}


def test_only_goods_that_somebody_really_bought_count_once_a_moment(make_tables: Any) -> None:
    found = interactions(make_tables(SHOP))
    assert found.schema == INTERACTIONS
    assert found.select("customer_id", "product_id", "weight").rows() == [
        ("ann", "tea", 1.0),
        ("bob", "milk", 1.0),
    ]


def test_without_a_catalog_every_product_counts(make_tables: Any) -> None:
    found = interactions(make_tables({**SHOP, "products": []}))
    assert set(found["product_id"]) == {"tea", "milk", "postage", "not in the catalog"}


def test_a_shop_without_orders_learns_from_its_events(make_tables: Any) -> None:
    def event(key: str, name: str, who: dict[str, object], product: str | None) -> dict[str, object]:
        return {
            "event_id": key,
            "event_name": name,
            "occurred_at": "2026-02-01T10:00Z",
            "product_id": product,
            **who,
        }

    ann: dict[str, object] = {"customer_id": "ann", "session_id": "s"}
    events = [
        event("1", "view_item", ann, "tea"),
        event("2", "add_to_cart", ann, "tea"),
        event("3", "view_item", {"anonymous_id": "x", "session_id": "s"}, "milk"),
        event("4", "view_item", {"session_id": "s9"}, "milk"),
        event("5", "search", ann, "tea"),
        event("6", "view_item", ann, None),
        event("7", "view_item", {}, "milk"),
    ]
    found = interactions(make_tables({"events": events}))
    rows = found.select("customer_id", "product_id", "weight").rows()
    assert rows == [("ann", "tea", 0.5), ("s9", "milk", 0.1), ("x", "milk", 0.1)]


def test_discontinued_products_are_for_nobody(make_tables: Any) -> None:
    sold = read_assortment(make_tables(SHOP), CUTOFF)
    rules = compile_rules((), sold, "customer", CUTOFF).for_customer(CustomerFacts())
    assert sold.product_ids.filter(pl.Series(rules.forbidden_P)).to_list() == ["old"]


def test_nothing_leaks_through_asof_and_everything_without_it(make_tables: Any) -> None:
    tables = make_tables(SHOP)
    assert_no_leak(lambda world: interactions(asof(world, Settings(), CUTOFF)), tables, CUTOFF)
    with pytest.raises(LeakError):
        assert_no_leak(interactions, tables, CUTOFF)


@pytest.mark.spark
def test_spark_gives_the_same(make_tables: Any, make_spark_tables: Any) -> None:
    assert_frame_equal(interactions(make_tables(SHOP)), interactions(make_spark_tables(SHOP)))


def test_what_is_known_of_products_is_handed_on_where_there_is_a_catalog(make_tables: Any) -> None:
    assert described_products(make_tables({**SHOP, "products": []})) is None
    catalog = [{"product_id": "soap", "title": "Soft soap"}, {"product_id": "post", "is_service": True}]
    found = described_products(make_tables({**SHOP, "products": catalog}))
    assert found is not None
    assert found.select("product_id", "text").rows() == [("soap", "Soft soap")]
