"""Logistic regression of what happens, and its like for amounts (Tweedie with a logarithmic link)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.columns import Columns, checked_labels, row_weights
from foresell.predict.customers.design import Design
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.linear import Linear, fit_linear, fit_path
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights

NAME = "logistic"


@dataclass(frozen=True, slots=True)
class LogisticConfig:
    """`only`: the features to learn from; none: all. `penalty`: of squared weights, against the mean loss
    over rows; with validation examples the best of `linear.PENALTIES`, unless `is_penalty_fixed`."""

    only: tuple[str, ...] = ()
    penalty: float = 1e-3
    is_penalty_fixed: bool = False


@dataclass(frozen=True)
class FittedLogistic(FittedTaskModel):
    config: LogisticConfig
    design: Design
    linear: Linear

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        return self.linear.predict(self.design.apply(self.design.columns.matrix(features)))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """`terms`: what each column adds to the sum, in standard deviations of the feature."""
        terms = pl.DataFrame(
            {
                "feature": [feature for feature, _ in self.design.terms],
                "term": [what for _, what in self.design.terms],
                "weight": self.linear.weights,
            }
        )
        return {**self.design.to_tables(), "terms": terms, "linear": linear_table(self.linear)}


def linear_table(linear: Linear) -> pl.DataFrame:
    """All of it but the weights, in one row."""
    names = ("intercept", "target", "penalty", "unit", "highest")
    return pl.DataFrame({name: [getattr(linear, name)] for name in names})


def linear_of(weights: Floats, table: pl.DataFrame) -> Linear:
    """The inverse of `linear_table`."""
    return Linear(weights, **table.row(0, named=True))


def fit(
    examples: Examples, config: LogisticConfig, target: Target, *, validation: Examples | None = None
) -> FittedLogistic:
    """Raises InputError where labels are not known or all the same."""
    labels = checked_labels(examples, target)
    columns = Columns.learn(examples, config.only)
    array = columns.matrix(examples.features)
    design = Design.learn(columns, array)
    train = (design.apply(array), labels, row_weights(examples))
    if validation is None or not len(validation) or config.is_penalty_fixed:
        return FittedLogistic(config, design, fit_linear(*train, target, config.penalty))
    judges = design.apply(columns.matrix(validation.features)), validation.labels, row_weights(validation)
    return FittedLogistic(config, design, fit_path(train, judges, target))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedLogistic:
    return FittedLogistic(
        LogisticConfig(**{**config, "only": tuple(config["only"])}),
        Design.from_tables(tables["columns"], tables["design"]),
        linear_of(tables["terms"]["weight"].to_numpy(), tables["linear"]),
    )


MODEL = TaskModel(NAME, LogisticConfig, fit, load)
