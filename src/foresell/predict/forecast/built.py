"""A panel, and in words how it was built."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.stock_days import StockDays
from foresell.predict.forecast.stockouts import StockOuts


@dataclass(frozen=True, slots=True)
class BuiltPanel:
    """A panel, and what a reader must know of how it was built.

    `attributes`: series_id, a column for each dimension, of products department, category, brand,
    category_path and launched_on, of locations location_country; a row a series. `ended`: series_id, date
    (of the last sale), reason: series that sell no more; `panel` ends them there, and what is forecast for
    them is 0. `launches`: product, what is known of it, launched_on: lately launched, never sold (where
    products are a dimension; else empty). `lost`: series_id, date, lost: what empty shelves are estimated to
    have hidden; empty with "as_sold".
    """

    panel: Panel
    spec: SeriesSpec
    span: Span
    attributes: pl.DataFrame
    ended: pl.DataFrame
    launches: pl.DataFrame
    lost: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def cutoff_date(self) -> date:
        """The last day that is in the panel."""
        return self.span.last_day


def gap_notes(unknown: pl.DataFrame, span: Span) -> tuple[str, ...]:
    if unknown.is_empty():
        return ()
    dates = unknown["date"].sort()
    places = unknown["location"].drop_nulls().n_unique()
    where = f" at {places} places" if places else ""
    return (
        f"{unknown.height} {span.period}s without sales{where} ({dates[0]} to {dates[-1]}) are unknown, "
        "not 0: closed or not recorded.",
    )


def end_notes(ends: pl.DataFrame) -> tuple[str, ...]:
    counted = ends.group_by("reason").len().sort("reason")
    return tuple(f"{row['len']} series have ended: {row['reason']}." for row in counted.to_dicts())


def lost_notes(lost: pl.DataFrame, stock: StockDays | None, choice: StockOuts) -> tuple[str, ...]:
    if stock is None or lost.is_empty():
        return ()
    source = "presumed from silences, for no inventory is known" if stock.is_presumed else "by inventory"
    done = "added to what was sold" if choice == "recover" else "left out where they are many"
    return (
        f"{stock.rows.height} products were out of stock at times ({source}); the sales that "
        f"{lost['series_id'].n_unique()} series are estimated to have lost by it are {done}.",
    )
