"""Scores of forecasts. A score is a ratio of sums over series, so that its interval resamples whole series.

A forecast is a mean and quantiles: columns `mean` and q0.025, q0.1, q0.2 … q0.9, q0.975. Absolute errors
are those of the median (q0.5), which minimizes them; squared errors and the bias are those of the mean.
With e = forecast − actual over the judged periods of a series:

    mase   mean over series of  mean|e| / mean|y_t − y_{t−m}| of its history   (Hyndman and Koehler, 2006)
    rmsse  mean over series of  √(mean e² / mean (y_t − y_{t−m})² of its history)              (M5, 2020)
    rmse   √(Σe² / number of periods), all series together, in the unit of the series
    wape   Σ|e| / Σ|actual|
    smape  mean over periods of 2|e| / (|forecast| + |actual|); 0 where both are 0
    bias   Σe / Σ|actual|; above 0: too high
    crps   mean over the quantiles .1 … .9 of 2 Σ pinball / Σ|actual|            (GIFT-Eval, M5 uncertainty)
    coverage_80, coverage_95   share of actuals within the interval, its ends included; right at .8 and .95
    pit_80, pit_95   the same for counts: share of the randomized PIT within .1 … .9 and .025 … .975 (see
                     `evaluation.pit`); equal to the coverage where no actual meets a quantile
    width_80, width_95   Σ(upper − lower) / Σ|actual|

Lower is better, but for bias, coverage and pit. Null actuals are left out. A series whose scale is 0 or
undefined (constant or too short) is left out of mase and rmsse; one with a null level, of what needs it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.evaluation.intervals import Interval, bootstrap_ratio
from foresell.evaluation.pit import LEVELS, column_of, pit_shares

CRPS_LEVELS = LEVELS[1:-1]
# Farther from what it promises the coverage of an interval is no chance that a shop should bear.
FARTHEST_COVERAGE = 0.04
# Fewer series tell by chance alone that an interval breaks its promise.
FEWEST_SERIES = 20
SIDES = {"80": ("q0.1", "q0.9"), "95": ("q0.025", "q0.975")}


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
    "smape": Score(pl.col("relative_error"), _periods),
    "bias": Score(pl.col("error"), _size),
    "crps": Score(2 * pl.col("pinball") / len(CRPS_LEVELS), _size),
    "coverage_80": Score(pl.col("inside_80"), _periods),
    "coverage_95": Score(pl.col("inside_95"), _periods),
    "pit_80": Score(pl.col("pit_80"), _periods),
    "pit_95": Score(pl.col("pit_95"), _periods),
    "width_80": Score(pl.col("width_80"), _size),
    "width_95": Score(pl.col("width_95"), _size),
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

    `forecasts`: series_id, date, mean and the columns of the levels (one that is not there counts as null);
    `actuals`: series_id, date, value; `scale`: of `scales`. Series and periods that only one side has are
    left out.
    """
    absent = [column_of(level) for level in LEVELS if column_of(level) not in forecasts.columns]
    forecasts = forecasts.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)
    both = forecasts.join(actuals.select("series_id", "date", "value"), on=["series_id", "date"])
    both = _with_pit(both.filter(pl.col("value").is_not_null()))
    error, missed = pl.col("mean") - pl.col("value"), (pl.col("q0.5") - pl.col("value")).abs()
    size = pl.col("q0.5").abs() + pl.col("value").abs()
    summed = {
        "error": error,
        "sq_error": error.pow(2),
        "abs_error": missed,
        "relative_error": pl.when(size > 0).then(2 * missed / size).when(size == 0).then(0.0),
        "pinball": pl.sum_horizontal(*(_pinball(level) for level in CRPS_LEVELS), ignore_nulls=False),
        **{f"inside_{side}": _is_inside(*names) for side, names in SIDES.items()},
        **{f"pit_{side}": pl.col(f"pit_{side}") for side in SIDES},
        **{f"width_{side}": pl.col(upper) - pl.col(lower) for side, (lower, upper) in SIDES.items()},
    }
    sums = both.group_by("series_id").agg(
        num_periods=pl.len().cast(pl.Float64),
        abs_actual=pl.col("value").abs().sum(),
        **{name: _sum_or_null(values) for name, values in summed.items()},
    )
    return sums.join(scale, on="series_id", how="left").sort("series_id")


