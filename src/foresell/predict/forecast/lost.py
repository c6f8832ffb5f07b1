"""What the series of a panel lost to empty shelves, and what is made of it by choice."""

import numpy as np
import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.dimensions import DIMENSIONS
from foresell.predict.forecast.levels import SeriesSpec, series_ids
from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.sales import sold
from foresell.predict.forecast.stock_days import StockDays
from foresell.predict.forecast.stockouts import OUT, RAN_OUT, StockOuts, recovered

# With "leave_out", a period that lost a larger share of its demand is unknown.
MOST_LOST = 0.1
LOST = pl.Schema({"series_id": pl.String(), "date": pl.Date(), "lost": pl.Float64()})


def lost_sales(
    tables: Tables, settings: Settings, spec: SeriesSpec, span: Span, stock: StockDays | None
) -> pl.DataFrame:
    """LOST: what each series would have sold more in a period, in the unit of the measure, where that is > 0.

    Units by `stockouts.recovered`; those of a product fall on the series that sell it as its units did over
    the span; money is at the product's mean net price of the span. Units of a series are whole: what is left
    over goes to its next period.
    """
    if stock is None:
        return pl.DataFrame(schema=LOST)
    units = _lost_units(stock, span)
    shares = _shares(tables, settings, spec, span, by_place=bool(stock.rows["location"].is_not_null().any()))
    lost = units.join(shares, on=["product", "place"], nulls_equal=True)
    value = pl.col("units") * pl.col("share") * (1.0 if spec.measure == "units" else pl.col("price"))
    by_series = lost.group_by("series_id", "date").agg(lost=value.sum()).sort("series_id", "date")
    if spec.measure == "units":
        passed = pl.col("lost").cum_sum().over("series_id").round()
        by_series = by_series.with_columns(lost=passed - passed.shift(1, fill_value=0.0).over("series_id"))
    return by_series.filter(pl.col("lost") > 0).select(LOST.names())


def with_choice(frame: pl.DataFrame, lost: pl.DataFrame, choice: StockOuts) -> pl.DataFrame:
    """The panel's frame with what was lost added ("recover"), or unknown where more than MOST_LOST of the
    demand was lost ("leave_out"), or as it is ("as_sold"). What is unknown stays so."""
    if choice == "as_sold" or lost.is_empty():
        return frame
    joined = frame.join(lost, on=["series_id", "date"], how="left").with_columns(
        pl.col("lost").fill_null(0.0)
    )
    demand = pl.col("value") + pl.col("lost")
    is_hidden = pl.col("lost") > MOST_LOST * pl.max_horizontal(demand, 0.0)
    value = demand if choice == "recover" else pl.when(~is_hidden).then("value")
    return joined.with_columns(value=value).drop("lost").sort("series_id", "date")


def _lost_units(stock: StockDays, span: Span) -> pl.DataFrame:
    """product, place, date (of the period), units."""
    sales = stock.sales
    hidden = (sales.state == RAN_OUT) | (sales.state == OUT)
    missing = np.where(hidden, recovered(sales) - sales.sold, 0.0)
    row, day = np.nonzero(missing > 0)
    cells = pl.DataFrame({"row": row, "day": stock.days.gather(day), "units": missing[row, day]})
    rows = stock.rows.select("product", place="location").with_row_index("row")
    cells = cells.join(rows.cast({"row": pl.Int64}), on="row").join(span.days(), on="day")
    return cells.group_by("product", "place", "date").agg(pl.col("units").sum())


def _shares(
    tables: Tables, settings: Settings, spec: SeriesSpec, span: Span, *, by_place: bool
) -> pl.DataFrame:
    """product, place (null unless `by_place`), series_id, share (of the product's units there), price (of a
    unit, in money)."""
    names = dict.fromkeys([*spec.names, "product", *(["location"] if by_place else [])])
    units = sold(tables, settings, "units", [DIMENSIONS[name] for name in names], span, "month")
    place = pl.col("location") if by_place else pl.lit(None, pl.String)
    units = units.with_columns(series_ids(spec.names), place=place).filter(pl.col("value") > 0)
    shares = units.group_by("product", "place", "series_id").agg(pl.col("value").sum())
    whole = pl.col("value").sum().over("product", "place")
    shares = shares.with_columns(share=pl.col("value") / whole).drop("value")
    if spec.measure == "units":
        return shares
    money = sold(tables, settings, "net_sales", [DIMENSIONS["product"]], span, "month")
    prices = (
        money.group_by("product")
        .agg(money=pl.col("value").sum())
        .join(units.group_by("product").agg(pl.col("value").sum()), on="product")
    )
    prices = prices.select("product", price=pl.col("money") / pl.col("value"))
    return shares.join(prices, on="product")
