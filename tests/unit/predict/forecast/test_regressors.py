"""What is known beside sales: prices at a constant mix, promotions, holidays, weather, views."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.leak import assert_no_leak
from foresell.predict.forecast.calendars import holiday_columns
from foresell.predict.forecast.hierarchy import usual_hierarchy
from foresell.predict.forecast.holidays import holiday_dates
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.regressors import Regressors
from foresell.predict.forecast.series import BuiltPanel, panel_of

MONDAY = date(2026, 1, 5)
SETTINGS = Settings()
# Four weeks of history; the panels look two weeks ahead.
LAST = 27


def panel(tables: Any, *names: str, by: tuple[str, ...] = ("product",), **choice: Any) -> BuiltPanel:
    spec = SeriesSpec(by, "week", "units")
    return panel_of(tables, SETTINGS, spec, horizon=2, regressors=Regressors(names, **choice))


def column(found: BuiltPanel, name: str, series: str = "tea") -> tuple[list[Any], list[Any]]:
    """Of the past and of the future."""
    parts = (found.panel.frame, found.panel.future)
    past, future = (
        part.filter(pl.col("series_id") == series)[name].to_list() if name in part.columns else []
        for part in parts
    )
    return past, future


def test_there_are_no_others(make_tables: Any, shop: Any, daily: Any) -> None:
    with pytest.raises(NotFoundError, match="promotion"):
        Regressors(("promotions",))
    found = panel(make_tables(shop(daily(0, LAST))), *Regressors().names)
    assert (found.panel.known, found.panel.lagged) == (("price",), ("discount",))
    assert any("No country" in note for note in found.notes)
    none = panel(make_tables(shop(daily(0, LAST))))
    assert none.panel.regressors == ()
    assert none.panel.future.is_empty()


def test_a_price_holds_until_the_next_sale_and_beyond(make_tables: Any, shop: Any) -> None:
    orders = [(MONDAY, "tea", "x", 10.0), (MONDAY + timedelta(days=14), "tea", "x", 12.0)]
    orders += [(MONDAY + timedelta(days=n), "rice", "x", 4.0) for n in range(LAST + 1)]
    found = panel(make_tables(shop(orders)), "price")
    assert column(found, "price") == ([5.0, 5.0, 6.0, 6.0], [6.0, 6.0])
    assert any("Prices after 2026-02-01" in note for note in found.notes)


def test_a_dearer_mix_is_no_dearer_price(make_tables: Any, shop: Any, daily: Any) -> None:
    cheap = [(day, "rice", "x", 2.0) for day, *_ in daily(0, 13)]
    orders = [*cheap, *daily(14, LAST), *daily(0, 0)]
    past, _ = column(panel(make_tables(shop(orders)), "price", by=("shop",)), "price", "shop")
    assert past == pytest.approx([past[0]] * 4)


def promotion(product: str, first: int, days: int, location: str | None = None) -> dict[str, object]:
    start = MONDAY + timedelta(days=first)
    return {
        "promotion_id": f"{product}{first}{location}",
        "product_id": product,
        "location_id": location,
        "starts_at": f"{start}T00:00Z",
        "ends_at": f"{start + timedelta(days=days)}T00:00Z",
    }


def test_promotions_count_by_time_by_place_and_by_what_sells(make_tables: Any, shop: Any, daily: Any) -> None:
    orders = daily(0, LAST) + daily(0, LAST, location="y") + daily(0, LAST, "rice", times=2)
    promotions = [promotion("tea", 7, 7), promotion("tea", 9, 2), promotion("rice", 0, 7, "x")]
    tables = make_tables(shop(orders, promotions=[*promotions, promotion("tea", 30, 7, "y")]))
    by_product = panel(tables, "promotion")
    assert column(by_product, "promotion") == ([0, 1, 0, 0], [pytest.approx(5 / 14), pytest.approx(1 / 4)])
    # In the week in which the last one begins nothing else is planned; afterwards nobody has planned yet.
    assert column(by_product, "promotion", "rice") == ([1, 0, 0, 0], [0, 0.25])
    by_place = panel(tables, "promotion", by=("location",))
    assert column(by_place, "promotion", "x")[0] == pytest.approx([2 / 3, 1 / 3, 0, 0])
    assert column(by_place, "promotion", "y") == ([0, 1, 0, 0], [pytest.approx(5 / 7), pytest.approx(2 / 7)])
    assert any("begin after 2026-02-04" in note for note in by_place.notes)


def test_promotions_that_nobody_planned_are_expected_as_usual(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    tables = make_tables(shop(daily(0, LAST), promotions=[promotion("tea", 7, 7)]))
    found = panel(tables, "promotion")
    assert column(found, "promotion") == ([0, 1, 0, 0], [0.25, 0.25])
    assert any("No promotion is planned to begin after 2026-02-01" in note for note in found.notes)


def test_holidays_of_countries(make_tables: Any, shop: Any, daily: Any) -> None:
    """Martin Luther King's day is 19 January 2026, Spring Festival is from 16 February 2026 on."""
    assert date(2026, 1, 19) in holiday_dates("US", MONDAY, date(2026, 2, 28))
    assert date(2026, 2, 17) in holiday_dates("CN", MONDAY, date(2026, 2, 28))
    corpus_christi = date(2026, 6, 4)
    assert corpus_christi in holiday_dates("DE-NW", corpus_christi, corpus_christi)
    assert corpus_christi not in holiday_dates("DE", corpus_christi, corpus_christi)
    with pytest.raises(InputError, match=r"Valid: .*NW"):
        holiday_dates("DE-XY", MONDAY, MONDAY)
    with pytest.raises(InputError, match="XX"):
        holiday_dates("XX", MONDAY, MONDAY)
    places = [
        {"location_id": "x", "kind": "store", "country": "US"},
        {"location_id": "y", "kind": "store", "country": "CN"},
    ]
    orders = daily(0, LAST) + daily(0, LAST, location="y")
    found = panel(make_tables(shop(orders, locations=places)), "holidays", by=("location",), lead_days=15)
    assert column(found, "holidays", "x") == ([0, 0, 1, 0], [0, 0])
    assert column(found, "before_holidays", "y")[1] == [7, 7]
    assert column(found, "after_holidays", "x")[0] == [0, 0, 3, 0]
    assert found.attributes["location_country"].to_list() == ["US", "CN"]
    nodes = usual_hierarchy(found.attributes, found.spec).nodes["node_id"].to_list()
    assert nodes == ["shop:shop", "location:x", "location:y"]
    american = panel(make_tables(shop(orders)), "holidays", by=("location",), country="US")
    assert column(american, "holidays", "y") == ([0, 0, 1, 0], [0, 0])


