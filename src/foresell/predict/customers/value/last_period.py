"""What was ordered or spent in the last period will be again: the guess that any model must beat."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

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
from foresell.predict.customers.value.summary import LAST_ORDERS, LAST_SPEND, known_columns


@dataclass(frozen=True, slots=True)
class LastPeriodConfig:
    """`horizon_days`: also the length of the last period in the features."""

    measure: Measure = "spend"
    horizon_days: float = 90.0


@dataclass(frozen=True)
class FittedLastPeriod(FittedValueModel):
    config: LastPeriodConfig

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        """Another horizon: in proportion. Money below 0 (refunds) is 0. No interval is given."""
        days = checked_horizon(horizon_days, self.config)
        name = LAST_ORDERS if self.config.measure == "orders" else LAST_SPEND
        last = known_columns(features, name)[:, 0].clip(min=0.0)
        return make_outlook(last * days / self.config.horizon_days)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {}


def fit(
    examples: Examples,
    config: LastPeriodConfig,
    *,
    current: pl.DataFrame | None = None,
    validation: Examples | None = None,
) -> FittedLastPeriod:
    """Learns nothing."""
    checked_measure(config.measure)
    checked_horizon(None, config)
    return FittedLastPeriod(config)


def load(
    config: Mapping[str, object], tables: Mapping[str, pl.DataFrame], weights: Weights
) -> FittedLastPeriod:
    return FittedLastPeriod(LastPeriodConfig(**config))  # type: ignore[arg-type]


MODEL = ValueModel("last_period", LastPeriodConfig, fit, load)
