"""A linear head on the behavior model's vector of a customer: what a sequence tells, and no count.

The vectors are those of a cutoff, by a behavior model that learned only from what was before the first
training cutoff: one that had seen the label windows would carry the answers in its weights, for training
examples most, and the head would trust it more than it deserves on later ones. Directions of a vector mean
nothing from one behavior model to another, so a head serves only the model that it was fitted with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.columns import checked_labels, row_weights, vectors_of
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.linear import Linear, fit_linear, fit_path
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights
from foresell.predict.customers.models.logistic import linear_of, linear_table

NAME = "sequence"
LEAST_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """`penalty`: of squared weights, where there is no validation to choose it."""

    penalty: float = 3e-3


@dataclass(frozen=True)
class FittedSequence(FittedTaskModel):
    """`middle`, `spread`: (D,) of the vectors it learned from."""

    config: SequenceConfig
    middle: Floats
    spread: Floats
    linear: Linear

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        return self.of_vectors(vectors_of(vectors, len(self.middle), features.height))

    def of_vectors(self, vectors: Floats) -> Floats:
        """(n,) of (n, D)."""
        return self.linear.predict((vectors - self.middle) / self.spread)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"linear": linear_table(self.linear)}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {"middle": self.middle, "spread": self.spread, "weights": self.linear.weights}


def fit(
    examples: Examples, config: SequenceConfig, target: Target, *, validation: Examples | None = None
) -> FittedSequence:
    """Raises InputError where there are no vectors, or labels are not known or all the same."""
    labels = checked_labels(examples, target)
    if not examples.vectors.shape[1]:
        raise InputError(
            "There are no vectors to learn from", do="Train the behavior model first: foresell fit behavior"
        )
    vectors = examples.vectors.astype(np.float64)
    middle, spread = vectors.mean(axis=0), vectors.std(axis=0)
    spread = np.where(spread > LEAST_SPREAD, spread, 1.0)
    train = ((vectors - middle) / spread, labels, row_weights(examples))
    if validation is None or not len(validation):
        return FittedSequence(config, middle, spread, fit_linear(*train, target, config.penalty))
    seen = (validation.vectors.astype(np.float64) - middle) / spread
    linear = fit_path(train, (seen, validation.labels, row_weights(validation)), target)
    return FittedSequence(config, middle, spread, linear)


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedSequence:
    linear = linear_of(weights["weights"], tables["linear"])
    return FittedSequence(SequenceConfig(**config), weights["middle"], weights["spread"], linear)


MODEL = TaskModel(NAME, SequenceConfig, fit, load)
