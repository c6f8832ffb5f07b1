"""On which days a product was not on the shelf, from inventory; where there is none, from silences."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import DIMENSIONS
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.sales import sold
from foresell.predict.forecast.silences import silent_days
from foresell.predict.forecast.stockouts import IN_STOCK, NOT_SOLD, OUT, RAN_OUT, Sales

# A stock that was counted empty stays so until it is counted again, but for no longer than counts usually lie
# apart, and no longer than so many days.
DAYS_OF_A_COUNT = 7
# After so many days without stock in a row, a product counts as not sold: nobody asks for it any more.
MOST_DAYS_OUT = 91
KEYS = ("product", "location")


@dataclass(frozen=True, slots=True)
class StockDays:
    """Products (at a place) that were ever out: `rows`: product, location (null: the whole shop), one a row
    of `sales`, whose days are `days`. `is_presumed`: no inventory is known, silences stand for it."""

    rows: pl.DataFrame
    days: pl.Series
    sales: Sales
    is_presumed: bool


def stock_days(
    tables: Tables, settings: Settings, span: Span, holidays: frozenset[date], discontinued: pl.Series
) -> StockDays | None:
    """Days with and without stock; None where nothing was ever out.

    A day that `inventory` ends with on_hand ≤ 0: out if nothing was sold, else it ran out. A count of nothing
    holds until the next count is due, DAYS_OF_A_COUNT at most, on days without a sale. Where places that
    sell have counts, each is looked at by itself (and the stock of others, warehouses, is left out); where
    only others have, the sum of all counts of a day is the whole shop's stock. A product is on sale from its
    first count or sale to its last (a `discontinued` product: to its last sale), without stretches of more
    than MOST_DAYS_OUT days without stock.

    Without any inventory, a silence that is no chance (`silences.silent_days`) is taken for a time without
    stock, of the whole shop.
    """
    counts = _counts(tables, span)
    by_place = counts is not None and bool(counts["location"].is_not_null().any())
    names = KEYS if by_place else ("product",)
    daily = Span("day", span.first, span.last_day)
    units = sold(tables, settings, "units", [DIMENSIONS[name] for name in names], daily)
    if not by_place:
        units = units.with_columns(location=pl.lit(None, pl.String))
    units = units.filter(pl.col("value") > 0, pl.col("product").is_not_null())
    if counts is None:
        # Days of sale, not units: somebody who takes nine at once is no evidence of nine buyers.
        amounts = units.select(*KEYS, "date", amount=pl.lit(1.0))
        out = silent_days(amounts, KEYS, holidays).rename({"day": "date"})
    else:
        out = _days_of_counts(counts, units, span)
    rows = out.select(KEYS).unique().sort(KEYS).with_row_index("row")
    if rows.is_empty():
        return None
    days = daily.dates()
    sales = _sales(rows, days, units, out, counts, _promoted(tables, settings, rows, days))
    has_left = rows["product"].is_in(discontinued.implode()).to_numpy()
    sales.state[has_left[:, None] & ~_goes_on(sales.sold > 0)] = NOT_SOLD
    return StockDays(rows.drop("row"), days, sales, counts is None)


def _counts(tables: Tables, span: Span) -> pl.DataFrame | None:
    """product, location, date, on_hand at the day's end, sorted; None without any."""
    if not tables.has_rows("inventory"):
        return None
    inventory = tables.current("inventory")
    inventory = inventory.filter(inventory.as_of_date.between(span.first, span.last_day))
    chosen = inventory.select("on_hand", product="product_id", location="location_id", date="as_of_date")
    orders = tables.current("orders")
    selling = orders.filter(orders.location_id.notnull()).select(location="location_id").distinct()
    at_places = chosen.semi_join(selling, "location")
    frame: pl.DataFrame = at_places.to_polars()
    if frame.is_empty():
        whole = chosen.group_by("product", "date").agg(on_hand=chosen.on_hand.sum())
        frame = whole.to_polars().with_columns(location=pl.lit(None, pl.String))
    return None if frame.is_empty() else frame.select(*KEYS, "date", "on_hand").sort(*KEYS, "date")


