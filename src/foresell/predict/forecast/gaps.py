"""Periods of which the data know nothing: the shop was shut, or its records are missing."""

from collections.abc import Collection
from datetime import date

import polars as pl

from foresell.predict.forecast.periods import Span
from foresell.predict.forecast.silences import silent_days, weekday_weights

# A period is unknown if more of its usual sales than this fall on silent days.
MOST_MISSING = 0.25
KEYS = ("location",)


def unknown_periods(orders: pl.DataFrame, span: Span, holidays: Collection[date]) -> pl.DataFrame:
    """location, date: the periods of a place of which more than MOST_MISSING is missing.

    `orders`: location (null: the whole shop, or unknown), date, orders, a row a place and day with any.
    A missing day counts by its day of the week.
    """
    sales = orders.select("location", "date", amount=pl.col("orders").cast(pl.Float64))
    silent = silent_days(sales, KEYS, holidays)
    days = span.days()
    weights = weekday_weights(sales, KEYS)
    if silent.is_empty():
        return silent.select("location", date="day")
    touched = silent.select("location").unique().join(days, how="cross")
    touched = touched.with_columns(weekday=pl.col("day").dt.weekday())
    touched = touched.join(weights, on=["location", "weekday"], how="left", nulls_equal=True)
    missing = silent.with_columns(is_missing=True)
    touched = touched.join(missing, on=["location", "day"], how="left", nulls_equal=True)
    weight = pl.col("weight").fill_null(0.0)
    # A period in which nothing is ever sold misses nothing.
    lost = (weight.filter(pl.col("is_missing")).sum() / weight.sum()).fill_nan(0.0)
    shares = touched.group_by("location", "date").agg(missing=lost)
    return shares.filter(pl.col("missing") > MOST_MISSING).select("location", "date").sort("location", "date")
