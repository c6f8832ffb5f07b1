"""BG/NBD and Gamma-Gamma, corrected by what trees see beside x, t_x, T and z̄.

Trees (LightGBM) learn the factor by which the published models' expectation is wrong: it is their offset, by
the same models fitted at each cutoff of the examples. What they learned at one horizon then serves at
another, since the factor, not the amount, is learned. The whole distribution is the published one over a time
stretched so that its mean is the corrected one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.columns import Columns, checked_labels, row_weights
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.boosted import grow, mean_raw, read_trees, texts_of, texts_table
from foresell.predict.customers.value.buying import (
    BuyingConfig,
    FittedBuying,
    expected,
    outlook_of,
    ranks_of,
    spending_of,
)
from foresell.predict.customers.value.history import History, history_of
from foresell.predict.customers.value.model import (
    LEVEL,
    FittedValueModel,
    Measure,
    ValueModel,
    Weights,
    checked_horizon,
    checked_measure,
    newest,
)
from foresell.predict.customers.value.nested import held_level
from foresell.predict.customers.value.spending import Spending

Floats = NDArray[np.float64]
OBJECTIVES: Mapping[Measure, Mapping[str, Any]] = {
    "orders": {"objective": "poisson"},
    "spend": {"objective": "tweedie", "tweedie_variance_power": 1.5},
}
SMALLEST = 1e-9
# Times that the horizon is stretched by; beyond, the mean is no longer the corrected one.
STRETCHES = np.geomspace(1 / 64, 64, 25)


@dataclass(frozen=True, slots=True)
class CorrectedConfig:
    """`only`: the features the trees see; none: all. `penalty`, `num_draws`: as BuyingConfig. The rest as
    LightGBM names it; `bags`: how many times trees are grown, with other seeds, and averaged."""

    measure: Measure = "spend"
    horizon_days: float = 90.0
    only: tuple[str, ...] = ()
    num_trees: int = 100
    learning_rate: float = 0.03
    num_leaves: int = 15
    min_rows_in_leaf: int = 200
    row_share: float = 0.8
    column_share: float = 0.6
    l2: float = 5.0
    bags: int = 5
    penalty: float = 0.001
    num_draws: int = 300
    seed: int = 0

    @property
    def buying(self) -> BuyingConfig:
        return BuyingConfig(self.measure, self.horizon_days, self.penalty, self.num_draws, self.seed)


@dataclass(frozen=True)
class FittedCorrected(FittedValueModel):
    """`spending`: of the customers that are predicted now; `texts`: the trees; `level`: as FittedBuying."""

    config: CorrectedConfig
    spending: Spending
    columns: Columns
    texts: tuple[str, ...]
    level: float = LEVEL

    @cached_property
    def boosters(self) -> list[Any]:
        return read_trees({"factor": list(self.texts)})["factor"]

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        days = checked_horizon(horizon_days, self.config)
        history, mean, until = self.stretched(features, days, self.spending)
        return outlook_of(self.spending, history, until, mean, self.level, self.config.buying)

    def stretched(
        self, features: pl.DataFrame, days: float, spending: Spending
    ) -> tuple[History, Floats, Floats]:
        """The histories, the corrected mean, and the days in which `spending` expects that mean."""
        history = history_of(features)
        plain = np.maximum(expected(FittedBuying(self.config.buying, spending), history, days), SMALLEST)
        factor = np.exp(mean_raw(self.boosters, self.columns.matrix(features)))
        return history, plain * factor, days * stretch(spending, history, days, factor)

    def with_interval_of(self, other: Self) -> Self:
        return replace(self, level=max(self.level, other.level))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return self.spending.to_tables() | {
            "interval": pl.DataFrame({"level": [self.level]}),
            "columns": self.columns.to_table(),
            "trees": texts_table({"factor": list(self.texts)}),
        }


def stretch(spending: Spending, history: History, days: float, factor: Floats) -> Floats:
    """(n,) by what `days` must be multiplied so that the orders expected are `factor` times as many.

    By interpolation between STRETCHES, on logarithms; the nearest of them where none is enough.
    """
    if not len(history):
        return np.empty(0)
    wanted = np.log(np.maximum(spending.orders.expected_orders(history, days), SMALLEST)) + np.log(factor)
    steps = np.log(STRETCHES)
    reached = np.array(
        [
            np.log(np.maximum(spending.orders.expected_orders(history, days * by), SMALLEST))
            for by in STRETCHES
        ]
    )
    place = np.clip((reached < wanted).sum(axis=0), 1, len(steps) - 1)
    rows = np.arange(len(history))
    low, high = reached[place - 1, rows], reached[place, rows]
    gap = high - low
    part = np.divide(wanted - low, gap, out=np.ones_like(gap), where=gap > 0)
    return np.asarray(np.exp(steps[place - 1] + np.clip(part, 0, 1) * (steps[place] - steps[place - 1])))


def fit(
    examples: Examples,
    config: CorrectedConfig,
    *,
    current: pl.DataFrame | None = None,
    validation: Examples | None = None,
) -> FittedCorrected:
    """Raises InputError as the published models do, at any cutoff, and for labels that are not known or all
    the same."""
    checked_measure(config.measure)
    checked_horizon(None, config)
    labels = checked_labels(examples, "amount")
    columns = Columns.learn(examples, config.only)
    array, offset = columns.matrix(examples.features), offsets(examples, config.buying)
    texts = grow(
        array,
        labels,
        OBJECTIVES[config.measure],
        config,
        weights=row_weights(examples),
        num_trees=config.num_trees,
        offset=offset,
    )
    spending = spending_of(newest(examples) if current is None else current, config.buying)
    fitted = FittedCorrected(config, spending, columns, tuple(texts))
    if validation is None:
        return fitted
    then = spending_of(validation.features, config.buying)
    history, _, until = fitted.stretched(validation.features, config.horizon_days, then)
    ranks = ranks_of(then, history, until, validation.labels, config.buying)
    return replace(fitted, level=held_level(*ranks, LEVEL))


def offsets(examples: Examples, config: BuyingConfig) -> Floats:
    """(n,) logarithms of what the published models expect, fitted at each cutoff on the customers there."""
    found = np.empty(len(examples))
    cutoffs = examples.keys["cutoff_at"]
    for cutoff in cutoffs.unique().sort():
        rows = (cutoffs == cutoff).to_numpy()
        features = examples.features.filter(rows)
        fitted = FittedBuying(config, spending_of(features, config))
        mean = expected(fitted, history_of(features), config.horizon_days)
        found[rows] = np.log(np.maximum(mean, SMALLEST))
    return found


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedCorrected:
    return FittedCorrected(
        CorrectedConfig(**{**config, "only": tuple(config["only"])}),
        Spending.from_tables(dict(tables)),
        Columns.from_table(tables["columns"]),
        tuple(texts_of(tables["trees"])["factor"]),
        float(tables["interval"]["level"][0]),
    )


MODEL = ValueModel("corrected", CorrectedConfig, fit, load)
