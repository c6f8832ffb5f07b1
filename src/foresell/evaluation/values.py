"""Scores of customers' values that no mean of errors shows: is the level right, do the intervals hold.

    decile_error    mean over tenths by prediction of |mean predicted − mean actual|, as a share of the mean
                    actual; 0 is right; weighted by size
    bias            mean predicted ÷ mean actual − 1; above 0: too high
    coverage        share of actual amounts in their interval, ends included
    width           mean width of the interval, as a share of the mean actual

`amounts` has the rest: mae, gini, rank_correlation.
"""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.calibration import equal_mass_bins
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.resampled import Weighted, intervals_of

Floats = NDArray[np.float64]
TENTHS = 10


def _decile_error(labels: Floats, predicted: Floats) -> Weighted:
    which = equal_mass_bins(predicted, TENTHS)

    def score(weights: Floats) -> float:
        gaps = np.bincount(which, weights * (predicted - labels))
        actual = float(weights @ labels)
        return float(np.abs(gaps).sum() / actual) if actual > 0 else np.nan

    return score


def _bias(labels: Floats, predicted: Floats) -> Weighted:
    def score(weights: Floats) -> float:
        actual = float(weights @ labels)
        return float(weights @ predicted) / actual - 1 if actual > 0 else np.nan

    return score


SCORES: Mapping[str, Callable[[Floats, Floats], Weighted]] = {"decile_error": _decile_error, "bias": _bias}


def value_score(name: str, labels: ArrayLike, predicted: ArrayLike) -> float:
    """One of SCORES without an interval."""
    actual, told = _checked(labels, predicted)
    return SCORES[name](actual, told)(np.ones(len(actual)))


def value_scores(
    labels: ArrayLike, predicted: ArrayLike, entities: ArrayLike, *, seed: int, samples: int = SAMPLES
) -> dict[str, Interval]:
    """Every one of SCORES with its 95% interval over `entities` (n,), whose row each is; NaN where nobody has
    an amount above 0. A bootstrap's draws add chance to gaps, so the interval of decile_error leans up."""
    actual, told = _checked(labels, predicted)
    prepared = {name: score(actual, told) for name, score in SCORES.items()}
    return intervals_of(prepared, entities, seed=seed, samples=samples)


def interval_scores(
    labels: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    entities: ArrayLike,
    *,
    seed: int,
    samples: int = SAMPLES,
) -> dict[str, Interval]:
    """coverage and width, with 95% intervals over `entities`. Raises InputError for unknown bounds."""
    actual, low = _checked(labels, lower)
    _, high = _checked(labels, upper)
    inside = ((actual >= low) & (actual <= high)).astype(np.float64)
    width = high - low

    def coverage(weights: Floats) -> float:
        return float(weights @ inside / weights.sum())

    def mean_width(weights: Floats) -> float:
        total = float(weights @ actual)
        return float(weights @ width) / total if total > 0 else np.nan

    return intervals_of({"coverage": coverage, "width": mean_width}, entities, seed=seed, samples=samples)


def deciles(labels: ArrayLike, predicted: ArrayLike) -> pl.DataFrame:
    """A row a tenth by prediction, from the lowest; equal predictions are in one:

    decile, num_customers, predicted (mean), actual (mean), share_of_actual
    """
    actual, told = _checked(labels, predicted)
    frame = pl.DataFrame({"decile": equal_mass_bins(told, TENTHS) + 1, "predicted": told, "actual": actual})
    tenths = frame.group_by("decile").agg(
        pl.len().cast(pl.Int64).alias("num_customers"),
        pl.col("predicted", "actual").mean(),
        pl.col("actual").sum().alias("share_of_actual"),
    )
    share = pl.col("share_of_actual") / float(actual.sum()) if actual.sum() > 0 else pl.lit(None, pl.Float64)
    return tenths.sort("decile").with_columns(share_of_actual=share)


def _checked(labels: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    actual, told = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    if not len(actual) or actual.shape != told.shape:
        raise InputError(
            "A score needs a number for each label",
            received=f"{actual.shape} labels, {told.shape} numbers",
        )
    if not (np.isfinite(actual).all() and np.isfinite(told).all()):
        raise InputError("Amounts and intervals must be known", do="Leave out rows that have none.")
    return actual, told
