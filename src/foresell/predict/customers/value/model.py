"""What every model of value is: a config, a `fit`, and a fitted object that says what lies ahead."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.examples import Examples, Floats

# orders: local days with an order; spend: money of those days, net of refunds.
Measure = Literal["orders", "spend"]
MEASURES = ("orders", "spend")
Weights = Mapping[str, NDArray[Any]]
# What a model does not say is null. probability_any: of an order within the horizon; probability_alive: that
# the customer has not left for good.
OUTLOOK = pl.Schema(
    {
        "mean": pl.Float64(),
        "median": pl.Float64(),
        "lower_80": pl.Float64(),
        "upper_80": pl.Float64(),
        "probability_any": pl.Float64(),
        "probability_alive": pl.Float64(),
    }
)
LEVEL = 0.8


class FittedValueModel(ABC):
    """Says what customers will order or spend; made by `fit` or `load`."""

    config: Any

    @abstractmethod
    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        """OUTLOOK, a row a row of `features`: 0 ≤ lower_80 ≤ median ≤ upper_80; the mean may lie outside.

        `horizon_days`: None: those of the config. Raises InputError for a column that is missing, a horizon
        that is not above 0, and for another horizon of a model that knows only the one of its labels.
        """

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        """(n,) expected amounts: as a model of a task (`customers.model`) predicts them."""
        return self.outlook(features)["mean"].to_numpy()

    def with_interval_of(self, other: Self) -> Self:
        """This model with intervals that are widened at least as much as those of `other`, a fit of the same
        config; itself where it has none."""
        return self

    @abstractmethod
    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; with `to_weights`, `load` is the inverse."""

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {}


class FitValue(Protocol):
    """Learns from `examples`, whose labels are amounts of the config's measure and horizon.

    `current`: features as of the cutoff that is predicted from, without labels: what needs none is estimated
    from them, since they hold the longest history; None: from the examples of the newest cutoff.
    `validation`: intervals are made to hold on it; None: they are as the model says.
    """

    def __call__(
        self,
        examples: Examples,
        config: Any,
        *,
        current: pl.DataFrame | None = None,
        validation: Examples | None = None,
    ) -> FittedValueModel: ...


@dataclass(frozen=True, slots=True)
class ValueModel:
    """An entry of VALUE_MODELS. `config` makes one of plain values, with `measure` and `horizon_days`."""

    name: str
    config: Callable[..., Any]
    fit: FitValue
    load: Callable[[Mapping[str, Any], Mapping[str, pl.DataFrame], Weights], FittedValueModel]


def make_outlook(
    mean: Floats,
    *,
    median: Floats | None = None,
    lower: Floats | None = None,
    upper: Floats | None = None,
    any_order: Floats | None = None,
    alive: Floats | None = None,
) -> pl.DataFrame:
    """OUTLOOK; what is not given is null, and the median the mean."""
    columns = (mean, mean if median is None else median, lower, upper, any_order, alive)
    series = [
        pl.Series(name, [None] * len(mean) if column is None else column, pl.Float64)
        for name, column in zip(OUTLOOK, columns, strict=True)
    ]
    return pl.DataFrame(series, OUTLOOK)


def checked_horizon(horizon_days: float | None, config: Any) -> float:
    """Raises InputError where it is not above 0."""
    days = float(config.horizon_days if horizon_days is None else horizon_days)
    if not (np.isfinite(days) and days > 0):
        raise InputError("A horizon must be above 0 days", received=horizon_days)
    return days


def checked_measure(measure: str) -> None:
    if measure not in MEASURES:
        raise InputError(
            f"'{measure}' is nothing that a model of value knows", do=f"Choose {' or '.join(MEASURES)}."
        )


def newest(examples: Examples) -> pl.DataFrame:
    """The features of the examples of the newest cutoff. Raises InputError where there are no examples."""
    if not len(examples):
        raise InputError("There are no examples to learn from", do="Choose earlier cutoffs or import more.")
    cutoffs = examples.keys["cutoff_at"]
    return examples.features.filter(cutoffs == cutoffs.max())
