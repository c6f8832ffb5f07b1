"""Making predictions true: a rising curve from what a model says to what happens, learned on validation.

    none       as the model says
    platt      logistic in the log-odds (Platt, 1999), which a boosted model's S-shaped errors follow
    beta       three numbers, two slopes of 0 or more (Kull, Silva Filho and Flach, AISTATS 2017)
    isotonic   any rising steps, joined by lines (Zadrozny and Elkan, KDD 2002)
    scale      of amounts: one factor

Which one is chosen by the loss on entities that it did not learn from (five parts), and one that is bent more
must be better by more than a standard error: else choosing itself would fit noise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, logit

from foresell.evaluation.classification import log_losses
from foresell.evaluation.resampled import entity_codes, entity_folds
from foresell.predict.customers.examples import Floats
from foresell.predict.customers.linear import tweedie_losses
from foresell.predict.customers.model import Target

FOLDS = 5
# No chance is told to be nearer to 0 or 1.
LEAST_CHANCE = 1e-6
SCHEMA = pl.Schema({"method": pl.String(), "number": pl.List(pl.Float64)})


@dataclass(frozen=True)
class Calibrator:
    """`method`: of METHODS. `numbers`: what it learned, as that method's `fit` gives it."""

    method: str
    numbers: tuple[float, ...] = ()

    def apply(self, predicted: Floats) -> Floats:
        """(n,) rising in what is given; probabilities stay in [0, 1] and amounts at 0 or more."""
        return METHODS[self.method].apply(predicted, self.numbers)

    def to_table(self) -> pl.DataFrame:
        return pl.DataFrame({"method": [self.method], "number": [list(self.numbers)]}, SCHEMA)

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> "Calibrator":
        return cls(str(table["method"][0]), tuple(table["number"][0]))


@dataclass(frozen=True)
class Chosen:
    """`losses`: of each method, on entities it did not learn from. `predicted`: (n,) the validation's own
    predictions, each calibrated without its entity: what validation can be reported with."""

    calibrator: Calibrator
    losses: Mapping[str, float]
    predicted: Floats


@dataclass(frozen=True)
class Method:
    fit: Callable[[Floats, Floats], tuple[float, ...]]
    apply: Callable[[Floats, Sequence[float]], Floats]


def choose_calibrator(
    labels: Floats, predicted: Floats, entities: pl.Series, target: Target, *, seed: int = 0
) -> Chosen:
    """From the plainest to the most bent of OF_TARGET; with too little to learn from, none.

    `labels`, `predicted`: (n,) of validation examples; `entities`: whose each is.
    """
    folds = entity_folds(entities, FOLDS, seed=seed)
    told: dict[str, Floats] = {}
    losses: dict[str, Floats] = {}
    for name in OF_TARGET[target]:
        if (found := _cross_fitted(METHODS[name], labels, predicted, folds)) is None:
            continue
        told[name] = found
        losses[name] = (log_losses if target == "happens" else tweedie_losses)(labels, found)
    best = OF_TARGET[target][0]
    for name in losses:
        if _is_surely_less(losses[name], losses[best], entities):
            best = name
    numbers = METHODS[best].fit(labels, predicted)
    means = {name: float(loss.mean()) for name, loss in losses.items()}
    return Chosen(Calibrator(best, numbers), means, told[best])