def _with_pit(both: pl.DataFrame) -> pl.DataFrame:
    shares = pit_shares(both)
    named = (pl.Series(f"pit_{side}", shares[side], dtype=pl.Float64, nan_to_null=True) for side in SIDES)
    return both.with_columns(named)


def _pinball(level: float) -> pl.Expr:
    short = pl.col("value") - pl.col(column_of(level))
    return pl.when(short >= 0).then(level * short).otherwise((level - 1) * short)


def _is_inside(lower: str, upper: str) -> pl.Expr:
    return pl.col("value").is_between(pl.col(lower), pl.col(upper)).cast(pl.Float64)


def _sum_or_null(values: pl.Expr) -> pl.Expr:
    return pl.when(values.is_null().any()).then(None).otherwise(values.sum())


def forecast_scores(judged: pl.DataFrame, *, seed: int) -> dict[str, Interval]:
    """Every one of SCORES with its 95% interval; NaN where no series can be scored.

    `judged`: rows of `judge`, a series once for each origin. Resampling takes a series with all its origins.
    """
    return {name: _interval(judged, score, seed) for name, score in SCORES.items()}


def _interval(judged: pl.DataFrame, score: Score, seed: int) -> Interval:
    whole = _parts(judged, score).group_by("series_id").agg(pl.col("top", "bottom").sum()).sort("series_id")
    return bootstrap_ratio(whole["top"].to_numpy(), whole["bottom"].to_numpy(), seed=seed, root=score.root)


def score_difference(judged: pl.DataFrame, rival: pl.DataFrame, name: str, *, seed: int) -> Interval:
    """One of SCORES of `judged` less that of `rival`, with its 95% interval over series, paired.

    Both are of the same series; those that only one of them can score are left out. A rmse is compared as a
    mean square. NaN where no series can be scored.
    """
    score = SCORES[name]
    first, second = (
        _parts(one, score).group_by("series_id").agg(pl.col("top", "bottom").sum()) for one in (judged, rival)
    )
    both = first.join(second, on="series_id", suffix="_rival").sort("series_id")
    # Denominators are of the actuals alone, so that they are the same on both sides.
    return bootstrap_ratio((both["top"] - both["top_rival"]).to_numpy(), both["bottom"].to_numpy(), seed=seed)


def breaks_its_promise(judged: pl.DataFrame, *, seed: int) -> bool:
    """Whether the 80% or the 95% intervals surely held less than their promise less FARTHEST_COVERAGE: by the
    95% interval of the coverage over series. False for fewer than FEWEST_SERIES. Intervals that hold more
    break none: where many periods sell nothing, none can hold just 80% of them."""
    if judged["series_id"].n_unique() < FEWEST_SERIES:
        return False
    for side in SIDES:
        held, promised = _interval(judged, SCORES[f"coverage_{side}"], seed), int(side) / 100
        if held.upper < promised - FARTHEST_COVERAGE:
            return True
    return False


def scores_by(judged: pl.DataFrame, groups: pl.DataFrame, by: str, *, seed: int) -> pl.DataFrame:
    """`by`, num_series, score, value, lower, upper: the scores within each value of a column of `groups`.

    `groups`: series_id and `by`, such as the level of a hierarchy or a class of `demand_classes`. Series that
    it does not have are left out; values that are not numbers are null. Sorted by group, in SCORES' order.
    """
    rows = []
    for (group,), part in sorted(judged.join(groups, on="series_id").group_by(by), key=lambda one: one[0]):
        num = part["series_id"].n_unique()
        for name, found in forecast_scores(part, seed=seed).items():
            rows.append((group, num, name, found.value, found.lower, found.upper))
    numbers = dict.fromkeys(("value", "lower", "upper"), pl.Float64())
    schema = pl.Schema({by: groups.schema[by], "num_series": pl.Int64(), "score": pl.String(), **numbers})
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col("value", "lower", "upper").fill_nan(None))


def mean_of(judged: pl.DataFrame, name: str) -> float:
    """One of SCORES without its interval; NaN where no series can be scored."""
    score = SCORES[name]
    top, bottom = (
        float(value or 0.0) for value in _parts(judged, score).select("top", "bottom").sum().row(0)
    )
    ratio = top / bottom if bottom else np.nan
    return float(np.sqrt(ratio)) if score.root else ratio


def _parts(judged: pl.DataFrame, score: Score) -> pl.DataFrame:
    return judged.select(
        "series_id", top=score.numerator.cast(pl.Float64), bottom=score.denominator.cast(pl.Float64)
    ).drop_nulls()