@given(st.sets(st.integers(-5, 40), max_size=8), st.integers(0, 9), st.integers(0, 9))
def test_a_day_counts_once_around_holidays(offsets: set[int], lead: int, lag: int) -> None:
    span = Span("week", MONDAY, MONDAY + timedelta(weeks=4))
    found = holiday_columns({MONDAY + timedelta(days=n) for n in offsets}, span, lead, lag)
    assert found["holidays"].sum() == len([n for n in offsets if 0 <= n < 35])
    assert found.select(pl.sum_horizontal(pl.exclude("date")).max()).item() <= 7


def test_the_calendar_is_known_ahead_where_it_says_so(make_tables: Any, shop: Any, daily: Any) -> None:
    """Weather is known for the past only; the index of fairs for the future too; days off are the shop's."""
    calendar = [
        {
            "date": MONDAY + timedelta(days=n),
            "country": "US",
            "is_holiday": n == 15,
            "regressors": json.dumps({"rain": n % 7, "fairs": 2, "note": "x"} if n <= LAST else {"fairs": 3}),
        }
        for n in range(60)
    ]
    found = panel(make_tables(shop(daily(0, LAST), calendar=calendar)), "calendar", "holidays")
    assert found.panel.known == ("holidays", "before_holidays", "after_holidays", "fairs")
    assert found.panel.lagged == ("rain",)
    assert column(found, "fairs") == ([2.0] * 4, [3.0] * 2)
    assert column(found, "rain") == ([3.0] * 4, [])
    assert column(found, "holidays")[0] == [0, 0, 1, 0]
    assert any("'rain'" in note for note in found.notes)


