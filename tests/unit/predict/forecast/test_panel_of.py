"""Panels from a shop's tables: the KPI's values at every level, gaps apart from zeros, ends and launches."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.kpis.query import query_kpi
from foresell.predict.forecast.launches import DISCONTINUED, SILENT
from foresell.predict.forecast.levels import SeriesSpec, series_ids, values_of
from foresell.predict.forecast.panel import Period
from foresell.predict.forecast.series import BuiltPanel, panel_of

MONDAY = date(2026, 1, 5)
SETTINGS = Settings()
Order = tuple[date, str, str | None, float]


def built(
    tables: Any, *by: str, period: Period = "week", measure: Any = "units", **choices: Any
) -> BuiltPanel:
    return panel_of(tables, SETTINGS, SeriesSpec(by or ("shop",), period, measure), horizon=4, **choices)


def values(panel: BuiltPanel) -> dict[str, list[float | None]]:
    groups = panel.panel.frame.group_by("series_id", maintain_order=True)
    return {str(key): rows["value"].to_list() for (key,), rows in groups}


@given(st.lists(st.lists(st.none() | st.text(alphabet="a|\\(unknown)", max_size=9), min_size=2, max_size=2)))
def test_the_name_of_a_series_tells_its_values(rows: list[list[str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    ids = frame.select(series_ids(["a", "b"]))["series_id"]
    assert [list(values_of(one)) for one in ids] == rows
    assert ids.n_unique() == len({tuple(row) for row in rows})


def test_what_is_no_series_is_an_error_that_names_what_is() -> None:
    with pytest.raises(NotFoundError, match="category"):
        SeriesSpec(("categori",))
    with pytest.raises(InputError, match="twice"):
        SeriesSpec(("product", "product"))
    with pytest.raises(InputError, match="week"):
        SeriesSpec(period="weeks")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="net_sales"):
        SeriesSpec(measure="net sales")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no name"):
        values_of("a\\")


@st.composite
def shops(draw: Any) -> list[Order]:
    steady: list[Order] = [(MONDAY + timedelta(days=n), "tea", "x", 10.0) for n in range(61)]
    some = st.tuples(
        st.integers(0, 60).map(lambda n: MONDAY + timedelta(days=n)),
        st.sampled_from(["tea", "tie", "rice", "ax"]),
        st.sampled_from(["x", "y", None]),
        st.sampled_from([3.0, 7.25, 0.01, 12.3456]),
    )
    return steady + draw(st.lists(some, max_size=15))


# Shrinking an example that goes through files takes minutes.
@settings(
    max_examples=2, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shops(), st.sampled_from(["day", "week", "month"]), st.sampled_from(["net_sales", "units"]))
def test_values_are_those_of_the_kpi(
    make_tables: Any, shop: Any, orders: list[Order], period: Any, measure: Any
) -> None:
    refund = {
        "refund_id": "r", "product_id": "tea", "amount": 4, "currency": "USD", "location_id": "x",
        "created_at": "2026-01-14T12:00Z", "local_date": "2026-01-14",
    }  # fmt: skip
    tables = make_tables(shop(orders, refunds=[refund]))
    panel = built(tables, "category", "location", period=period, measure=measure)
    found = panel.panel.frame.join(panel.attributes, on="series_id")
    span = {"start": panel.span.first, "end": panel.span.last_day, "period": period}
    for location in found["location"].unique():
        answer = query_kpi(
            tables, SETTINGS, measure, by="category", where=[f"location={location or ''}"], **span
        )
        kpi = {(row["category"], date.fromisoformat(row["period"])): row["value"] for row in answer.rows}
        here = found.filter(pl.col("location").eq_missing(pl.lit(location, pl.String)))
        mine = {(row["category"], row["date"]): row["value"] for row in here.to_dicts()}
        assert mine == pytest.approx({cell: kpi.get(cell, 0.0) for cell in mine}, abs=1e-4)
        assert set(kpi) <= set(mine)


def test_a_series_for_each_product_and_place(make_tables: Any, shop: Any, daily: Any) -> None:
    orders = daily(0, 27) + daily(8, 8, "rice", "y") + daily(9, 9, "rice", None)
    panel = built(make_tables(shop(orders)), "product", "location")
    assert values(panel) == {"rice|(unknown)": [2, 0, 0], "rice|y": [2, 0, 0], "tea|x": [14.0] * 4}
    assert panel.panel.is_count
    assert panel.panel.season == 52
    assert panel.panel.static.columns == [
        "series_id",
        "product",
        "location",
        "department",
        "category",
        "brand",
    ]
    assert panel.cutoff_date == MONDAY + timedelta(days=27)


def test_a_product_that_a_place_sells_late_did_not_sell_there_before(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    """But before the product was anywhere, or the place was open, nothing could be sold."""
    late = [(MONDAY + timedelta(weeks=week), product, place, 1.0) for week, product, place in (
        (2, "cake", "y"), (5, "tea", "y"), (6, "cake", "x"),
    )]  # fmt: skip
    found = values(built(make_tables(shop([*daily(0, 56), *late])), "product", "location"))
    assert found["tea|y"] == [0.0, 0.0, 0.0, 2.0, 0.0, 0.0]
    assert found["cake|x"] == [0.0, 0.0, 0.0, 0.0, 2.0, 0.0]
    assert found["cake|y"] == [2.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_months_and_days_that_are_not_full_are_left_out(make_tables: Any, shop: Any, daily: Any) -> None:
    tables = make_tables(shop(daily(0, 90)))
    monthly = built(tables, period="month")
    assert monthly.panel.frame["date"].to_list() == [date(2026, 2, 1), date(2026, 3, 1)]
    assert monthly.panel.frame["value"].to_list() == [56, 62]
    assert len(monthly.notes) == 2
    day = MONDAY + timedelta(days=92)
    to_the_day = built(tables, period="day", complete_through=day).panel.frame
    assert to_the_day["value"].to_list() == [2.0] * 91 + [0.0] * 2


def test_weeks_start_where_the_shop_says_and_need_no_day_on_which_it_never_opens(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    settings = Settings.model_validate({"store": {"week_start": "sunday"}})
    from_sunday = make_tables(shop(daily(-1, 5)))
    found = panel_of(from_sunday, settings, SeriesSpec(measure="units"), horizon=1)
    assert found.panel.frame["date"].to_list() == [MONDAY - timedelta(days=1)]
    saturday_shop = [order for order in daily(0, 12) if order[0].weekday() < 6]
    assert values(built(make_tables(shop(saturday_shop))))["shop"] == [12.0, 12.0]


def test_what_is_not_full_is_left_out_and_said_so(make_tables: Any, shop: Any, daily: Any) -> None:
    found = built(make_tables(shop(daily(-2, 16))), measure="net_sales")
    assert found.panel.frame["date"].to_list() == [MONDAY, MONDAY + timedelta(weeks=1)]
    assert [note.split(" is not full")[0] for note in found.notes] == ["The first week", "The last week"]
    with pytest.raises(InputError, match="no sales"):
        built(make_tables({}))
    with pytest.raises(InputError, match="no full week"):
        built(make_tables(shop(daily(2, 9))))


def test_a_week_of_silence_in_a_busy_shop_is_a_gap_and_in_a_quiet_one_a_zero(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    busy = daily(0, 55, times=3) + daily(63, 90, times=3)
    assert values(built(make_tables(shop(busy))))["shop"] == [42.0] * 8 + [None] + [42.0] * 4
    quiet = [order for order in daily(0, 90) if (order[0] - MONDAY).days % 7 == 3]
    missing = [order for order in quiet if (order[0] - MONDAY).days != 59]
    assert values(built(make_tables(shop(missing)), period="day"))["shop"][59 - 3] == 0.0


def test_a_years_gap_is_unknown_and_a_closed_sunday_is_not(make_tables: Any, shop: Any, daily: Any) -> None:
    weekdays = [o for o in daily(0, 90, times=3) + daily(455, 545, times=3) if o[0].weekday() < 6]
    found = built(make_tables(shop(weekdays)), period="day")
    frame = found.panel.frame
    gap = frame.filter(pl.col("value").is_null())
    assert gap["date"][0] == MONDAY + timedelta(days=91)
    assert gap["date"][-1] == MONDAY + timedelta(days=453)
    sundays = frame.filter(pl.col("date").dt.weekday() == 7, pl.col("value").is_not_null())
    assert sundays["value"].unique().to_list() == [0.0]
    assert any("unknown, not 0" in note for note in found.notes)


def test_who_books_all_sales_on_the_first_of_the_month_has_no_gaps(make_tables: Any, shop: Any) -> None:
    orders = [(date(2026, month, 1), "tea", "x", 10.0) for month in range(1, 13) for _ in range(20)]
    found = built(make_tables(shop(orders)), period="month", complete_through=date(2026, 12, 31))
    assert values(found)["shop"] == [40.0] * 12


def test_one_place_that_is_shut_leaves_the_others_as_they_are(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    orders = daily(0, 83, location="y", times=3)
    orders += daily(0, 27, location="x", times=3) + daily(56, 83, location="x", times=3)
    found = values(built(make_tables(shop(orders)), "location"))
    assert found == {"x": [42.0] * 4 + [None] * 4 + [42.0] * 4, "y": [42.0] * 12}


def test_a_closed_holiday_is_a_zero(make_tables: Any, shop: Any) -> None:
    """Christmas week in the United States: the 25th alone is shut."""
    first = date(2025, 11, 3)
    open_days = [d for n in range(91) if (d := first + timedelta(days=n)) != date(2025, 12, 25)]
    orders: list[Order] = [(d, "tea", "x", 10.0) for d in open_days for _ in range(12)]
    places = [{"location_id": "x", "kind": "store", "country": "US"}]
    shut = {date(2025, 12, 25): 0.0}
    with_country = built(make_tables(shop(orders, locations=places)), period="day").panel.frame
    without = built(make_tables(shop(orders)), period="day").panel.frame
    for frame, expected in ((with_country, shut), (without, {date(2025, 12, 25): None})):
        assert (
            dict(frame.filter(pl.col("date") == date(2025, 12, 25)).select("date", "value").iter_rows())
            == expected
        )


def test_what_is_discontinued_or_long_silent_ends_and_what_never_sold_is_a_launch(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    orders = (
        daily(0, 279)
        + daily(0, 13, "old")
        + daily(0, 41, "gone")
        + daily(0, 0, "once")
        + daily(200, 200, "new")
    )
    products = [
        {"product_id": "tea", "category": "t", "status": "active"},
        {"product_id": "old", "category": "o", "status": "discontinued"},
        {"product_id": "gone", "category": "g"},
        {"product_id": "once", "category": "g"},
        {"product_id": "fresh", "category": "g", "created_at": "2026-09-01T00:00Z"},
        {"product_id": "shelved", "category": "g", "created_at": "2025-09-01T00:00Z"},
        {"product_id": "later", "category": "g", "created_at": "2027-09-01T00:00Z"},
    ]
    found = built(make_tables(shop(orders, products)), "product")
    ends = {row["series_id"]: (row["date"], row["reason"]) for row in found.ended.to_dicts()}
    assert ends == {
        "gone": (MONDAY + timedelta(weeks=5), SILENT),
        "old": (MONDAY + timedelta(weeks=1), DISCONTINUED),
        "once": (MONDAY, SILENT),
    }
    assert {name: len(rows) for name, rows in values(found).items()} == {
        "gone": 6, "new": 12, "old": 2, "once": 1, "tea": 40,
    }  # fmt: skip
    launches = found.launches.select("product", "category", "launched_on").rows()
    assert launches == [("fresh", "g", date(2026, 9, 1))]
    assert set(found.panel.static["series_id"]) == {*values(found), "fresh"}
    assert [note for note in found.notes if "ended" in note] == [
        "1 series have ended: discontinued in the catalog.",
        "2 series have ended: silent for long.",
    ]


def test_a_store_that_does_not_know_the_dimension_says_so(make_tables: Any, shop: Any, daily: Any) -> None:
    tables = make_tables(shop(daily(0, 13), products=[]))
    found = built(tables, "category", "location")
    assert (found.spec.by, found.notes) == (("location",), ("No category is known: series are by location.",))
    assert built(tables, "brand").notes == ("No brand is known: the whole shop is one series.",)
