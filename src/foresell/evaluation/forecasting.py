"""Scores of forecasts. A score is a ratio of sums over series, so that its interval resamples whole series.

With e = forecast − actual over the judged periods of a series:

    mase   mean over series of  mean|e| / mean|y_t − y_{t−m}| of its history   (Hyndman and Koehler, 2006)
    rmsse  mean over series of  √(mean e² / mean (y_t − y_{t−m})² of its history)              (M5, 2020)
    rmse   √(Σe² / number of periods), all series together, in the unit of the series
    wape   Σ|e| / Σ|actual|
    bias   Σe / Σ|actual|; above 0: too high
    quantile_loss   2 Σ pinball / Σ|actual|, mean over the quantiles .025 .1 .5 .9 .975 (.5: the mean)
    coverage_80, coverage_95   share of actuals within the interval; right at .8 and .95

Lower is better, but for bias and coverage. Null actuals are left out. A series whose scale is 0 or
undefined (constant or too short) is left out of mase and rmsse; one without an interval, of what needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.evaluation.intervals import Interval, bootstrap_ratio

QUANTILES: Mapping[float, str] = {
    0.025: "lower_95",
    0.1: "lower_80",
    0.5: "mean",
    0.9: "upper_80",
    0.975: "upper_95",
}


@dataclass(frozen=True, slots=True)
class Score:
    """Σ numerator / Σ denominator over series, both expressions over the sums of `judge`."""

    numerator: pl.Expr
    denominator: pl.Expr
    root: bool = False


_size, _periods = pl.col("abs_actual"), pl.col("num_periods")
_is_scaled = pl.col("abs_scale") > 0
_mase = pl.when(_is_scaled).then(pl.col("abs_error") / _periods / pl.col("abs_scale"))
_rmsse = pl.when(_is_scaled).then((pl.col("sq_error") / _periods / pl.col("sq_scale")).sqrt())

SCORES: dict[str, Score] = {
    "mase": Score(_mase, pl.lit(1.0)),
    "rmsse": Score(_rmsse, pl.lit(1.0)),
    "rmse": Score(pl.col("sq_error"), _periods, root=True),
    "wape": Score(pl.col("abs_error"), _size),
    "bias": Score(pl.col("error"), _size),
    "quantile_loss": Score(2 * pl.col("pinball") / len(QUANTILES), _size),
    "coverage_80": Score(pl.col("inside_80"), _periods),
    "coverage_95": Score(pl.col("inside_95"), _periods),
}


def scales(history: pl.DataFrame, season: int) -> pl.DataFrame:
    """series_id, abs_scale, sq_scale: the mean absolute and squared seasonal difference of each history.

    `history`: series_id, date, value, a row a period without gaps (null: missing). Null where no pair of
    periods lies `season` apart.
    """
    step = pl.col("value") - pl.col("value").shift(season)
    return (
        history.sort("series_id", "date")
        .with_columns(step=step.over("series_id"))
        .group_by("series_id")
        .agg(abs_scale=pl.col("step").abs().mean(), sq_scale=pl.col("step").pow(2).mean())
        .sort("series_id")
    )


def judge(forecasts: pl.DataFrame, actuals: pl.DataFrame, scale: pl.DataFrame) -> pl.DataFrame:
    """What SCORES are made of, a row a series: errors summed over the periods that have an actual.

    `forecasts`: series_id, date, mean, lower_80, upper_80, lower_95, upper_95; `actuals`: series_id, date,
    value; `scale`: of `scales`. Series and periods that only one side has are left out.
    """
    both = forecasts.join(actuals, on=["series_id", "date"]).filter(pl.col("value").is_not_null())
    error = pl.col("mean") - pl.col("value")
    sums = both.group_by("series_id").agg(
        num_periods=pl.len().cast(pl.Float64),
        abs_actual=pl.col("value").abs().sum(),
        error=error.sum(),
        abs_error=error.abs().sum(),
        sq_error=error.pow(2).sum(),
        pinball=_sum_or_null(sum(_pinball(level, name) for level, name in QUANTILES.items())),
        inside_80=_sum_or_null(_is_inside("80")),
        inside_95=_sum_or_null(_is_inside("95")),
    )
    return sums.join(scale, on="series_id", how="left").sort("series_id")


def _pinball(level: float, name: str) -> pl.Expr:
    short = pl.col("value") - pl.col(name)
    return pl.when(short >= 0).then(level * short).otherwise((level - 1) * short)


def _is_inside(level: str) -> pl.Expr:
    inside = pl.col("value").is_between(pl.col(f"lower_{level}"), pl.col(f"upper_{level}"))
    return inside.cast(pl.Float64)


def _sum_or_null(values: pl.Expr | int) -> pl.Expr:
    expression = pl.lit(values) if isinstance(values, int) else values
    return pl.when(expression.is_null().any()).then(None).otherwise(expression.sum())


def forecast_scores(judged: pl.DataFrame, *, seed: int) -> dict[str, Interval]:
    """Every one of SCORES with its 95% interval; NaN where no series can be scored.

    `judged`: rows of `judge`, a series once for each origin. Resampling takes a series with all its origins.
    """
    found = {}
    for name, score in SCORES.items():
        parts = judged.select(
            "series_id", top=score.numerator.cast(pl.Float64), bottom=score.denominator.cast(pl.Float64)
        ).drop_nulls()
        whole = parts.group_by("series_id").agg(pl.col("top", "bottom").sum()).sort("series_id")
        tops, bottoms = whole["top"].to_numpy(), whole["bottom"].to_numpy()
        found[name] = bootstrap_ratio(tops, bottoms, seed=seed, root=score.root)
    return found


def mean_of(judged: pl.DataFrame, name: str) -> float:
    """One of SCORES without its interval; NaN where no series can be scored."""
    score = SCORES[name]
    parts = judged.select(top=score.numerator.cast(pl.Float64), bottom=score.denominator.cast(pl.Float64))
    top, bottom = (float(value or 0.0) for value in parts.drop_nulls().sum().row(0))
    ratio = top / bottom if bottom else np.nan
    return float(np.sqrt(ratio)) if score.root else ratio
