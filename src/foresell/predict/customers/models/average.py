"""The same for everybody: the share to whom it happened, or the mean amount. What a model must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.columns import checked_labels, row_weights
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights

NAME = "average"


@dataclass(frozen=True, slots=True)
class AverageConfig:
    """Nothing can be set."""


@dataclass(frozen=True)
class FittedAverage(FittedTaskModel):
    config: AverageConfig
    rate: float

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        return np.full(features.height, self.rate)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"rate": pl.DataFrame({"rate": [self.rate]})}


def fit(
    examples: Examples, config: AverageConfig, target: Target, *, validation: Examples | None = None
) -> FittedAverage:
    """Raises InputError where labels are not known or all the same."""
    labels = checked_labels(examples, target)
    return FittedAverage(config, float(np.average(labels, weights=row_weights(examples))))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedAverage:
    return FittedAverage(AverageConfig(**config), float(tables["rate"]["rate"][0]))


MODEL = TaskModel(NAME, AverageConfig, fit, load)
