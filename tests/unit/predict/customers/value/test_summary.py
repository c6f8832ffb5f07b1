"""A customer's orders in numbers, worked out by hand; and that no future is in them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.features.leak import assert_no_leak
from foresell.predict.customers.value.examples import (
    future_amounts,
    history,
    value_examples,
    value_features,
)
from foresell.predict.customers.value.history import history_of
from foresell.predict.customers.value.summary import VALUE_FEATURES, order_days, summarize

NEW_YORK = Settings.model_validate({"store": {"time_zone": "America/New_York", "currency": "USD"}})
CUTOFF = datetime(2026, 3, 1, 5, tzinfo=UTC)


def order(key: str, created: str, customer: str | None = "c1", **cells: object) -> dict[str, object]:
    local = cells.pop("local_date", created[:10])
    return {
        "order_id": key,
        "created_at": created,
        "local_date": local,
        "customer_id": customer,
        "currency": "USD",
        **cells,
    }


def line(key: str, amount: float, quantity: float = 1) -> dict[str, object]:
    return {
        "order_line_id": f"l{key}",
        "order_id": key,
        "product_id": "p",
        "quantity": quantity,
        "line_amount": amount,
    }


SHOP = {
    "orders": [
        order("a", "2026-01-10T15:00Z"),
        # The same local day as the next: 04:00 in UTC is the evening before in New York.
        order("b", "2026-01-20T18:00Z"),
        order("c", "2026-01-21T04:00Z", local_date="2026-01-20"),
        order("d", "2026-02-19T15:00Z"),
        order("lost", "2026-02-20T15:00Z", status="cancelled"),
        order("test", "2026-02-20T15:00Z", is_test=True),
        order("nobody", "2026-02-20T15:00Z", customer=None),
        order("e", "2026-02-28T15:00Z", "c2"),
        order("f", "2026-03-01T15:00Z"),
        order("g", "2026-03-02T15:00Z"),
        order("h", "2026-03-29T15:00Z", "c2"),
    ],
    "order_lines": [
        line("a", 10, 2),
        line("b", 20, 1),
        line("c", 30, 3),
        line("d", 40, 4),
        line("lost", 99),
        line("test", 99),
        line("nobody", 99),
        line("e", 7),
        line("f", 50),
        line("g", 60),
        line("h", 1),
    ],
    "refunds": [
        {
            "refund_id": "of c",
            "order_id": "c",
            "created_at": "2026-02-25T15:00Z",
            "local_date": "2026-02-25",
            "amount": 5,
            "currency": "USD",
            "customer_id": "c1",
        },
        {
            "refund_id": "of no order",
            "created_at": "2026-02-26T15:00Z",
            "local_date": "2026-02-26",
            "amount": 1,
            "currency": "USD",
            "customer_id": "c1",
        },
        {
            "refund_id": "later",
            "order_id": "d",
            "created_at": "2026-03-05T15:00Z",
            "local_date": "2026-03-05",
            "amount": 30,
            "currency": "USD",
            "customer_id": "c1",
        },
    ],
}


def test_days_are_local_and_net_of_what_was_refunded_by_then(make_tables) -> None:
    days = order_days(make_tables(SHOP), NEW_YORK, CUTOFF)
    assert days.rows() == [
        ("c1", date(2026, 1, 10), 10.0, 2.0),
        ("c1", date(2026, 1, 20), 45.0, 4.0),
        ("c1", date(2026, 2, 19), 39.0, 4.0),
        ("c2", date(2026, 2, 28), 7.0, 1.0),
    ]


def test_the_summary_by_hand(make_tables) -> None:
    first, second = value_features(make_tables(SHOP), NEW_YORK, CUTOFF, 20).to_dicts()
    assert first["repeat_order_days"] == 2
    assert first["days_first_to_last"] == 40
    assert first["days_since_first"] == 49
    assert first["repeat_day_value"] == pytest.approx((45 + 39) / 2)
    assert first["days_since_last"] == 9
    assert first["idle_share"] == pytest.approx(9 / 49)
    assert (first["mean_gap"], first["longest_gap"], first["last_gap"]) == (20, 30, 30)
    assert first["spend"] == pytest.approx(94)
    assert (first["order_days_30d"], first["spend_30d"]) == (1, 39)
    assert (first["order_days_in_last_period"], first["spend_in_last_period"]) == (1, 39)
    assert (first["first_day_units"], first["mean_day_units"]) == (2, pytest.approx(10 / 3))
    assert second["repeat_order_days"] == 0
    assert second["repeat_day_value"] is None
    assert second["days_since_first"] == 0
    assert list(first) == ["customer_id", *(feature.name for feature in VALUE_FEATURES)]


def test_labels_are_the_days_and_net_money_of_the_window(make_tables) -> None:
    tables = make_tables(SHOP)
    found = future_amounts(tables, NEW_YORK, CUTOFF, 10)
    assert found.rows() == [("c1", 2.0, 50.0 + 60.0 - 30.0)]
    spend = value_examples(tables, NEW_YORK, [CUTOFF], 10)
    assert spend.keys["entity_id"].to_list() == ["c1", "c2"]
    assert spend.labels.tolist() == [80.0, 0.0]


def test_no_feature_knows_the_future(make_tables) -> None:
    assert_no_leak(lambda tables: value_features(tables, NEW_YORK, CUTOFF, 20), make_tables(SHOP), CUTOFF)


def test_where_the_history_begins_and_ends(make_tables) -> None:
    tables = make_tables(SHOP)
    first, until = history(tables, NEW_YORK)
    assert first == datetime(2026, 1, 10, 5, tzinfo=UTC)
    # After the clocks changed.
    assert until == datetime(2026, 3, 30, 4, tzinfo=UTC)
    value_examples(tables, NEW_YORK, [CUTOFF], 29)
    with pytest.raises(InputError, match="ends after the last order"):
        value_examples(tables, NEW_YORK, [CUTOFF], 30)
    with pytest.raises(InputError, match="above 0 days"):
        value_examples(tables, NEW_YORK, [CUTOFF], 0)
    with pytest.raises(InputError, match="No customer has an order before the cutoff"):
        value_examples(tables, NEW_YORK, [datetime(2026, 1, 1, tzinfo=UTC)], 10)
    with pytest.raises(InputError, match="'visits'"):
        value_examples(tables, NEW_YORK, [CUTOFF], 10, "visits")


def test_a_shop_without_customers_is_told_so(make_tables) -> None:
    with pytest.raises(InputError, match="No order has a customer"):
        history(make_tables({"orders": [order("a", "2026-01-10T15:00Z", None)]}), NEW_YORK)


def test_a_day_that_stands_twice_is_refused() -> None:
    days = pl.DataFrame({"customer_id": ["a", "a"], "date": [date(2026, 1, 1)] * 2, "amount": [1.0, 2.0]})
    with pytest.raises(InputError, match="stand twice"):
        summarize(days, date(2026, 2, 1), 30)
    with pytest.raises(InputError, match="by then"):
        summarize(days.head(1), date(2025, 2, 1), 30)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.floats(0, 100)),
        min_size=1,
        unique_by=lambda row: row[:2],
    ),
    st.integers(300, 400),
)
def test_every_summary_is_a_history_and_its_parts_add_up(rows, end) -> None:
    days = pl.DataFrame(rows, {"customer_id": pl.String, "day": pl.Int64, "amount": pl.Float64}, orient="row")
    days = days.with_columns(date=pl.lit(date(2025, 1, 1)) + pl.duration(days="day")).drop("day")
    until = date.fromordinal(date(2025, 1, 1).toordinal() + end)
    found = summarize(days.sample(fraction=1, shuffle=True, seed=0), until, 60)
    history_of(found)
    assert (found["repeat_order_days"] + 1).sum() == len(rows)
    assert found["spend"].sum() == pytest.approx(sum(row[2] for row in rows))
    assert ((found["days_first_to_last"] + found["days_since_last"]) == found["days_since_first"]).all()
