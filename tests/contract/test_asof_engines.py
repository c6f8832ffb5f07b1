"""The cutoff gives the same rows on both engines, for every table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from foresell.contracts.settings import Settings
from foresell.features.asof import after, asof

SETTINGS = Settings.model_validate({"store": {"time_zone": "America/New_York"}})
CUTOFF = datetime(2026, 3, 1, 5, tzinfo=UTC)
PAST, FUTURE = "2026-02-28T12:00Z", "2026-03-05T12:00Z"
ROWS: dict[str, list[dict[str, object]]] = {
    "orders": [
        {
            "order_id": "o1",
            "created_at": PAST,
            "currency": "USD",
            "status": "cancelled",
            "cancelled_at": FUTURE,
        },
        {"order_id": "o2", "created_at": FUTURE, "currency": "USD", "status": "paid"},
    ],
    "order_lines": [
        {"order_line_id": k, "order_id": k, "product_id": "p", "quantity": 1, "line_amount": 1}
        for k in ("o1", "o2")
    ],
    "products": [
        {"product_id": "p", "price": 1, "valid_to": FUTURE},
        {"product_id": "p", "price": 2, "valid_from": FUTURE},
    ],
    "ad_spend": [
        {"date": d, "campaign_id": "a", "channel": "x", "currency": "USD", "cost_amount": 1}
        for d in ("2026-02-28", "2026-03-01")
    ],
    "coupons": [
        {"coupon_code": c, "campaign_id": g, "product_id": "p"} for c, g in (("A", None), ("B", "g"))
    ],
    "campaigns": [{"campaign_id": "g", "starts_at": PAST, "ends_at": FUTURE}],
    "receipts": [
        {"receipt_id": "r", "product_id": "p", "ordered_at": PAST, "received_at": FUTURE, "quantity": 3}
    ],
}


@pytest.mark.spark
def test_duckdb_and_spark_agree_on_the_past_and_on_the_future(
    make_tables: Any, make_spark_tables: Any
) -> None:
    duckdb_tables, spark_tables = make_tables(ROWS), make_spark_tables(ROWS)
    for name in ROWS:
        for view in (
            lambda tables: asof(tables, SETTINGS, CUTOFF),
            lambda tables: asof(tables, SETTINGS, CUTOFF, known_by=CUTOFF),
            lambda tables: after(tables, SETTINGS, CUTOFF, timedelta(days=7)),
        ):
            here, there = (view(t).current(name).to_pyarrow() for t in (duckdb_tables, spark_tables))
            assert_frame_equal(_plain(here), _plain(there))


def _plain(rows: Any) -> Any:
    """Rows in one order, moments as microseconds: engines differ in the precision of a timestamp's type."""
    import polars

    frame = polars.DataFrame(polars.from_arrow(rows))
    return frame.with_columns(polars.selectors.datetime().dt.epoch("us")).sort(frame.columns[:2])