def _cross_fitted(
    method: Method, labels: Floats, predicted: Floats, folds: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> Floats | None:
    """(n,) by curves of the other folds; None where one of them has nothing to tell apart."""
    found = np.empty(len(labels))
    for fold in range(FOLDS):
        own, others = folds == fold, folds != fold
        if method is METHODS["none"]:
            found[own] = method.apply(predicted[own], ())
            continue
        if not others.any() or labels[others].min() == labels[others].max():
            return None
        found[own] = method.apply(predicted[own], method.fit(labels[others], predicted[others]))
    return found


def _is_surely_less(one: Floats, other: Floats, entities: pl.Series) -> bool:
    """By more than a standard error of the difference, entities taken whole."""
    by_entity = np.bincount(entity_codes(entities), one - other)
    error = float(np.sqrt((by_entity**2).sum()))
    return bool(by_entity.sum() < -error)


def _odds(predicted: Floats) -> Floats:
    return np.asarray(logit(np.clip(predicted, LEAST_CHANCE, 1 - LEAST_CHANCE)), np.float64)


def _none(predicted: Floats, numbers: Sequence[float]) -> Floats:
    return np.asarray(predicted, np.float64)


def _fit_platt(labels: Floats, predicted: Floats) -> tuple[float, ...]:
    """(slope, shift)."""
    found = _least_loss(np.column_stack([_odds(predicted), np.ones(len(labels))]), labels, (1.0, 0.0), 1)
    return tuple(found)


def _platt(predicted: Floats, numbers: Sequence[float]) -> Floats:
    return np.asarray(expit(numbers[0] * _odds(predicted) + numbers[1]), np.float64)


def _fit_beta(labels: Floats, predicted: Floats) -> tuple[float, ...]:
    """(slope of ln p, slope of −ln(1 − p), shift)."""
    return tuple(_least_loss(_beta_columns(predicted), labels, (1.0, 1.0, 0.0), 2))


def _beta(predicted: Floats, numbers: Sequence[float]) -> Floats:
    return np.asarray(expit(_beta_columns(predicted) @ np.array(numbers)), np.float64)


def _beta_columns(predicted: Floats) -> Floats:
    chance = np.clip(predicted, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.column_stack([np.log(chance), -np.log1p(-chance), np.ones(len(chance))])


def _least_loss(columns: Floats, labels: Floats, start: Sequence[float], num_slopes: int) -> list[float]:
    """The numbers with the least log-loss; the first `num_slopes` are 0 or more, so that the curve rises."""

    def loss(numbers: Floats) -> tuple[float, Floats]:
        sums = columns @ numbers
        mean = float(np.mean(np.logaddexp(0, sums) - labels * sums))
        return mean, np.asarray(columns.T @ (expit(sums) - labels) / len(labels), np.float64)

    bounds = [(0.0, None)] * num_slopes + [(None, None)] * (len(start) - num_slopes)
    found = minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds)
    return [float(number) for number in found.x]


def _fit_isotonic(labels: Floats, predicted: Floats) -> tuple[float, ...]:
    """The corners of the curve: predictions, then what happened there. Shares of 0 and 1 are drawn inward as
    if one row more had gone the other way."""
    places, which = np.unique(predicted, return_inverse=True)
    size = np.bincount(which).astype(np.float64)
    rising = isotonic_regression(np.bincount(which, labels) / size, weights=size).x
    edge = 1 / (len(labels) + 2)
    rising = np.clip(rising, edge, 1 - edge)
    # Only the ends of each step are corners.
    is_corner = np.r_[True, rising[1:] != rising[:-1]] | np.r_[rising[1:] != rising[:-1], True]
    return (*places[is_corner].tolist(), *rising[is_corner].tolist())


def _isotonic(predicted: Floats, numbers: Sequence[float]) -> Floats:
    half = len(numbers) // 2
    return np.asarray(np.interp(predicted, numbers[:half], numbers[half:]), np.float64)


def _fit_scale(labels: Floats, predicted: Floats) -> tuple[float, ...]:
    total = float(predicted.sum())
    return (float(labels.sum()) / total if total > 0 else 1.0,)


def _scale(predicted: Floats, numbers: Sequence[float]) -> Floats:
    return np.asarray(predicted * numbers[0], np.float64)


METHODS: Mapping[str, Method] = {
    "none": Method(lambda labels, predicted: (), _none),
    "platt": Method(_fit_platt, _platt),
    "beta": Method(_fit_beta, _beta),
    "isotonic": Method(_fit_isotonic, _isotonic),
    "scale": Method(_fit_scale, _scale),
}
# From the plainest to the most bent.
OF_TARGET: Mapping[Target, tuple[str, ...]] = {
    "happens": ("none", "platt", "beta", "isotonic"),
    "amount": ("none", "scale"),
}
