"""Demand behind empty shelves: never below what was sold, near the truth on average, known by its days."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from foresell.contracts.settings import Settings
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.series import BuiltPanel, panel_of
from foresell.predict.forecast.stock_days import stock_days
from foresell.predict.forecast.stockouts import IN_STOCK, NOT_SOLD, OUT, RAN_OUT, Sales, beyond, recovered

MONDAY = date(2026, 1, 5)
SETTINGS = Settings()
NOBODY = pl.Series([], dtype=pl.String)


def sales_of(demand: np.ndarray, stock: np.ndarray) -> Sales:
    """What is sold of a demand when `stock` lies there each morning."""
    sold = np.minimum(demand, stock)
    state = np.where(stock > sold, IN_STOCK, np.where(sold > 0, RAN_OUT, OUT)).astype(np.int8)
    return Sales(sold, state, np.arange(demand.shape[1]) % 7, np.zeros(demand.shape, dtype=bool))


@given(st.floats(0.05, 40), st.integers(0, 30), st.sampled_from([1.0, 1.5, 4.0]))
def test_beyond_is_the_mean_of_the_tail(mean: float, least: int, dispersion: float) -> None:
    counts = np.arange(least, 2_000)
    if dispersion == 1.0:
        chances = poisson.pmf(counts, mean)
    else:
        chances = nbinom.pmf(counts, mean / (dispersion - 1), 1 / dispersion)
    if chances.sum() > 1e-12:
        expected = (counts * chances).sum() / chances.sum()
        assert beyond(np.array(mean), np.array(least), dispersion) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 6.0), st.floats(0.0, 2.0))
def test_demand_is_never_below_what_was_sold_and_is_that_in_stock(
    seed: int, mean: float, cover: float
) -> None:
    random = np.random.default_rng(seed)
    demand = random.poisson(mean, (5, 40)).astype(float)
    sales = sales_of(demand, random.poisson(cover * mean, (5, 40)).astype(float))
    found = recovered(sales)
    assert (found >= sales.sold - 1e-9).all()
    assert (found[sales.state == IN_STOCK] == sales.sold[sales.state == IN_STOCK]).all()
    assert np.isfinite(found).all()
    sales.state[:, 30:] = NOT_SOLD
    assert (recovered(sales)[:, 30:] == 0).all()


def test_recovered_demand_is_nearly_without_bias_where_sales_are_far_below() -> None:
    """Rates that differ between products, days of the week and a promotion; a third of the days short."""
    random = np.random.default_rng(7)
    level = random.gamma(2.0, 1.5, (60, 1))
    day = np.tile([0.8, 0.8, 0.9, 1.0, 1.2, 1.5, 0.8], 20)[None, :]
    promoted = random.random((60, 140)) < 0.1
    demand = random.poisson(level * day * np.where(promoted, 1.6, 1.0)).astype(float)
    stock = np.where(random.random((60, 140)) < 0.3, random.poisson(0.6 * level, (60, 140)), 10_000)
    sales = sales_of(demand, stock.astype(float))
    found = recovered(Sales(sales.sold, sales.state, sales.weekday, promoted))
    assert sales.sold.sum() / demand.sum() < 0.87
    assert found.sum() / demand.sum() == pytest.approx(1.0, abs=0.02)
    by_product = found.sum(axis=1) / demand.sum(axis=1)
    assert np.abs(by_product - 1).mean() < 0.08


def counted(
    product: str, empty: set[int], last: int, location: str = "warehouse", step: int = 1
) -> list[dict[str, object]]:
    """Stock at the ends of days 0 to `last`, every `step` days."""
    return [
        {
            "product_id": product,
            "location_id": location,
            "as_of_date": MONDAY + timedelta(days=n),
            "on_hand": 0 if n in empty else 5,
        }
        for n in range(0, last + 1, step)
    ]


def states(tables: Any, last: int, discontinued: pl.Series = NOBODY) -> dict[str, str]:
    """A letter a day: in stock, ran out, out, not sold."""
    span = Span("day", MONDAY, MONDAY + timedelta(days=last))
    found = stock_days(tables, SETTINGS, span, frozenset(), discontinued)
    assert found is not None
    names = found.rows.select(pl.concat_str("product", pl.col("location").fill_null("*"), separator="@"))
    letters = np.array(list("iro."))[found.sales.state]
    return {name: "".join(row) for (name,), row in zip(names.iter_rows(), letters, strict=True)}


def test_days_without_stock_by_the_counts_of_the_warehouse(make_tables: Any, shop: Any, daily: Any) -> None:
    orders = daily(0, 9) + daily(2, 4, "rice") + daily(0, 3, "old")
    inventory = counted("tea", set(), 9) + counted("rice", {4, 5, 6}, 9) + counted("old", {3, 4, 5}, 5)
    tables = make_tables(shop(orders, inventory=inventory))
    assert states(tables, 9) == {"rice@*": "iiiirooiii", "old@*": "iiiroo...."}
    assert states(tables, 9, pl.Series(["old"]))["old@*"] == "iiir......"


def test_places_that_count_their_own_stock_are_looked_at_one_by_one(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    orders = daily(0, 9, location="x") + daily(0, 2, location="y") + daily(7, 9, location="y")
    inventory = counted("tea", set(), 9, "x") + counted("tea", {3, 4, 5, 6}, 9, "y") + counted("tea", {1}, 9)
    assert states(make_tables(shop(orders, inventory=inventory)), 9) == {"tea@y": "iiiooooiii"}


def test_a_weekly_count_of_nothing_holds_until_something_is_sold(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    orders = daily(0, 8, "rice") + daily(0, 30) + daily(26, 30, "rice")
    inventory = counted("rice", {9 - 2, 14, 21}, 30, step=7)
    assert states(make_tables(shop(orders, inventory=inventory)), 30) == {
        "rice@*": "i" * 7 + "ri" + "o" * 5 + "o" * 7 + "o" * 5 + "i" * 5
    }


def test_after_three_months_without_stock_a_product_is_not_sold(
    make_tables: Any, shop: Any, daily: Any
) -> None:
    orders = daily(0, 200) + daily(0, 9, "rice") + daily(150, 200, "rice")
    inventory = counted("rice", set(range(10, 150)), 200)
    assert states(make_tables(shop(orders, inventory=inventory)), 200) == {
        "rice@*": "i" * 10 + "." * 140 + "i" * 51
    }


def test_without_inventory_a_silence_stands_for_it(make_tables: Any, shop: Any, daily: Any) -> None:
    orders = daily(0, 99) + daily(0, 40, "rice", times=2) + daily(51, 99, "rice", times=2)
    orders += daily(0, 9, "bulk", times=9) + daily(16, 99, "bulk", times=9)
    orders += [order for order in daily(0, 99, "rare") if (order[0] - MONDAY).days % 9 == 0]
    assert states(make_tables(shop(orders)), 99) == {"rice@*": "i" * 41 + "o" * 10 + "i" * 49}


def panel(tables: Any, *by: str, measure: Any = "units", **choices: Any) -> BuiltPanel:
    return panel_of(tables, SETTINGS, SeriesSpec(by, "week", measure), horizon=4, **choices)


def test_the_choice_is_followed_and_its_effect_shown(make_tables: Any, shop: Any, daily: Any) -> None:
    """Rice sells two a day and is out for the whole of the fifth week."""
    orders = daily(0, 83) + [o for o in daily(0, 83, "rice") if not 28 <= (o[0] - MONDAY).days < 35]
    inventory = counted("rice", set(range(28, 35)), 83) + counted("tea", set(), 83)
    tables = make_tables(shop(orders, inventory=inventory))

    def week(found: BuiltPanel) -> list[float | None]:
        return found.panel.frame.filter(pl.col("date") == MONDAY + timedelta(weeks=4))["value"].to_list()

    found = panel(tables, "product", stock_outs="recover")
    assert week(found) == [pytest.approx(14, abs=1), 14.0]
    assert found.lost.select("series_id", "date").rows() == [("rice", MONDAY + timedelta(weeks=4))]
    assert found.panel.is_count
    assert any("out of stock" in note for note in found.notes)
    assert week(panel(tables, "product", stock_outs="leave_out")) == [None, 14.0]
    money = panel(tables, "shop", measure="net_sales", stock_outs="recover")
    assert week(money) == [pytest.approx(140, abs=5)]


def test_a_shop_where_nothing_ran_out_is_as_sold(make_tables: Any, shop: Any, daily: Any) -> None:
    tables = make_tables(shop(daily(0, 27), inventory=counted("tea", set(), 27)))
    assert panel(tables, "product", stock_outs="recover").panel.frame["value"].to_list() == [14.0] * 4
