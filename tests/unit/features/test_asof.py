"""What the cutoff lets through, on DuckDB; `tests/contract/test_asof_engines.py` adds Spark."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.features.asof import after, asof
from foresell.features.cutoffs import (
    ALL_TABLES,
    DAY_TABLES,
    FACT_TIMES,
    KNOWN_DAYS,
    PARENTS,
    START_TIMES,
    TIMELESS,
)

NEW_YORK = Settings.model_validate({"store": {"time_zone": "America/New_York"}})
CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, AT, LATER = "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", "2026-03-05T10:00:00Z"


def order(key: str, created: str, **cells: object) -> dict[str, object]:
    return {"order_id": key, "created_at": created, "currency": "USD", "customer_id": "c1", **cells}


def line(key: str, order_id: str) -> dict[str, object]:
    return {
        "order_line_id": key,
        "order_id": order_id,
        "product_id": "p",
        "quantity": 1,
        "line_amount": 1,
    }


def rows(view: Any, name: str, *columns: str) -> list[Any]:
    frame = view.current(name).to_polars().sort(ALL_TABLES[name].key)
    return frame.select(columns).rows() if len(columns) > 1 else frame[columns[0]].to_list()


def test_every_table_of_the_contracts_has_one_rule() -> None:
    rules = [*FACT_TIMES, *START_TIMES, *PARENTS, *DAY_TABLES, *KNOWN_DAYS, *TIMELESS, "receipts"]
    assert sorted(rules) == sorted(ALL_TABLES)


def test_facts_are_strictly_before_the_cutoff_and_labels_from_it_on(make_tables: Any) -> None:
    orders = [
        order("past", BEFORE),
        order("now", AT),
        order("next", LATER),
        order("far", "2027-01-01T00:00Z"),
    ]
    lines = [line(f"l-{o['order_id']}", str(o["order_id"])) for o in orders] + [line("orphan", "nobody")]
    tables = make_tables({"orders": orders, "order_lines": lines})
    past = asof(tables, NEW_YORK, CUTOFF)
    future = after(tables, NEW_YORK, CUTOFF, timedelta(days=7))
    assert rows(past, "orders", "order_id") == ["past"]
    assert rows(past, "order_lines", "order_line_id") == ["l-past"]
    assert rows(future, "orders", "order_id") == ["next", "now"]
    assert rows(future, "order_lines", "order_line_id") == ["l-next", "l-now"]


def test_a_product_is_the_version_of_its_time(make_tables: Any) -> None:
    versions = [
        {"product_id": "p", "price": 1, "valid_to": "2026-02-01T00:00Z"},
        {"product_id": "p", "price": 2, "valid_from": "2026-02-01T00:00Z", "valid_to": AT},
        {"product_id": "p", "price": 3, "valid_from": AT},
        {"product_id": "born later", "price": 9, "created_at": LATER},
    ]
    tables = make_tables({"products": versions})
    seen = {
        moment: rows(asof(tables, NEW_YORK, moment), "products", "product_id", "price", "valid_to")
        for moment in (datetime(2026, 1, 1, tzinfo=UTC), CUTOFF, CUTOFF + timedelta(seconds=1))
    }
    assert [[(p, float(price)) for p, price, _ in found] for found in seen.values()] == [
        [("p", 1.0)],
        [("p", 2.0)],
        [("p", 3.0)],
    ]
    assert all(valid_to is None for found in seen.values() for _, _, valid_to in found)


def test_what_befell_an_order_later_is_not_seen(make_tables: Any) -> None:
    orders = [
        order("cancelled later", BEFORE, status="cancelled", cancelled_at=LATER, paid_at=BEFORE),
        order("cancelled before", BEFORE, status="cancelled", cancelled_at=BEFORE),
        order("cancelled undated", BEFORE, status="cancelled"),
        order("completed once", BEFORE, status="completed", paid_at=LATER, refunded_amount=5),
        order("dated", BEFORE, status="shipped", valid_from=BEFORE, refunded_amount=5),
    ]
    seen = rows(
        asof(make_tables({"orders": orders}), NEW_YORK, CUTOFF),
        "orders",
        *("order_id", "status", "cancelled_at", "paid_at", "refunded_amount"),
    )
    moment = CUTOFF - timedelta(seconds=1)
    assert [(key, status, cancelled, paid) for key, status, cancelled, paid, _ in seen] == [
        ("cancelled before", "cancelled", moment, None),
        ("cancelled later", "paid", None, moment),
        ("cancelled undated", "cancelled", None, None),
        ("completed once", None, None, None),
        ("dated", "shipped", None, None),
    ]
    assert [row[-1] is None for row in seen] == [True, True, True, True, False]


def test_as_reported_on_a_day(make_tables: Any) -> None:
    told, corrected = "2026-03-02T00:00Z", "2026-04-01T00:00Z"
    orders = [
        order("o", BEFORE, total_amount=10, recorded_at=told, superseded_at=corrected),
        order("o", BEFORE, total_amount=12, recorded_at=corrected),
        order("told late", BEFORE, total_amount=1, recorded_at=corrected),
    ]
    tables = make_tables({"orders": orders})
    then = asof(tables, NEW_YORK, CUTOFF, known_by=datetime(2026, 3, 15, tzinfo=UTC))
    now = asof(tables, NEW_YORK, CUTOFF)
    assert [float(v) for v in rows(then, "orders", "total_amount")] == [10.0]
    assert rows(then, "orders", "superseded_at") == [None]
    assert then.history("orders").superseded_at.execute().isna().all()
    assert [float(v) for v in rows(now, "orders", "total_amount")] == [12.0, 1.0]
    assert now.history("orders").count().execute() == 3


def test_days_are_local_and_known_when_over(make_tables: Any) -> None:
    midnight = datetime(2026, 3, 1, 5, tzinfo=UTC)  # midnight in New York
    spend = [{"date": f"2026-02-{d}", "campaign_id": "a", "channel": "x", "currency": "USD", "cost_amount": 1}
             for d in (27, 28)]  # fmt: skip
    rates = [{"date": d, "currency": "EUR", "rate_to_store": 1.1} for d in ("2026-02-28", "2026-03-01")]
    tables = make_tables({"ad_spend": spend, "exchange_rates": rates})
    a_second = timedelta(seconds=1)
    assert rows(asof(tables, NEW_YORK, midnight), "ad_spend", "date")[-1] == date(2026, 2, 28)
    assert rows(asof(tables, NEW_YORK, midnight - a_second), "ad_spend", "date")[-1] == date(2026, 2, 27)
    assert rows(asof(tables, NEW_YORK, midnight), "exchange_rates", "date") == [date(2026, 2, 28)]
    assert len(rows(asof(tables, NEW_YORK, midnight + a_second), "exchange_rates", "date")) == 2


def test_holidays_are_known_ahead_but_not_the_weather(make_tables: Any) -> None:
    days = [
        {"date": d, "country": "US", "is_holiday": True, "regressors": "{}"}
        for d in ("2026-02-01", "2026-07-04")
    ]
    seen = rows(
        asof(make_tables({"calendar": days}), NEW_YORK, CUTOFF), "calendar", "is_holiday", "regressors"
    )
    assert seen == [(True, "{}"), (True, None)]


def test_what_belongs_to_a_later_campaign_is_not_there(make_tables: Any) -> None:
    campaigns = [
        {"campaign_id": "old", "starts_at": BEFORE, "ends_at": LATER},
        {"campaign_id": "new", "starts_at": LATER},
    ]
    coupons = [{"coupon_code": code, "campaign_id": campaign, "product_id": "p"}
               for code, campaign in (("A", "old"), ("B", "new"), ("C", None))]  # fmt: skip
    audiences = [{"campaign_id": c, "customer_id": "c1"} for c in ("old", "new")]
    view = asof(
        make_tables({"campaigns": campaigns, "coupons": coupons, "audiences": audiences}), NEW_YORK, CUTOFF
    )
    assert rows(view, "campaigns", "campaign_id", "ends_at") == [("old", None)]
    assert rows(view, "coupons", "coupon_code") == ["A", "C"]
    assert rows(view, "audiences", "campaign_id") == ["old"]


def test_a_delivery_is_ordered_first_and_received_later(make_tables: Any) -> None:
    receipts = [
        {"receipt_id": "r", "product_id": "p", "ordered_at": BEFORE, "received_at": LATER, "quantity": 5}
    ]
    tables = make_tables({"receipts": receipts})
    assert rows(asof(tables, NEW_YORK, CUTOFF), "receipts", "received_at", "quantity") == [(None, None)]
    assert rows(after(tables, NEW_YORK, CUTOFF, timedelta(days=9)), "receipts", "quantity") == [5.0]


def test_results_of_models_have_a_past_too_and_the_stores_own_records_do_not(make_tables: Any) -> None:
    made = [
        {"customer_id": "c", "model": "m/1", "rank": rank, "product_id": "p", "made_at": at}
        for rank, at in ((1, BEFORE), (2, AT))
    ]
    view = asof(make_tables({"recommendations": made}), NEW_YORK, CUTOFF)
    assert rows(view, "recommendations", "rank") == [1]
    assert view.has_rows("recommendations")
    assert not view.has_rows("events")
    with pytest.raises(NotFoundError, match="quarantine"):
        view.current("quarantine")


def test_a_time_without_a_zone_and_an_empty_horizon_are_refused(make_tables: Any) -> None:
    tables = make_tables({})
    with pytest.raises(InputError, match="time zone"):
        asof(tables, NEW_YORK, datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InputError, match="positive"):
        after(tables, NEW_YORK, CUTOFF, timedelta(0))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(0, 40), max_size=12), cut=st.integers(0, 40), horizon=st.integers(1, 20))
def test_past_and_future_share_no_fact_and_lose_none(
    make_tables: Any, days: list[int], cut: int, horizon: int
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    orders = [order(f"o{i:02}", (start + timedelta(days=d)).isoformat()) for i, d in enumerate(days)]
    tables = make_tables({"orders": orders})
    cutoff = start + timedelta(days=cut)
    past = set(rows(asof(tables, NEW_YORK, cutoff), "orders", "order_id"))
    future = set(rows(after(tables, NEW_YORK, cutoff, timedelta(days=horizon)), "orders", "order_id"))
    until_end = set(rows(asof(tables, NEW_YORK, cutoff + timedelta(days=horizon)), "orders", "order_id"))
    assert past & future == set()
    assert past | future == until_end
