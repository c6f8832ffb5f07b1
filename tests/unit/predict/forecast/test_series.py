"""Weekly series: full weeks only, gaps are 0, and they add up to the KPI."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi
from foresell.predict.forecast.series import UNKNOWN, weekly_series

MONDAY = date(2026, 1, 5)
BY_CATEGORY = Settings.model_validate({"forecast": {"series_by": "category"}})


def shop(days: list[tuple[date, str, float]], **extra: Any) -> dict[str, list[dict[str, object]]]:
    """(day, product, amount): an order of one line each; a product's first letter is its category."""
    orders: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for number, (day, product, amount) in enumerate(days):
        key = f"o{number:03}"
        noon = datetime.combine(day, time(12), UTC).isoformat()
        orders.append({"order_id": key, "created_at": noon, "local_date": day, "currency": "USD"})
        lines.append(
            {
                "order_line_id": key,
                "order_id": key,
                "product_id": product,
                "quantity": 2,
                "line_amount": amount,
            }
        )
    products = [{"product_id": p, "category": p[0]} for p in sorted({p for _, p, _ in days}) if p[0] != "?"]
    return {"orders": orders, "order_lines": lines, "products": products, **extra}


def every_day(first: date, last: date, product: str = "tea") -> list[tuple[date, str, float]]:
    return [(first + timedelta(days=i), product, 10.0) for i in range((last - first).days + 1)]


def values(tables: Any, settings: Settings = BY_CATEGORY, **choices: Any) -> dict[str, list[float]]:
    frame = weekly_series(tables, settings, **choices).frame
    return {
        str(key): rows["value"].to_list() for (key,), rows in frame.group_by("series_id", maintain_order=True)
    }


def test_weeks_that_are_not_full_are_left_out_and_said_so(make_tables: Any) -> None:
    saturday, wednesday = MONDAY - timedelta(days=2), MONDAY + timedelta(days=16)
    found = weekly_series(make_tables(shop(every_day(saturday, wednesday))), BY_CATEGORY)
    assert (found.first_week, found.last_week) == (MONDAY, MONDAY + timedelta(weeks=1))
    assert found.frame["value"].to_list() == [70.0, 70.0]
    assert found.cutoff_date == date(2026, 1, 18)
    assert [note.split(" is not full")[0] for note in found.notes] == ["The first week", "The last week"]


def test_full_weeks_are_all_kept(make_tables: Any) -> None:
    found = weekly_series(make_tables(shop(every_day(MONDAY, MONDAY + timedelta(days=13)))), BY_CATEGORY)
    assert found.frame.height == 2
    assert found.notes == ()


def test_a_shop_that_never_opens_on_sunday_has_full_weeks_without_it(make_tables: Any) -> None:
    days = [d for d in every_day(MONDAY, MONDAY + timedelta(days=13)) if d[0].weekday() < 6]
    assert values(make_tables(shop(days))) == {"t": [60.0, 60.0]}


def test_weeks_start_where_the_shop_says(make_tables: Any) -> None:
    sunday_store = Settings.model_validate(
        {"store": {"week_start": "sunday"}, "forecast": {"series_by": "category"}}
    )
    days = every_day(MONDAY - timedelta(days=1), MONDAY + timedelta(days=5))
    found = weekly_series(make_tables(shop(days)), sunday_store)
    assert found.frame["date"].to_list() == [date(2026, 1, 4)]


def test_weeks_without_a_sale_are_zero_until_the_shops_last_week(make_tables: Any) -> None:
    steady = every_day(MONDAY, MONDAY + timedelta(days=27))
    rare = [(MONDAY + timedelta(days=8), "rice", 5.0), (MONDAY + timedelta(days=9), "?", 1.0)]
    found = values(make_tables(shop(steady + rare)))
    assert found == {"t": [70.0] * 4, "r": [5.0, 0.0, 0.0], UNKNOWN: [1.0, 0.0, 0.0]}


def test_they_add_up_to_the_kpi_with_refunds_on_their_own_date(make_tables: Any) -> None:
    refund = {
        "refund_id": "r", "product_id": "tea", "amount": 4, "currency": "USD",
        "created_at": "2026-01-14T12:00Z", "local_date": "2026-01-14",
    }  # fmt: skip
    tables = make_tables(shop(every_day(MONDAY, MONDAY + timedelta(days=20)), refunds=[refund]))
    assert values(tables) == {"t": [70.0, 66.0, 70.0]}
    (total,) = query_kpi(tables, BY_CATEGORY, "net_sales").rows
    assert weekly_series(tables, BY_CATEGORY).frame["value"].sum() == float(total["value"])
    assert values(tables, measure="units") == {"t": [14.0] * 3}


def test_too_little_is_an_error_a_user_understands(make_tables: Any) -> None:
    with pytest.raises(InputError, match="no sales"):
        weekly_series(make_tables({}), BY_CATEGORY)
    with pytest.raises(InputError, match="no full week"):
        weekly_series(
            make_tables(shop(every_day(MONDAY + timedelta(days=2), MONDAY + timedelta(days=9)))), BY_CATEGORY
        )
