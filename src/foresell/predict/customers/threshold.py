"""From which probability on acting pays, and what it earns against acting on nobody and on everybody.

With true probabilities the costs alone say it (Elkan, IJCAI 2001). The threshold that earned most on the
validation examples is put in its place only where it surely earned more: on a flat curve the best of many is
mostly luck.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from foresell.evaluation.intervals import Interval
from foresell.evaluation.money import EVERYBODY, NOBODY, Costs, money_curve, money_of
from foresell.evaluation.resampled import intervals_of, weighted_draws
from foresell.predict.customers.examples import Floats

SAMPLES = 500


@dataclass(frozen=True, slots=True)
class Threshold:
    """Act on probabilities of `value` or more; above 1: on nobody.

    by_costs    what the costs alone say;  by_money: what earned most on validation, with the interval in
                which it falls when entities are drawn anew
    earns       money per customer on validation against acting on nobody, with interval
    over_everybody   the same against acting on everybody
    share       of customers acted on
    """

    value: float
    by_costs: float
    by_money: Interval
    earns: Interval
    over_everybody: Interval
    share: float

    def chosen(self, predicted: Floats) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """(n,) whether to act on each."""
        return np.asarray(predicted >= self.value, np.bool_)

    def to_record(self) -> dict[str, object]:
        """JSON-ready; a threshold above which nobody is stands as null."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `to_record`."""
        intervals = {
            name: Interval(**{end: np.nan if value is None else value for end, value in record[name].items()})
            for name in ("by_money", "earns", "over_everybody")
        }
        value = NOBODY if record["value"] is None else record["value"]
        return cls(value=value, by_costs=record["by_costs"], share=record["share"], **intervals)


def choose_threshold(
    labels: Floats, predicted: Floats, entities: pl.Series, costs: Costs, *, seed: int = 0
) -> Threshold:
    """`predicted`: (n,) calibrated probabilities of validation examples that calibration did not learn from.

    95% intervals, bootstrap over entities.
    """
    curve, ones = money_curve(labels, predicted, costs), np.ones(len(labels))
    best = curve.best(ones)
    drawn = [
        min(curve.best(weights), 2.0) for weights in weighted_draws(entities, seed=seed, samples=SAMPLES)
    ]
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    by_costs = costs.threshold
    at_best, at_costs = (money_of(labels, predicted, value, costs) for value in (best, by_costs))
    gain = intervals_of(
        {"gain": lambda weights: at_best(weights) - at_costs(weights)}, entities, seed=seed, samples=SAMPLES
    )["gain"]
    value = best if gain.lower > 0 else by_costs
    at_value, everybody = (money_of(labels, predicted, one, costs) for one in (value, EVERYBODY))
    found = intervals_of(
        {"earns": at_value, "over_everybody": lambda weights: at_value(weights) - everybody(weights)},
        entities,
        seed=seed,
        samples=SAMPLES,
    )
    return Threshold(
        value,
        by_costs,
        Interval(min(best, 2.0), float(lower), float(upper)),
        found["earns"],
        found["over_everybody"],
        float(np.mean(predicted >= value)),
    )


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value
