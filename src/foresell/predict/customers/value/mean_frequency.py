"""As often as so far, each time for as much as so far: mean order value × orders a day × days."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.history import AGE, FREQUENCY
from foresell.predict.customers.value.model import (
    FittedValueModel,
    Measure,
    ValueModel,
    Weights,
    checked_horizon,
    checked_measure,
    make_outlook,
)
from foresell.predict.customers.value.summary import known_columns


@dataclass(frozen=True, slots=True)
class MeanFrequencyConfig:
    measure: Measure = "spend"
    horizon_days: float = 90.0


@dataclass(frozen=True)
class FittedMeanFrequency(FittedValueModel):
    config: MeanFrequencyConfig

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        """All orders, the first included, over the time since the first one, which counts as a horizon where
        it is shorter: two orders in a week are no hundred a year. No interval is given."""
        days = checked_horizon(horizon_days, self.config)
        again, age, value = known_columns(features, FREQUENCY, AGE, "mean_day_value").T
        orders = (again + 1) * days / np.maximum(age, days)
        worth = 1.0 if self.config.measure == "orders" else np.maximum(value, 0.0)
        return make_outlook(orders * worth)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {}


def fit(
    examples: Examples,
    config: MeanFrequencyConfig,
    *,
    current: pl.DataFrame | None = None,
    validation: Examples | None = None,
) -> FittedMeanFrequency:
    """Learns nothing."""
    checked_measure(config.measure)
    checked_horizon(None, config)
    return FittedMeanFrequency(config)


def load(
    config: Mapping[str, object], tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedMeanFrequency:
    return FittedMeanFrequency(MeanFrequencyConfig(**config))  # type: ignore[arg-type]


MODEL = ValueModel("mean_frequency", MeanFrequencyConfig, fit, load)
