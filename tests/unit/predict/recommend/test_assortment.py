"""What a shop sells at a moment, from whatever tables it has."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.predict.recommend.assortment import PRODUCTS, Assortment, read_assortment

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
SHOP: dict[str, list[dict[str, object]]] = {
    "products": [
        {
            "product_id": "tea",
            "parent_product_id": "teas",
            "title": " Green tea ",
            "category": "Tea",
            "category_path": "Drinks > Tea",
            "department": "Food",
            "brand": "Sencha",
            "price": 5,
            "cost": 2,
            "currency": "EUR",
            "status": " Active",
            "created_at": "2026-01-01T00:00Z",
        },
        {
            "product_id": "wine",
            "category": "Wine",
            "price": 9,
            "currency": "EUR",
            "attributes": '{"min_age": "18+"}',
        },
        {
            "product_id": "beer",
            "department": "Drinks",
            "cost": 1,
            "attributes": '{"age_limit":16,"min_age":[21]}',
        },
        {
            "product_id": "sake",
            "price": 900,
            "cost": 300,
            "currency": "JPY",
            "attributes": '{"min_age": null}',
        },
        {"product_id": "soon", "created_at": "2026-04-01T00:00Z"},
        {"product_id": "postage", "is_service": True},
    ],
    "orders": [
        {"order_id": "o1", "customer_id": "ann", "created_at": "2026-02-03T00:00Z", "currency": "EUR"},
        {"order_id": "guest", "created_at": "2026-02-01T00:00Z", "currency": "EUR"},
        {"order_id": "test", "created_at": "2025-01-01T00:00Z", "currency": "EUR", "is_test": True},
        {"order_id": "later", "created_at": "2026-05-01T00:00Z", "currency": "EUR"},
    ],
    "order_lines": [
        {
            "order_line_id": f"{order}-{product}",
            "order_id": order,
            "product_id": product,
            "quantity": 1,
            "line_amount": 1,
        }
        for order in ("o1", "guest", "test", "later")
        for product in (("tea", "wine", "gone") if order != "later" else ("beer",))
    ],
    "inventory": [
        {"product_id": product, "location_id": place, "as_of_date": day, "on_hand": count}
        for product, place, day, count in (
            ("tea", "a", "2026-03-09", 4),
            ("tea", "a", "2026-03-01", 100),
            ("tea", "b", "2026-02-01", 3),
            ("tea", "b", "2026-03-12", 50),
            ("wine", "a", "2026-03-11", 0),
        )
    ],
    "promotions": [
        {
            "promotion_id": str(n),
            "product_id": product,
            "starts_at": starts,
            "ends_at": ends,
            "discount_rate": rate,
        }
        for n, (product, starts, ends, rate) in enumerate(
            (
                ("tea", "2026-03-01T00:00Z", "2026-03-11T00:00Z", 0.1),
                ("tea", "2026-03-01T00:00Z", None, 0.3),
                ("wine", "2026-03-01T00:00Z", "2026-03-10T12:00Z", 0.5),
                ("beer", "2026-03-10T12:00Z", None, None),
                ("sake", "2026-03-10T13:00Z", None, 0.2),
            )
        )
    ],
}


def row(assortment: Assortment, product: str) -> dict[str, Any]:
    [position] = assortment.position_of([product])
    assert position >= 0, f"{product} is not sold"
    return assortment.products.row(int(position), named=True)


def check_the_shop(tables: Any) -> None:
    found = read_assortment(tables, AT)
    assert found.products.schema == PRODUCTS
    assert found.product_ids.to_list() == ["beer", "sake", "tea", "wine"]
    assert row(found, "tea") == {
        "product_id": "tea",
        "parent_product_id": "teas",
        "name": "Green tea",
        "category": "Tea",
        "labels": ["brand:Sencha", "category:Drinks", "category:Tea", "department:Food"],
        "department": "Food",
        "brand": "Sencha",
        "price": 5.0,
        "cost": 2.0,
        "margin": 3.0,
        "status": "active",
        "on_hand": 7.0,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "first_seen_at": datetime(2026, 1, 1, tzinfo=UTC),
        "min_age": None,
        "is_on_offer": True,
        "discount_rate": 0.3,
    }
    wine, beer, sake = (row(found, name) for name in ("wine", "beer", "sake"))
    assert (wine["name"], wine["min_age"], wine["on_hand"], wine["is_on_offer"]) == ("Wine", 18, 0.0, False)
    assert wine["first_seen_at"] == datetime(2026, 2, 1, tzinfo=UTC), "a guest's order sells too, a test not"
    assert (wine["price"], wine["cost"], wine["margin"]) == (9.0, None, None)
    assert (beer["name"], beer["min_age"], beer["first_seen_at"]) == ("Drinks", 16, None)
    assert (beer["is_on_offer"], beer["discount_rate"], beer["on_hand"]) == (True, None, None)
    assert (sake["price"], sake["cost"], sake["name"], sake["min_age"]) == (None, None, None, None)
    assert not sake["is_on_offer"]


def test_every_column_by_hand(make_tables: Any) -> None:
    check_the_shop(make_tables(SHOP))


@pytest.mark.spark
def test_on_spark_too(make_spark_tables: Any) -> None:
    check_the_shop(make_spark_tables(SHOP))


def test_as_of_a_cutoff(make_tables: Any) -> None:
    past = asof(make_tables(SHOP), Settings(), datetime(2026, 2, 2, tzinfo=UTC))
    found = read_assortment(past, datetime(2026, 2, 2, tzinfo=UTC))
    assert row(found, "tea")["on_hand"] == 3.0
    assert not row(found, "tea")["is_on_offer"]


def test_without_a_catalog_what_was_sold_or_looked_at(make_tables: Any) -> None:
    events = [
        {
            "event_id": "e1",
            "event_name": "view_item",
            "occurred_at": "2026-01-05T00:00Z",
            "product_id": "tea",
        },
        {
            "event_id": "e2",
            "event_name": "view_item",
            "occurred_at": "2026-01-05T00:00Z",
            "product_id": "cup",
        },
        {"event_id": "e3", "event_name": "search", "occurred_at": "2026-01-05T00:00Z"},
    ]
    lines = {name: SHOP[name] for name in ("orders", "order_lines")}
    found = read_assortment(make_tables({**lines, "events": events}), AT)
    assert found.product_ids.to_list() == ["cup", "gone", "tea", "wine"], "beer was sold later"
    seen = found.products["first_seen_at"].to_list()
    assert [moment.date().isoformat() for moment in seen] == [
        "2026-01-05",
        "2026-02-01",
        "2026-02-01",
        "2026-02-01",
    ]
    unknown = found.products.drop("product_id", "first_seen_at", "labels", "is_on_offer")
    assert all(series.null_count() == 4 for series in unknown)
    assert found.products["labels"].to_list() == [[]] * 4


def test_events_tell_since_when_where_nothing_is_sold(make_tables: Any) -> None:
    events = [
        {
            "event_id": "e1",
            "event_name": "view_item",
            "occurred_at": "2026-01-05T00:00Z",
            "product_id": "wine",
        },
        {
            "event_id": "e2",
            "event_name": "view_item",
            "occurred_at": "2026-01-05T00:00Z",
            "product_id": "postage",
        },
    ]
    found = read_assortment(make_tables({"products": SHOP["products"], "events": events}), AT)
    assert found.size == 4
    assert row(found, "wine")["first_seen_at"] == datetime(2026, 1, 5, tzinfo=UTC)
    assert found.products["on_hand"].null_count() == 4


def test_an_empty_shop_sells_nothing(make_tables: Any) -> None:
    found = read_assortment(make_tables({}), AT)
    assert found.size == 0
    assert found.position_of(["tea"]).tolist() == [-1]


def test_a_moment_needs_its_time_zone(make_tables: Any) -> None:
    with pytest.raises(InputError, match="time zone"):
        read_assortment(make_tables({}), datetime(2026, 1, 1))  # noqa: DTZ001


def test_positions_are_those_of_sorted_ids() -> None:
    found = Assortment.of(pl.DataFrame({"product_id": ["ö", "a", "Z"]}))
    assert found.product_ids.to_list() == ["Z", "a", "ö"]
    assert found.position_of(["a", "zz", None, "ö", "ö", "", "A"]).tolist() == [1, -1, -1, 2, 2, -1, -1]
    assert found.position_of(pl.Series([], dtype=pl.String)).tolist() == []


def test_labels_of_plain_rows_are_their_columns() -> None:
    found = Assortment.of(pl.DataFrame({"product_id": ["a"], "brand": ["Acme"], "category": ["Tea"]}))
    assert found.products["labels"].to_list() == [["brand:Acme", "category:Tea"]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [({"product_id": ["a", "a"]}, "one row"), ({"product_id": ["a"], "prize": [1]}, "no assortment")],
)
def test_rows_that_are_no_assortment(rows: dict[str, list[object]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Assortment.of(pl.DataFrame(rows))