def event(number: int, name: str, day: int, product: str | None) -> dict[str, object]:
    local = MONDAY + timedelta(days=day)
    return {
        "event_id": f"e{number}",
        "event_name": name,
        "occurred_at": f"{local}T10:00Z",
        "local_date": local,
        "product_id": product,
    }


def test_views_of_the_product_and_searches_of_the_shop_are_lagged(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    views = [event(n, "view_item", day, "tea") for n, day in enumerate([8, 9, 9, 22])]
    searches = [event(10 + day, "search", day, None) for day in range(3, 12)]
    tables = make_tables(shop(daily(0, LAST) + daily(0, LAST, "rice"), events=views + searches))
    found = panel(tables, "views", "carts", "searches")
    assert (found.panel.known, found.panel.lagged) == ((), ("views", "searches"))
    assert column(found, "views") == ([None, 3, 0, 1], [])
    assert column(found, "views", "rice") == ([None, 0, 0, 0], [])
    assert column(found, "searches", "rice")[0] == [4, 5, 0, 0]
    assert [note for note in found.notes if "those of" in note] == ["Searches are those of the whole shop."]


def test_nothing_leaks_through_asof(make_tables: Any, shop: Any, daily: Any) -> None:
    """With stock-outs recovered and what is planned: neither the past nor what is taken for the future."""
    rice = [order for order in daily(0, 41, "rice") if not 14 <= (order[0] - MONDAY).days < 21]
    inventory = [
        {
            "product_id": "rice",
            "location_id": "warehouse",
            "as_of_date": MONDAY + timedelta(days=n),
            "on_hand": 0 if 14 <= n < 21 or n > 30 else 4,
        }
        for n in range(42)
    ]
    weather = [
        {"date": MONDAY + timedelta(days=n), "country": "US", "regressors": json.dumps({"rain": n % 5})}
        for n in range(42)
    ]
    tables = make_tables(
        shop(
            daily(0, 41) + rice,
            inventory=inventory,
            promotions=[promotion("tea", 7, 7), promotion("tea", 30, 7)],
            calendar=weather,
            events=[event(n, "view_item", n, "tea") for n in range(42)],
        )
    )
    cutoff = datetime.combine(MONDAY + timedelta(days=LAST + 1), time(), UTC)

    def known(world: Any) -> pl.DataFrame:
        found = panel_of(
            asof(world, SETTINGS, cutoff),
            SETTINGS,
            SeriesSpec(("product",), "week", "units"),
            horizon=2,
            complete_through=MONDAY + timedelta(days=LAST),
            stock_outs="recover",
            regressors=Regressors(("promotion", "calendar", "views")),
        )
        return pl.concat([found.panel.frame, found.panel.future], how="diagonal")

    told = known(tables)
    assert told.filter(pl.col("series_id") == "rice")["value"][2] > 10
    assert {"promotion", "rain", "views"} < set(told.columns)
    assert_no_leak(known, tables, cutoff)


@pytest.mark.spark
@pytest.mark.slow
def test_spark_builds_the_same_panel(make_tables: Any, make_spark_tables: Any, shop: Any, daily: Any) -> None:
    rice = [order for order in daily(0, 41, "rice", "y") if not 14 <= (order[0] - MONDAY).days < 21]
    stock = [
        {
            "product_id": "rice",
            "location_id": "y",
            "as_of_date": MONDAY + timedelta(days=n),
            "on_hand": 0 if 14 <= n < 21 else 4,
        }
        for n in range(42)
    ]
    rows = shop(
        daily(0, 41) + rice,
        inventory=stock,
        promotions=[promotion("tea", 7, 7), promotion("rice", 30, 20, "y")],
        locations=[{"location_id": "x", "kind": "store", "country": "US"}],
        events=[event(n, "view_item", n, "tea") for n in range(42)],
    )

    def found(tables: Any) -> BuiltPanel:
        spec = SeriesSpec(("category", "location"), "week", "net_sales")
        return panel_of(tables, SETTINGS, spec, horizon=2, stock_outs="recover", regressors=Regressors())

    here, there = found(make_tables(rows)), found(make_spark_tables(rows))
    assert_frame_equal(there.panel.frame, here.panel.frame)
    assert_frame_equal(there.panel.future, here.panel.future)
    assert_frame_equal(there.attributes, here.attributes)
    assert there.notes == here.notes
