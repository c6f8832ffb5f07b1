"""Counts and the behavior model's vector in one head: trees over the counts, over what a linear head reads in
the vector, and over the vector's main directions.

A vector has a hundred directions of which each says little, and trees look at one at a time: so the linear
head adds them up first. On training rows it speaks as it would of an entity that it had not seen (parts of
entities); else the trees would trust it too much.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.evaluation.resampled import entity_folds
from foresell.features.feature import Feature
from foresell.predict.customers.columns import checked_labels, vectors_of
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights
from foresell.predict.customers.models import sequence, trees
from foresell.predict.customers.models.sequence import FittedSequence, SequenceConfig
from foresell.predict.customers.models.trees import FittedTrees, TreesConfig

NAME = "fused"
HEAD = Feature("behavior_head", "what the behavior so far points to", "行为轨迹的指向", "share")


@dataclass(frozen=True, slots=True)
class FusedConfig(TreesConfig):
    """`directions`: how many of the vector's main directions the trees see; `folds`: of entities, for the
    linear head. The rest as TreesConfig."""

    directions: int = 8
    folds: int = 4


@dataclass(frozen=True)
class FittedFused(FittedTaskModel):
    """`axes`: (D, directions) of the standardized vectors."""

    config: FusedConfig
    head: FittedSequence
    axes: Floats
    trees: FittedTrees

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        if not features.height:
            return np.empty(0)
        seen = vectors_of(vectors, len(self.head.middle), features.height)
        more = _columns(self.head.of_vectors(seen), self.head, self.axes, seen)
        return self.trees.predict(features.with_columns(more))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        head = {f"head_{name}": table for name, table in self.head.to_tables().items()}
        return self.trees.to_tables() | head

    def to_weights(self) -> dict[str, NDArray[Any]]:
        head = {f"head.{name}": array for name, array in self.head.to_weights().items()}
        return {**head, "axes": self.axes}


def fit(
    examples: Examples, config: FusedConfig, target: Target, *, validation: Examples | None = None
) -> FittedFused:
    """Raises InputError where there are no vectors, or labels are not known or all the same."""
    checked_labels(examples, target)
    head = sequence.fit(examples, SequenceConfig(), target, validation=validation)
    vectors = examples.vectors.astype(np.float64)
    axes = _axes((vectors - head.middle) / head.spread, config.directions)
    said = _unseen(examples, config, target, head.linear.penalty)
    known = _with(examples, _columns(said, head, axes, vectors))
    judged = None
    if validation is not None and len(validation):
        seen = validation.vectors.astype(np.float64)
        judged = _with(validation, _columns(head.of_vectors(seen), head, axes, seen))
    own = {field.name for field in fields(TreesConfig)}
    of_trees = TreesConfig(**{name: getattr(config, name) for name in own})
    return FittedFused(config, head, axes, trees.fit(known, of_trees, target, validation=judged))


def _unseen(examples: Examples, config: FusedConfig, target: Target, penalty: float) -> Floats:
    folds = entity_folds(examples.keys["entity_id"], config.folds, seed=config.seed)
    found = np.empty(len(examples))
    for fold in range(config.folds):
        own, others = examples.take(folds == fold), examples.take(folds != fold)
        head = sequence.fit(others, SequenceConfig(penalty), target)
        found[folds == fold] = head.of_vectors(own.vectors.astype(np.float64))
    return found


def _axes(standardized: Floats, directions: int) -> Floats:
    """(D, directions) principal components; signs so that the largest weight is above 0."""
    _, axes = np.linalg.eigh(standardized.T @ standardized / len(standardized))
    main = axes[:, ::-1][:, :directions]
    signs = np.sign(main[np.abs(main).argmax(axis=0), np.arange(main.shape[1])])
    return np.asarray(main * signs, np.float64)


def _columns(said: Floats, head: FittedSequence, axes: Floats, vectors: Floats) -> list[pl.Series]:
    along = (vectors - head.middle) / head.spread @ axes
    names = [feature.name for feature in _described(axes.shape[1])]
    return [pl.Series(name, column) for name, column in zip(names, [said, *along.T], strict=True)]


def _described(directions: int) -> tuple[Feature, ...]:
    return (
        HEAD,
        *(
            Feature(
                f"behavior_direction_{place}",
                f"direction {place} of the behavior so far",
                f"行为轨迹的第 {place} 个方向",
                "score",
            )
            for place in range(1, directions + 1)
        ),
    )


def _with(examples: Examples, more: list[pl.Series]) -> Examples:
    return Examples(
        examples.keys,
        examples.features.with_columns(more),
        examples.labels,
        (*examples.described, *_described(len(more) - 1)),
        weights=examples.weights,
    )


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedFused:
    named = {name: tuple(config[name]) for name in ("only", "rising", "falling")}
    given = FusedConfig(**{**config, **named})
    of_trees = {field.name: getattr(given, field.name) for field in fields(TreesConfig)}
    of_head = {name.removeprefix("head."): array for name, array in weights.items() if name != "axes"}
    head_tables = {"linear": tables["head_linear"]}
    head = sequence.load({}, head_tables, of_head)
    return FittedFused(given, head, weights["axes"], trees.load(of_trees, tables, {}))


MODEL = TaskModel(NAME, FusedConfig, fit, load)
