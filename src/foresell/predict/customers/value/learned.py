"""Trees that learn an amount from features: its mean (Tweedie, whose zeros and long tail are those of spend,
or Poisson for orders) and its quantiles, on the logarithm.

The interval is conformal: the quantiles are moved until they held 80% of customers not learned from. Sources:
Ke et al., LightGBM, NeurIPS 2017; Romano, Patterson and Candès, Conformalized quantile regression, 2019.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.columns import Columns, checked_labels, row_weights
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.bg_nbd import BgNbd, at_least
from foresell.predict.customers.value.boosted import grow, mean_raw, read_trees, texts_of, texts_table
from foresell.predict.customers.value.buying import BuyingConfig, spending_of
from foresell.predict.customers.value.corrected import OBJECTIVES
from foresell.predict.customers.value.history import history_of
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
from foresell.predict.customers.value.nested import tails

Floats = NDArray[np.float64]
LOWER, UPPER = tails(LEVEL)
QUANTILES: Mapping[str, float] = {"lower": LOWER, "median": 0.5, "upper": UPPER}
# Without validation examples, the intervals are moved on every such customer, whose rows quantiles then miss.
HELD_BACK = 5


@dataclass(frozen=True, slots=True)
class LearnedConfig:
    """`horizon_days`: of the labels. `only`: the features to learn from; none: all. `num_trees` are for the
    mean. The rest as CorrectedConfig."""

    measure: Measure = "spend"
    horizon_days: float = 90.0
    only: tuple[str, ...] = ()
    num_trees: int = 200
    num_quantile_trees: int = 300
    learning_rate: float = 0.03
    num_leaves: int = 15
    min_rows_in_leaf: int = 100
    row_share: float = 0.8
    column_share: float = 0.6
    l2: float = 5.0
    bags: int = 1
    seed: int = 0


@dataclass(frozen=True)
class FittedLearned(FittedValueModel):
    """`texts`: part → trees; `shift`: by which the interval is widened on both sides, on log(1 + amount);
    `buying`: says the chances of an order and of being alive; None: they are not known."""

    config: LearnedConfig
    columns: Columns
    texts: Mapping[str, list[str]]
    shift: float
    buying: BgNbd | None = None

    @cached_property
    def boosters(self) -> dict[str, list[Any]]:
        return read_trees(self.texts)

    def outlook(self, features: pl.DataFrame, *, horizon_days: float | None = None) -> pl.DataFrame:
        if checked_horizon(horizon_days, self.config) != self.config.horizon_days:
            raise InputError(
                "This model knows one horizon only",
                received=f"{horizon_days} days",
                do=f"Ask for {self.config.horizon_days:g} days, or fit it with labels of that horizon.",
            )
        array = self.columns.matrix(features)
        mean = np.exp(mean_raw(self.boosters["mean"], array))
        lower, median, upper = quantiles(self.boosters, array)
        lower, upper = np.minimum(lower - self.shift, median), np.maximum(upper + self.shift, median)
        amounts = [np.expm1(np.maximum(one, 0.0)) for one in (lower, median, upper)]
        if self.config.measure == "orders":
            amounts = [np.floor(amounts[0]), np.round(amounts[1]), np.ceil(amounts[2])]
        chances = self._chances(features)
        return make_outlook(mean, lower=amounts[0], median=amounts[1], upper=amounts[2], **chances)

    def _chances(self, features: pl.DataFrame) -> dict[str, Floats]:
        if self.buying is None:
            return {}
        history = history_of(features)
        return {
            "any_order": at_least(self.buying.parameters, history, self.config.horizon_days, 1),
            "alive": self.buying.probability_alive(history),
        }

    def with_interval_of(self, other: Self) -> Self:
        return replace(self, shift=max(self.shift, other.shift))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {
            "columns": self.columns.to_table(),
            "trees": texts_table(self.texts),
            "interval": pl.DataFrame({"shift": [self.shift]}),
        } | (self.buying.to_tables() if self.buying else {})


def quantiles(boosters: Mapping[str, list[Any]], array: Floats) -> tuple[Floats, Floats, Floats]:
    """Of log(1 + amount), in order."""
    found = np.sort([mean_raw(boosters[name], array) for name in QUANTILES], axis=0)
    return found[0], found[1], found[2]


def fit(
    examples: Examples,
    config: LearnedConfig,
    *,
    current: pl.DataFrame | None = None,
    validation: Examples | None = None,
) -> FittedLearned:
    """The chances are those of BG/NBD on `current`, where it has the columns of a history and both those who
    came back and those who did not.

    Raises InputError for labels that are not known, below 0, or all the same, and for features that are
    missing in `validation`.
    """
    checked_measure(config.measure)
    checked_horizon(None, config)
    checked_labels(examples, "amount")
    columns = Columns.learn(examples, config.only)
    rest, aside = (examples, validation) if validation is not None else _parted(examples)
    texts = {"mean": _grown(examples, columns, config, OBJECTIVES[config.measure])}
    for name, level in QUANTILES.items():
        objective = {"objective": "quantile", "alpha": level}
        texts[name] = _grown(rest, columns, config, objective, on_log=True)
    lower, _, upper = quantiles(read_trees(texts), columns.matrix(aside.features))
    actual = np.log1p(aside.labels)
    # An interval ends at 0, which holds all that is there.
    needed = np.maximum(np.maximum(lower, 0.0) - actual, actual - upper)
    return FittedLearned(config, columns, texts, _shift(needed), _buying(examples, current))


def _buying(examples: Examples, current: pl.DataFrame | None) -> BgNbd | None:
    features = newest(examples) if current is None else current
    try:
        return spending_of(features, BuyingConfig(measure="orders")).orders
    except InputError:
        return None


def _shift(needed: Floats) -> float:
    if not len(needed):
        return 0.0
    place = min(int(np.ceil((len(needed) + 1) * LEVEL)), len(needed)) - 1
    return float(np.partition(needed, place)[place])


def _parted(examples: Examples) -> tuple[Examples, Examples]:
    is_aside = (examples.keys["entity_id"].rank("dense") % HELD_BACK == 0).to_numpy()
    return examples.take(~is_aside), examples.take(is_aside)


def _grown(
    examples: Examples,
    columns: Columns,
    config: LearnedConfig,
    objective: Mapping[str, Any],
    *,
    on_log: bool = False,
) -> list[str]:
    return grow(
        columns.matrix(examples.features),
        np.log1p(examples.labels) if on_log else examples.labels,
        objective,
        config,
        weights=row_weights(examples),
        num_trees=config.num_quantile_trees if on_log else config.num_trees,
    )


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedLearned:
    return FittedLearned(
        LearnedConfig(**{**config, "only": tuple(config["only"])}),
        Columns.from_table(tables["columns"]),
        texts_of(tables["trees"]),
        float(tables["interval"]["shift"][0]),
        BgNbd.from_tables(dict(tables)) if "bg_nbd" in tables else None,
    )


MODEL = ValueModel("trees", LearnedConfig, fit, load)
