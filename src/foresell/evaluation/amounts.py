"""Scores of an amount or a date that was foretold.

    mae, rmse    in the unit of the labels
    gini         normalized: how well the order of the predictions finds the money; 1 is the order of the
                 labels themselves, 0 chance. Ties share what they hold
    rank_correlation   Spearman's, ties at their middle rank
    concordance  of dates: share of comparable pairs in the right order, ties of predictions half

Labels of `mae` to `rank_correlation` must be known; of `concordance` NaN is censored. Sources: Frees, Meyers
and Cummings, JASA 106, 2011 (ordered Lorenz curve); Harrell et al., JAMA 247, 1982 (concordance).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from foresell.contracts.errors import InputError
from foresell.evaluation.classification import mean_of_rows
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.resampled import Weighted, differences_between, entity_codes, intervals_of

Floats = NDArray[np.float64]
# Rows compared with all others at once: 32 MB.
PAIRS_AT_ONCE = 4_000_000


def _mae(labels: Floats, predicted: Floats) -> Weighted:
    return mean_of_rows(np.abs(predicted - labels))


def _rmse(labels: Floats, predicted: Floats) -> Weighted:
    mean = mean_of_rows((predicted - labels) ** 2)
    return lambda weights: float(np.sqrt(mean(weights)))


def _gini(labels: Floats, predicted: Floats) -> Weighted:
    found, best = _area(labels, predicted), _area(labels, labels)

    def score(weights: Floats) -> float:
        most = best(weights)
        return found(weights) / most if most > 0 else np.nan

    return score


def _area(labels: Floats, predicted: Floats) -> Weighted:
    """Twice the area between the share of money found, from the highest prediction on, and the diagonal."""
    order = np.argsort(-predicted, kind="stable")
    ordered, money = predicted[order], labels[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def score(weights: Floats) -> float:
        size = np.add.reduceat(weights[order], starts)
        found = np.add.reduceat(weights[order] * money, starts)
        if not found.sum() or not size.sum():
            return np.nan
        share, before = size / size.sum(), np.cumsum(found) - found
        return float(2 * (share * (before + found / 2)).sum() / found.sum() - 1)

    return score


def _rank_correlation(labels: Floats, predicted: Floats) -> Weighted:
    first, second = _middle_ranks(labels), _middle_ranks(predicted)

    def score(weights: Floats) -> float:
        total = weights.sum()
        if not total:
            return np.nan
        one, other = first(weights), second(weights)
        one, other = one - weights @ one / total, other - weights @ other / total
        spread = np.sqrt((weights @ one**2) * (weights @ other**2))
        return float((weights * one) @ other / spread) if spread > 0 else np.nan

    return score


def _middle_ranks(values: Floats) -> Callable[[Floats], Floats]:
    which = np.unique(values, return_inverse=True)[1]

    def ranks(weights: Floats) -> Floats:
        size = np.bincount(which, weights)
        return np.asarray((np.cumsum(size) - size / 2)[which])

    return ranks


SCORES: Mapping[str, Callable[[Floats, Floats], Weighted]] = {
    "mae": _mae,
    "rmse": _rmse,
    "gini": _gini,
    "rank_correlation": _rank_correlation,
}
HIGHER_IS_BETTER = frozenset({"gini", "rank_correlation", "concordance"})


def amount_score(name: str, labels: ArrayLike, predicted: ArrayLike) -> float:
    """One of SCORES without an interval."""
    actual, told = _checked(labels, predicted)
    return SCORES[name](actual, told)(np.ones(len(actual)))


def amount_scores(
    labels: ArrayLike, predicted: ArrayLike, entities: ArrayLike, *, seed: int, samples: int = SAMPLES
) -> dict[str, Interval]:
    """Every one of SCORES with its 95% interval over `entities` (n,), whose row each is."""
    actual, told = _checked(labels, predicted)
    prepared = {name: score(actual, told) for name, score in SCORES.items()}
    return intervals_of(prepared, entities, seed=seed, samples=samples)


def amount_differences(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    entities: ArrayLike,
    *,
    seed: int,
    samples: int = SAMPLES,
) -> dict[str, Interval]:
    """Each of SCORES, of the second model's predictions less that of the first's on the same rows; 95%."""
    actual, one = _checked(labels, first)
    _, other = _checked(labels, second)
    return differences_between(SCORES, actual, one, other, entities, seed=seed, samples=samples)


def concordance(
    labels: ArrayLike, predicted: ArrayLike, entities: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Of dates, in days; a label of NaN: it had not happened when the horizon ended, later than all others.

    A pair is comparable where one date is surely earlier; it is right where that one's prediction is earlier.
    The interval is normal, by what each entity moves the share (infinitesimal jackknife: Efron, SIAM 1982,
    chapter 6). n²/2 pairs: seconds for 20,000 rows. NaN where no pair is comparable.
    """
    actual, told = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    right, comparable = _pairs(np.where(np.isnan(actual), np.inf, actual), told)
    total = comparable.sum()
    if not total:
        return Interval(np.nan, np.nan, np.nan)
    value = float(right.sum() / total)
    # A pair is counted at both of its rows, so an entity moves the share by twice its own part.
    moved = 2 * np.bincount(entity_codes(entities), right - value * comparable) / total
    half = float(ndtri((1 + level) / 2) * np.sqrt((moved**2).sum()))
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def _pairs(actual: Floats, told: Floats) -> tuple[Floats, Floats]:
    """Of each row: its comparable pairs that are right (ties half), and its comparable pairs."""
    number = len(actual)
    right, comparable = np.zeros(number), np.zeros(number)
    at_once = max(1, PAIRS_AT_ONCE // max(number, 1))
    for start in range(0, number, at_once):
        rows = slice(start, start + at_once)
        # inf − inf: two that are censored cannot be compared.
        is_earlier = actual[rows, None] < actual[None, :]
        is_later = actual[rows, None] > actual[None, :]
        said = np.sign(told[None, :] - told[rows, None])
        right[rows] = ((is_earlier * (1 + said)) + (is_later * (1 - said))).sum(axis=1) / 2
        comparable[rows] = (is_earlier | is_later).sum(axis=1)
    return right, comparable


def _checked(labels: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    actual, told = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    if len(actual) == 0 or actual.shape != told.shape:
        raise InputError(
            "A score needs a prediction for each label",
            received=f"{actual.shape} labels, {told.shape} predictions",
        )
    if not (np.isfinite(actual).all() and np.isfinite(told).all()):
        raise InputError("An amount must be known", do="Leave out rows whose amount is not known.")
    return actual, told
