"""The best single feature, such as the days since the last order: the rival of a shop that has no model.

Rows are cut into parts of equal mass by each feature in turn, each part's rate drawn toward that of all; the
feature with the least loss speaks. It knows thresholds and curves, and nothing of two features together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.columns import Columns, checked_labels, row_weights
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.linear import mean_loss
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights

NAME = "one_feature"


@dataclass(frozen=True, slots=True)
class OneFeatureConfig:
    """`only`: choose among these features; none: among all. `parts`: of equal mass, at most. `pseudo_rows`:
    how many rows of the mean of all each part is mixed with."""

    only: tuple[str, ...] = ()
    parts: int = 20
    pseudo_rows: float = 20.0


@dataclass(frozen=True)
class FittedOneFeature(FittedTaskModel):
    """`borders`: (P − 1,) ascending, a value on a border belongs above it; of a category the codes are parts.
    `rates`: (P + 1,), the last of an unknown value."""

    config: OneFeatureConfig
    columns: Columns
    borders: Floats
    rates: Floats

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        values = self.columns.matrix(features)[:, 0]
        return np.asarray(self.rates[_parts_of(values, self.borders)], np.float64)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {
            "columns": self.columns.to_table(),
            "borders": pl.DataFrame({"border": self.borders}),
            "rates": pl.DataFrame({"rate": self.rates}),
        }


def fit(
    examples: Examples, config: OneFeatureConfig, target: Target, *, validation: Examples | None = None
) -> FittedOneFeature:
    """Of equal losses the first feature. Raises InputError where labels are not known or all the same."""
    labels, weights = checked_labels(examples, target), row_weights(examples)
    names = Columns.learn(examples, config.only).names
    found = [_of_feature(examples, name, config, labels, weights) for name in names]
    losses = [mean_loss(labels, one.predict(examples.features), weights, target) for one in found]
    return found[int(np.argmin(losses))]


def _of_feature(
    examples: Examples, name: str, config: OneFeatureConfig, labels: Floats, weights: Floats
) -> FittedOneFeature:
    columns = Columns.learn(examples, (name,))
    values = columns.matrix(examples.features)[:, 0]
    known = values[~np.isnan(values)]
    if (categories := columns.categories[0]) is not None:
        borders = np.arange(1, max(len(categories), 1), dtype=np.float64)
    elif len(known):
        borders = np.unique(np.quantile(known, np.linspace(0, 1, config.parts + 1)[1:-1]))
    else:
        borders = np.empty(0)
    which, number = _parts_of(values, borders), len(borders) + 2
    size, found = np.bincount(which, weights, number), np.bincount(which, weights * labels, number)
    mean = float(weights @ labels / weights.sum())
    rates = (found + config.pseudo_rows * mean) / (size + config.pseudo_rows)
    return FittedOneFeature(config, columns, borders, rates)


def _parts_of(values: Floats, borders: Floats) -> NDArray[np.int64]:
    return np.where(np.isnan(values), len(borders) + 1, np.searchsorted(borders, values, side="right"))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedOneFeature:
    return FittedOneFeature(
        OneFeatureConfig(**{**config, "only": tuple(config["only"])}),
        Columns.from_table(tables["columns"]),
        tables["borders"]["border"].to_numpy(),
        tables["rates"]["rate"].to_numpy(),
    )


MODEL = TaskModel(NAME, OneFeatureConfig, fit, load)
