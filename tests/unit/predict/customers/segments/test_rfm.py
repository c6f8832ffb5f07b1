"""RFM as a segmentation gives every customer the segment that the KPI gives."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi
from foresell.predict.customers.segments.rfm import RFM_FEATURES, RfmConfig, fit, rfm_customers
from foresell.predict.customers.segments.segmentation import Customers

SETTINGS = Settings()
AMOUNTS = [5, 5, 5, 8, 13, 21, 21, 34, 55, 89, 7, 7]


@pytest.fixture
def shop(make_tables):
    orders, lines = [], []
    for place, amount in enumerate(AMOUNTS):
        for number in range(1 + place % 4):
            key, day = f"O{place}-{number}", date(2024, 1, 1 + (place * 7 + number * 3) % 28)
            orders.append(
                {
                    "order_id": key,
                    "customer_id": f"C{place:02}",
                    "currency": "USD",
                    "created_at": f"{day}T12:00:00Z",
                    "local_date": str(day),
                }
            )
            lines.append(
                {
                    "order_line_id": key,
                    "order_id": key,
                    "product_id": "P",
                    "quantity": 1,
                    "line_amount": amount,
                }
            )
    return make_tables({"orders": orders, "order_lines": lines})


def test_segments_and_scores_are_those_of_the_kpi(shop):
    customers = rfm_customers(shop, SETTINGS, datetime(2024, 1, 25, tzinfo=UTC))
    fitted = fit(customers, RfmConfig())
    told = pl.concat(
        [customers.ids.to_frame("customer"), fitted.assign(customers), fitted.scores(customers)],
        how="horizontal",
    )
    rows = query_kpi(shop, SETTINGS, "rfm", by="customer", end=date(2024, 1, 24)).rows
    names = ["customer", "segment", "recency_score", "frequency_score", "monetary_score"]
    assert told.select(names).to_dicts() == [{name: row[name] for name in names} for row in rows]
    by_segment = query_kpi(shop, SETTINGS, "rfm", end=date(2024, 1, 24)).rows
    assert fitted.segments["segment"].to_list() == [row["segment"] for row in by_segment]
    assert fitted.segments["num_customers"].to_list() == [row["customers"] for row in by_segment]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_equal_customers_are_scored_equally_and_no_more_is_no_less(values):
    numbers = [float(value) for value in values]
    frame = pl.DataFrame({"recency_days": numbers, "orders": numbers, "monetary_value": numbers})
    ids = pl.Series([str(place) for place in range(len(values))])
    customers = Customers(ids, frame, RFM_FEATURES)
    scores = fit(customers, RfmConfig()).scores(customers)
    for one, place in zip(values, range(len(values)), strict=True):
        smaller, equal = sum(other < one for other in values), values.count(one)
        assert scores["frequency_score"][place] == 1 + (2 * smaller + equal) * 5 // (2 * len(values))
        longer = len(values) - smaller - equal
        assert scores["recency_score"][place] == 1 + (2 * longer + equal) * 5 // (2 * len(values))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_where_everybody_is_equal_nobody_is_lost(count):
    frame = pl.DataFrame(
        {"recency_days": [4.0] * count, "orders": [1.0] * count, "monetary_value": [9.0] * count}
    )
    customers = Customers(pl.Series([str(place) for place in range(count)]), frame, RFM_FEATURES)
    scores = fit(customers, RfmConfig()).scores(customers)
    assert {tuple(row) for row in scores.iter_rows()} == {(3, 3, 3)}


def test_who_never_ordered_is_lost_and_a_shop_without_orders_is_refused(shop):
    customers = rfm_customers(shop, SETTINGS, datetime(2024, 2, 1, tzinfo=UTC))
    never = pl.DataFrame(
        {"recency_days": [None], "orders": [0.0], "monetary_value": [None]},
        schema_overrides={"recency_days": pl.Float64, "monetary_value": pl.Float64},
    )
    stranger = Customers(pl.Series(["X"]), never, RFM_FEATURES)
    assert fit(customers, RfmConfig()).assign(stranger)["segment"].to_list() == ["lost"]
    with pytest.raises(InputError, match="No customer has ordered"):
        fit(stranger, RfmConfig())
    with pytest.raises(InputError, match="Nobody had ordered"):
        rfm_customers(shop, SETTINGS, datetime(2023, 1, 1, tzinfo=UTC))
