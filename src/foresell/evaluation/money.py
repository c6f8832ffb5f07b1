"""What acting on predictions earns: the money of a threshold, against acting on nobody and on everybody.

Source: Elkan, The foundations of cost-sensitive learning, IJCAI 2001.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.resampled import Weighted

Floats = NDArray[np.float64]
NOBODY = float("inf")
EVERYBODY = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """Money that is lost by each outcome, 0 or more, in the store's currency.

    action           for each customer acted on, whatever comes of it (a coupon, a letter)
    false_positive   besides: acted on, and it would not have happened
    false_negative   not acted on, and it happened (the margin lost with the customer)
    """

    false_positive: float
    false_negative: float
    action: float = 0.0

    def __post_init__(self) -> None:
        costs = (self.false_positive, self.false_negative, self.action)
        if not all(np.isfinite(cost) and cost >= 0 for cost in costs):
            raise InputError("A cost is a number of 0 or more", received=costs)
        if self.false_positive + self.false_negative <= 0:
            raise InputError(
                "Without the cost of an error no threshold is better than another",
                received=costs,
                do="Give what a false positive or a false negative costs.",
            )

    @property
    def threshold(self) -> float:
        """From which true probability on acting costs less than not acting; above 1: never."""
        return (self.false_positive + self.action) / (self.false_positive + self.false_negative)


def money_of(labels: Floats, predicted: Floats, threshold: float, costs: Costs) -> Weighted:
    """Mean money per row against acting on nobody, by weights of rows: above 0, acting earns."""
    happens = np.asarray(labels, np.float64) > 0.5
    acted = np.asarray(predicted, np.float64) >= threshold
    each = np.where(happens, costs.false_negative, -costs.false_positive) - costs.action
    values = np.where(acted, each, 0.0)

    def score(weights: Floats) -> float:
        total = weights.sum()
        return float(weights @ values / total) if total else np.nan

    return score


def money(labels: ArrayLike, predicted: ArrayLike, threshold: float, costs: Costs) -> float:
    """Mean money per row that acting on predictions ≥ `threshold` earns against acting on nobody."""
    happens, chance = np.asarray(labels, np.float64), np.asarray(predicted, np.float64)
    return money_of(happens, chance, threshold, costs)(np.ones(len(happens)))


def money_curve(labels: Floats, predicted: Floats, costs: Costs) -> "MoneyCurve":
    """For finding the threshold that earns most, again and again with other weights of rows."""
    order = np.argsort(-predicted, kind="stable")
    ordered = predicted[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    each = np.where(labels[order] > 0.5, costs.false_negative, -costs.false_positive) - costs.action
    return MoneyCurve(order, starts, np.r_[NOBODY, ordered[starts]], each)


@dataclass(frozen=True, slots=True, eq=False)
class MoneyCurve:
    """`thresholds`: (T,) descending, the first for nobody; the others are predictions that were made."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    thresholds: Floats
    each: Floats

    def earned(self, weights: Floats) -> Floats:
        """(T,) mean money per row at each threshold, against acting on nobody."""
        weight = weights[self.order]
        steps = np.add.reduceat(weight * self.each, self.starts)
        return np.asarray(np.r_[0.0, np.cumsum(steps)] / weight.sum(), np.float64)

    def best(self, weights: Floats) -> float:
        """The threshold that earns most; of equals the highest, which acts on fewest."""
        return float(self.thresholds[int(np.argmax(self.earned(weights)))])
