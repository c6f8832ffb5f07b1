"""Models of value that learn nothing: a rule over features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.model import (
    FittedValueModel,
    Measure,
    ValueModel,
    Weights,
    checked_horizon,
    checked_measure,
    make_outlook,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NaiveConfig:
    """`horizon_days`: also the length of the last period in the features."""

    measure: Measure = "spend"
    horizon_days: float = 90.0


# Features, config, days ahead → (n,) amounts.
Rule = Callable[[pl.DataFrame, NaiveConfig, float], Floats]


@dataclass(frozen=True)
class FittedNaive(FittedValueModel):
    """Gives no interval."""

    config: NaiveConfig
    rule: Rule

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        return make_outlook(self.rule(features, self.config, checked_horizon(horizon_days, self.config)))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {}


def naive_model(name: str, rule: Rule) -> ValueModel:
    def fit(
        examples: Examples,
        config: NaiveConfig,
        *,
        current: pl.DataFrame | None = None,
        validation: Examples | None = None,
    ) -> FittedNaive:
        checked_measure(config.measure)
        checked_horizon(None, config)
        return FittedNaive(config, rule)

    def load(
        config: Mapping[str, object], tables: Mapping[str, pl.DataFrame], weights: Weights
    ) -> FittedNaive:
        return FittedNaive(NaiveConfig(**config), rule)  # type: ignore[arg-type]

    return ValueModel(name, NaiveConfig, fit, load)
