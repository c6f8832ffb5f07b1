"""Forecasts of several models as one.

Quantile by quantile, by weights (Vincentization; Lichtendahl, Grushka-Cockayne and Winkler, Is it better to
average probabilities or quantiles?, 2013): it keeps the width of its members, where a mixture would widen it.
"""

import polars as pl

from foresell.predict.forecast.model import FORECAST, QUANTILES, VALUES

# Weights fall with the score to this power; a model worse than the best by more than WORST takes no part.
POWER = 4.0
WORST = 1.25


def weights_of(scores: pl.DataFrame, *, power: float = POWER, worst: float = WORST) -> pl.DataFrame:
    """series_id, model, weight of `choose.scored`: the inverse of the score to `power`, 0 beyond `worst`
    times the least of the series; they sum to 1. Without any score: equal weights. Rows of weight 0 are
    left out."""
    least = pl.col("score").min().over("series_id")
    raw = (
        pl.when(least.is_null())
        .then(1.0)
        .when(pl.col("score") <= worst * least)
        .then((least / pl.col("score")) ** power)
        .otherwise(0.0)
        .fill_nan(1.0)
        .fill_null(0.0)
    )
    told = scores.with_columns(weight=raw)
    shared = told.with_columns(weight=pl.col("weight") / pl.col("weight").sum().over("series_id"))
    return shared.filter(pl.col("weight") > 0).select("series_id", "model", "weight")


def combined(forecasts: pl.DataFrame, weights: pl.DataFrame, *, whole: bool = False) -> pl.DataFrame:
    """A FORECAST frame of the weighted means. `forecasts`: model and the columns of FORECAST.

    A model that tells nothing of a value (null, or no row) leaves its weight to the others. `whole`:
    quantiles are rounded to whole numbers, a half up.
    """
    told = forecasts.join(weights, on=["series_id", "model"], how="inner")

    def mean_of(name: str) -> pl.Expr:
        weight = pl.when(pl.col(name).is_not_null()).then(pl.col("weight"))
        total = weight.sum()
        return pl.when(total > 0).then((pl.col(name) * weight).sum() / total).alias(name)

    found = told.group_by("series_id", "date").agg(mean_of(name) for name in VALUES)
    if whole:
        found = found.with_columns((pl.col(QUANTILES) + 0.5 - 1e-9).floor())
    return found.select(FORECAST.names()).sort("series_id", "date")
