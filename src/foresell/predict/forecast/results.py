"""Forecasts as the shop keeps them."""

from datetime import date

import polars as pl

from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.model import BOUNDS, MEDIAN, with_intervals


def as_results(forecasts: pl.DataFrame, spec: SeriesSpec, model: str, cutoff_date: date) -> pl.DataFrame:
    """FORECAST rows as the contracts' `forecasts` table. `model`: name/version."""
    return with_intervals(forecasts).select(
        "series_id",
        pl.lit(model).alias("model"),
        pl.lit(cutoff_date).alias("cutoff_date"),
        "date",
        pl.lit(",".join(spec.by)).alias("series_by"),
        pl.lit(spec.period).alias("period"),
        pl.lit(spec.measure).alias("measure"),
        "mean",
        pl.col(MEDIAN).alias("median"),
        *BOUNDS,
    )
