"""Scores of a probability: does it order, is it true, and how sure is that.

    auroc       chance that one to whom it happens stands above one to whom it does not; ties count half
    aupr        average precision: Σ (recall_k − recall_{k−1}) · precision_k, equal predictions in one step
    log_loss    mean −ln of the chance given to what happened; chances within 1e-15 of 0 and 1 are drawn there
    brier       mean squared error
    accuracy    share on the right side of .5 (.5 counts as "happens")
    calibration_error   debiased, see `evaluation.calibration`

Higher is better for auroc, aupr and accuracy. Labels are 0 or 1. Where only one class is there, auroc and
aupr are NaN. Sources: Hanley and McNeil, Radiology 143, 1982 (AUROC); Davis and Goadrich, ICML 2006 (AUPR
without interpolation); Brier, 1950.
"""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.calibration import calibration_error_of
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.resampled import Weighted, differences_between, intervals_of

Floats = NDArray[np.float64]
LEAST_CHANCE = 1e-15
# Labels and predictions → the score by weights of rows.
Prepared = Callable[[Floats, Floats], Weighted]


def _tied(labels: Floats, predicted: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The order from the highest prediction, where each run of equal ones starts, and labels in it."""
    order = np.argsort(-predicted, kind="stable")
    ordered = predicted[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return order, starts, labels[order]


def _auroc(labels: Floats, predicted: Floats) -> Weighted:
    order, starts, ordered = _tied(labels, predicted)

    def score(weights: Floats) -> float:
        weight = weights[order]
        happens = np.add.reduceat(weight * ordered, starts)
        does_not = np.add.reduceat(weight * (1 - ordered), starts)
        pairs = happens.sum() * does_not.sum()
        above = np.cumsum(happens) - happens / 2
        return float((above * does_not).sum() / pairs) if pairs else np.nan

    return score


def _aupr(labels: Floats, predicted: Floats) -> Weighted:
    order, starts, ordered = _tied(labels, predicted)

    def score(weights: Floats) -> float:
        weight = weights[order]
        happens = np.add.reduceat(weight * ordered, starts)
        found, taken = np.cumsum(happens), np.cumsum(np.add.reduceat(weight, starts))
        if not found[-1]:
            return np.nan
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        return float((happens * precision).sum() / found[-1])

    return score


def mean_of_rows(values: Floats) -> Weighted:
    """The weighted mean of (n,) values; NaN without weight."""

    def score(weights: Floats) -> float:
        total = weights.sum()
        return float(weights @ values / total) if total else np.nan

    return score


def _log_loss(labels: Floats, predicted: Floats) -> Weighted:
    return mean_of_rows(log_losses(labels, predicted))


def log_losses(labels: ArrayLike, predicted: ArrayLike) -> Floats:
    """(n,) of each row."""
    chance = np.clip(np.asarray(predicted, np.float64), LEAST_CHANCE, 1 - LEAST_CHANCE)
    happens = np.asarray(labels, np.float64)
    return np.asarray(-(happens * np.log(chance) + (1 - happens) * np.log1p(-chance)))


def _brier(labels: Floats, predicted: Floats) -> Weighted:
    return mean_of_rows((predicted - labels) ** 2)


def _accuracy(labels: Floats, predicted: Floats) -> Weighted:
    return mean_of_rows(((predicted >= 0.5) == (labels > 0.5)).astype(np.float64))


def _calibration_error(labels: Floats, predicted: Floats) -> Weighted:
    return calibration_error_of(labels, predicted)


SCORES: Mapping[str, Prepared] = {
    "auroc": _auroc,
    "aupr": _aupr,
    "log_loss": _log_loss,
    "brier": _brier,
    "accuracy": _accuracy,
    "calibration_error": _calibration_error,
}
HIGHER_IS_BETTER = frozenset({"auroc", "aupr", "accuracy"})


def score_of(name: str, labels: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None = None) -> float:
    """One of SCORES without an interval. `weights`: (n,) of the rows, 0 or more; default: all alike."""
    happens, chance = _checked(labels, predicted)
    each = np.ones(len(happens)) if weights is None else np.asarray(weights, np.float64)
    return SCORES[name](happens, chance)(each)


def classification_scores(
    labels: ArrayLike, predicted: ArrayLike, entities: ArrayLike, *, seed: int, samples: int = SAMPLES
) -> dict[str, Interval]:
    """Every one of SCORES with its 95% interval over `entities` (n,), whose row each is.

    The calibration error of a draw is freed of noise twice, of the data's and of the draw's: else every draw
    looks worse than the data. Raises InputError as `score_of`.
    """
    happens, chance = _checked(labels, predicted)
    prepared = {name: score(happens, chance) for name, score in SCORES.items()}
    centers = {"calibration_error": calibration_error_of(happens, chance, times_freed=2)}
    return intervals_of(prepared, entities, seed=seed, samples=samples, centers=centers)


def score_differences(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    entities: ArrayLike,
    *,
    seed: int,
    samples: int = SAMPLES,
) -> dict[str, Interval]:
    """Each of SCORES, of the second model's predictions less that of the first's on the same rows; 95%."""
    happens, one = _checked(labels, first)
    _, other = _checked(labels, second)
    return differences_between(SCORES, happens, one, other, entities, seed=seed, samples=samples)


def gains(labels: ArrayLike, predicted: ArrayLike, parts: int = 10) -> pl.DataFrame:
    """What is found by asking the highest predictions first, a row a tenth (or another part), from the top:

        part, num_rows, rate, lift, gain

    `rate`: share to whom it happens; `lift`: that over the rate of all; `gain`: share of all to whom it
    happens that is found up to and with this part. Of equal predictions that a border cuts, each side gets
    its share, so that the order of rows says nothing; so num_rows may be broken. `lift` and `gain` are null
    where it happens to nobody.
    """
    happens, chance = _checked(labels, predicted)
    _, starts, ordered = _tied(happens, chance)
    found = np.r_[0.0, np.cumsum(np.add.reduceat(ordered, starts))]
    asked = np.r_[starts, len(ordered)].astype(np.float64)
    borders = np.linspace(0, len(ordered), parts + 1)
    at_borders = np.interp(borders, asked, found)
    total, size = float(found[-1]), len(ordered) / parts
    rate = np.diff(at_borders) / size
    return pl.DataFrame(
        {
            "part": np.arange(1, parts + 1),
            "num_rows": np.full(parts, size),
            "rate": rate,
            "lift": rate / (total / len(ordered)) if total else [None] * parts,
            "gain": at_borders[1:] / total if total else [None] * parts,
        },
        schema_overrides={"lift": pl.Float64(), "gain": pl.Float64()},
    )


def _checked(labels: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Raises InputError for other labels than 0 and 1, chances outside [0, 1], and no rows at all."""
    happens, chance = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    if len(happens) == 0 or happens.shape != chance.shape:
        raise InputError(
            "A score needs a prediction for each label",
            received=f"{happens.shape} labels, {chance.shape} predictions",
        )
    if not np.isin(happens, (0.0, 1.0)).all():
        raise InputError("A label of what happens is 0 or 1", received=happens[~np.isin(happens, (0, 1))][0])
    if not ((chance >= 0) & (chance <= 1)).all():
        raise InputError("A probability lies in [0, 1]", received=chance[~((chance >= 0) & (chance <= 1))][0])
    return happens, chance