def _days_of_counts(counts: pl.DataFrame, units: pl.DataFrame, span: Span) -> pl.DataFrame:
    """product, location, date: the days that a count says ended empty, with those it goes on to hold."""
    empty = counts.with_columns(until=pl.col("date").shift(-1).over(KEYS)).filter(pl.col("on_hand") <= 0)
    steps = counts["date"].unique().sort().diff().dt.total_days()
    usual = min(round(steps.median() or 1), DAYS_OF_A_COUNT)  # type: ignore[arg-type]
    longest = pl.col("date") + timedelta(days=usual - 1)
    until = pl.min_horizontal(
        longest, pl.col("until").fill_null(span.last_day + timedelta(days=1)) - timedelta(days=1)
    )
    days = empty.select(*KEYS, counted="date", date=pl.date_ranges("date", until)).explode("date")
    sales = units.select(*KEYS, "date", has_sale=True)
    days = days.join(sales, on=[*KEYS, "date"], how="left", nulls_equal=True)
    holds = (pl.col("date") == pl.col("counted")) | pl.col("has_sale").is_null()
    return days.filter(holds, pl.col("date") <= span.last_day).select(*KEYS, "date")


def _sales(
    rows: pl.DataFrame,
    days: pl.Series,
    units: pl.DataFrame,
    out: pl.DataFrame,
    counts: pl.DataFrame | None,
    is_promoted: NDArray[np.bool_],
) -> Sales:
    first_day: date = days[0]
    shape = (rows.height, len(days))

    def cells(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        at = frame.join(rows, on=KEYS, nulls_equal=True)
        day = (at["date"] - first_day).dt.total_days().to_numpy()
        return at, (at["row"].cast(pl.Int64).to_numpy(), day)

    amounts = np.zeros(shape)
    sold_cells, at = cells(units)
    amounts[at] = sold_cells["value"].to_numpy()
    is_out = np.zeros(shape, dtype=bool)
    is_out[cells(out)[1]] = True
    is_known = amounts > 0
    if counts is not None:
        is_known[cells(counts.filter(pl.col("on_hand") > 0))[1]] = True
        is_known |= is_out
    state = np.where(is_out, np.where(amounts > 0, RAN_OUT, OUT), IN_STOCK).astype(np.int8)
    state[_long_runs(state == OUT) | ~_between(is_known)] = NOT_SOLD
    weekday = (days.dt.weekday().to_numpy().astype(np.int64) - 1) % 7
    return Sales(np.round(amounts), state, weekday, is_promoted)


def _between(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """From the first mark of each row to its last."""
    return np.asarray(np.logical_or.accumulate(marks, axis=1) & _goes_on(marks))


def _goes_on(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Up to the last mark of each row."""
    return np.asarray(np.logical_or.accumulate(marks[:, ::-1], axis=1)[:, ::-1])


def _long_runs(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The marks that stand in a run of more than MOST_DAYS_OUT in their row."""
    number, length = marks.shape
    edges = np.diff(np.pad(marks, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    is_long = ends[:, 1] - starts[:, 1] > MOST_DAYS_OUT
    change = np.zeros((number, length + 1), dtype=np.int8)
    change[tuple(starts[is_long].T)] = 1
    change[tuple(ends[is_long].T)] = -1
    return np.asarray(np.cumsum(change, axis=1)[:, :length] > 0)


def _promoted(tables: Tables, settings: Settings, rows: pl.DataFrame, days: pl.Series) -> NDArray[np.bool_]:
    """(rows, days) whether a promotion ran for the product, there or everywhere."""
    count = np.zeros((rows.height, len(days) + 1), dtype=np.int32)
    if tables.has_rows("promotions"):
        promotions = tables.current("promotions")
        chosen = promotions.select("starts_at", "ends_at", product="product_id", promoted_at="location_id")
        found = chosen.to_polars().join(rows, on="product")
        here = pl.col("promoted_at").is_null() | pl.col("promoted_at").eq_missing(pl.col("location"))
        found = found.filter(here)
        zone = settings.store.time_zone
        local = [pl.col(name).dt.convert_time_zone(zone).dt.date() for name in ("starts_at", "ends_at")]
        begin, end = ((moment - pl.lit(days[0])).dt.total_days() for moment in local)
        places = found.select("row", begin=begin, end=end.fill_null(len(days)))
        row = places["row"].cast(pl.Int64).to_numpy()
        np.add.at(count, (row, np.clip(places["begin"].to_numpy(), 0, len(days))), 1)
        np.add.at(count, (row, np.clip(places["end"].to_numpy(), 0, len(days))), -1)
    return np.asarray(np.cumsum(count, axis=1)[:, : len(days)] > 0)
