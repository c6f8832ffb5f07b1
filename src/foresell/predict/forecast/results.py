"""Forecasts as the shop keeps them."""

from datetime import date

import polars as pl

from foresell.predict.forecast.model import with_intervals


def as_results(forecasts: pl.DataFrame, model: str, cutoff_date: date) -> pl.DataFrame:
    """FORECAST rows as the contracts' `forecasts` table. `model`: name/version."""
    return with_intervals(forecasts).select(
        "series_id",
        pl.lit(model).alias("model"),
        pl.lit(cutoff_date).alias("cutoff_date"),
        "date",
        "mean",
        "lower_80",
        "upper_80",
        "lower_95",
        "upper_95",
    )
