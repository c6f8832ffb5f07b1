"""The published models of buying as a model of value: BG/NBD for how often, Gamma-Gamma for how much.

They need no labels: they learn from the histories of `current`. Of `validation` (at an earlier cutoff) they
take the level at which their intervals hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.bg_nbd import at_least
from foresell.predict.customers.value.history import History, history_of
from foresell.predict.customers.value.model import (
    LEVEL,
    FittedValueModel,
    Measure,
    ValueModel,
    Weights,
    checked_horizon,
    checked_measure,
    make_outlook,
    newest,
)
from foresell.predict.customers.value.nested import held_level, tails
from foresell.predict.customers.value.spending import (
    Spending,
    fit_spending,
    order_quantiles,
    order_ranks,
    spend_quantiles,
    spend_ranks,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BuyingConfig:
    """`penalty`: see `likelihood.maximize`, where the likelihood alone has no clear maximum, as in shops that
    hardly anybody leaves; 0: an error then. `num_draws`: of each customer, for intervals of money."""

    measure: Measure = "spend"
    horizon_days: float = 90.0
    penalty: float = 0.001
    num_draws: int = 300
    seed: int = 0


@dataclass(frozen=True)
class FittedBuying(FittedValueModel):
    """`level`: of the central interval that held 80% on validation; LEVEL without validation."""

    config: BuyingConfig
    spending: Spending
    level: float = LEVEL

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        days = checked_horizon(horizon_days, self.config)
        history = history_of(features)
        return outlook_of(
            self.spending, history, days, expected(self, history, days), self.level, self.config
        )

    def with_interval_of(self, other: Self) -> Self:
        return replace(self, level=max(self.level, other.level))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return self.spending.to_tables() | {"interval": pl.DataFrame({"level": [self.level]})}


def expected(fitted: FittedBuying, history: History, days: float) -> Floats:
    """(n,) the mean of what the config's measure says."""
    if fitted.config.measure == "orders":
        return fitted.spending.orders.expected_orders(history, days)
    return fitted.spending.expected_spend(history, days)


def outlook_of(
    spending: Spending,
    history: History,
    days: ArrayLike,
    mean: Floats,
    level: float,
    config: BuyingConfig,
) -> pl.DataFrame:
    """OUTLOOK with that mean and the models' quantiles; `days`: one, or (n,)."""
    levels = (*tails(level), 0.5)
    if config.measure == "orders":
        found = order_quantiles(spending, history, days, levels, seed=config.seed)
    else:
        found = spend_quantiles(spending, history, days, levels, draws=config.num_draws, seed=config.seed)
    lower, upper, median = found
    return make_outlook(
        mean,
        median=median,
        lower=lower,
        upper=upper,
        any_order=at_least(spending.orders.parameters, history, days, 1),
        alive=spending.orders.probability_alive(history),
    )


def ranks_of(
    spending: Spending, history: History, days: ArrayLike, actual: Floats, config: BuyingConfig
) -> tuple[Floats, Floats]:
    """(n,) the models' P(Y < actual) and P(Y ≤ actual)."""
    if config.measure == "orders":
        return order_ranks(spending, history, days, actual, seed=config.seed)
    return spend_ranks(spending, history, days, actual, draws=config.num_draws, seed=config.seed)


def fit(
    examples: Examples,
    config: BuyingConfig,
    *,
    current: pl.DataFrame | None = None,
    validation: Examples | None = None,
) -> FittedBuying:
    """Raises InputError as `fit_bg_nbd` and `fit_gamma_gamma` do."""
    checked_measure(config.measure)
    checked_horizon(None, config)
    spending = spending_of(newest(examples) if current is None else current, config)
    if validation is None:
        return FittedBuying(config, spending)
    # As the intervals are used: by a model of the same customers at the same cutoff.
    then = spending_of(validation.features, config)
    ranks = ranks_of(then, history_of(validation.features), config.horizon_days, validation.labels, config)
    return FittedBuying(config, spending, held_level(*ranks, LEVEL))


def spending_of(features: pl.DataFrame, config: BuyingConfig) -> Spending:
    """Of the customers of `features`; `estimate.penalty` of each part says whether one was needed."""
    return fit_spending(history_of(features), with_money=config.measure == "spend", fallback=config.penalty)


def load(config: Mapping[str, object], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedBuying:
    level = float(tables["interval"]["level"][0])
    return FittedBuying(BuyingConfig(**config), Spending.from_tables(dict(tables)), level)  # type: ignore[arg-type]


MODEL = ValueModel("bg_nbd", BuyingConfig, fit, load)
