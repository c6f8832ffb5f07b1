"""The leak test is real: planted leaks of each kind are caught, and honest features pass."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.features.asof import after, asof
from foresell.features.leak import LeakError, assert_no_leak, first_time

SETTINGS = Settings()
CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
PAST, FUTURE = "2026-02-01T12:00Z", "2026-03-05T12:00Z"


def shop(with_future: bool) -> dict[str, list[dict[str, object]]]:
    times = {"o1": PAST, "o2": PAST, **({"o3": FUTURE} if with_future else {})}
    return {
        "orders": [
            {
                "order_id": key,
                "created_at": at,
                "local_date": at[:10],
                "customer_id": "c1",
                "currency": "USD",
                "status": "completed",
            }
            for key, at in times.items()
        ],
        "order_lines": [
            {
                "order_line_id": f"l{key}",
                "order_id": key,
                "product_id": "p1",
                "quantity": 2,
                "line_amount": 10,
            }
            for key in times
        ],
        "products": [{"product_id": "p1", "category": "tea", "price": 5}],
        "customers": [{"customer_id": "c1", "city": "Lyon"}],
    }


def spending(tables: Any) -> Any:
    """Features of each customer, through whatever tables it is given."""
    orders = tables.current("orders")
    lines = tables.current("order_lines").join(orders.select("order_id", "customer_id"), "order_id")
    products = tables.current("products").select("product_id", "category", "price")
    joined = lines.join(products, "product_id").join(
        tables.current("customers").select("customer_id", "city"), "customer_id"
    )
    return joined.group_by("customer_id").agg(
        spent=joined.line_amount.sum(),
        list_price=joined.price.max(),
        category=joined.category.max(),
        city=joined.city.max(),
        num_open=(joined.order_id.nunique()),
    )


@pytest.mark.parametrize("with_future", [True, False])
def test_features_read_through_asof_pass(make_tables: Any, with_future: bool) -> None:
    tables = make_tables(shop(with_future))
    assert_no_leak(lambda world: spending(asof(world, SETTINGS, CUTOFF)), tables, CUTOFF)


@pytest.mark.parametrize("with_future", [True, False])
def test_features_read_past_the_cutoff_are_caught(make_tables: Any, with_future: bool) -> None:
    tables = make_tables(shop(with_future))
    with pytest.raises(LeakError) as caught:
        assert_no_leak(spending, tables, CUTOFF)
    assert "spent" in caught.value.columns


@pytest.mark.parametrize("with_future", [True, False])
def test_a_planted_column_from_after_the_cutoff_is_caught_and_named(
    make_tables: Any, with_future: bool
) -> None:
    def with_planted_column(world: Any) -> Any:
        honest = spending(asof(world, SETTINGS, CUTOFF))
        label = after(world, SETTINGS, CUTOFF, timedelta(days=30)).current("orders")
        buys = label.group_by("customer_id").agg(will_buy=label.count())
        return honest.left_join(buys, "customer_id").drop("customer_id_right")

    with pytest.raises(LeakError) as caught:
        assert_no_leak(with_planted_column, make_tables(shop(with_future)), CUTOFF)
    assert caught.value.columns == ["will_buy"]


def test_a_later_version_of_a_product_is_caught(make_tables: Any) -> None:
    def todays_prices(world: Any) -> Any:
        return world.current("products").select("product_id", "price")

    with pytest.raises(LeakError) as caught:
        assert_no_leak(todays_prices, make_tables(shop(with_future=True)), CUTOFF)
    assert caught.value.columns == ["price"]


def test_the_last_word_on_an_order_is_caught(make_tables: Any) -> None:
    """Filtering by the order's time alone still reads a status that was written later."""

    def statuses(world: Any) -> Any:
        orders = world.history("orders")
        return orders.filter(orders.created_at < CUTOFF, orders.valid_from.isnull()).select(
            "order_id", "status"
        )

    tables = make_tables(shop(with_future=True))
    with pytest.raises(LeakError) as caught:
        assert_no_leak(statuses, tables, CUTOFF)
    assert caught.value.columns == ["status"]
    honest = asof(tables, SETTINGS, CUTOFF)
    assert_no_leak(
        lambda world: asof(world, SETTINGS, CUTOFF).current("orders").select("order_id", "status"),
        tables,
        CUTOFF,
    )
    assert honest.current("orders").count().execute() == 2


@pytest.mark.parametrize("name", TABLES)
def test_asof_of_every_table_is_the_same_in_every_future(make_tables: Any, name: str) -> None:
    tables = make_tables(shop(with_future=True))
    hidden = ["valid_from", "recorded_at", "superseded_at"]

    def known(world: Any) -> Any:
        rows = asof(world, SETTINGS, CUTOFF).current(name)
        return rows.drop(*[column for column in hidden if column in rows.columns])

    assert_no_leak(known, tables, CUTOFF)


def test_every_table_with_a_time_has_a_first_time() -> None:
    without = {name for name, table in TABLES.items() if first_time(table) is None}
    assert without == {
        "order_lines",
        "bundle_items",
        "identities",
        "locations",
        "audiences",
        "coupons",
        "supplies",
    }
