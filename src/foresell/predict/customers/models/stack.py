"""Several models that err differently, mixed: a linear one, trees with random borders, and a network.

All weigh alike unless shares are asked for: those are learned by how each foretold entities that it had not
learned from. Of the two the equal ones did better (benchmarks/quality/customer_tasks/RESULTS.md).

Sources: Wolpert, Stacked generalization, Neural Networks 5, 1992; with weights of 0 or more (Breiman, Machine
Learning 24, 1996), which do not play correlated models against each other.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from foresell.evaluation.resampled import entity_folds
from foresell.predict.customers import NEEDS, config_of, load_model
from foresell.predict.customers.columns import checked_labels, row_weights
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.linear import mean_loss
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights
from foresell.predict.installed import obstacle

NAME = "stack"
LEAST = 1e-6


def _settings() -> dict[str, dict[str, Any]]:
    return {
        "trees": {"is_random": True, "num_leaves": 31, "max_trees": 3_000, "learning_rate": 0.1, "bags": 2},
        "neural": {"uses_vectors": False, "batch_size": 512, "epochs": 15},
    }


@dataclass(frozen=True, slots=True)
class StackConfig:
    """`parts`: names of MODELS; one whose library is not installed is left out. `configs`: of a part, fields
    that differ from its defaults. `is_equal`: all weigh alike; else shares are learned by `folds` of
    entities."""

    parts: tuple[str, ...] = ("logistic", "trees", "neural")
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=_settings)
    folds: int = 4
    is_equal: bool = True
    seed: int = 0

    def of_part(self, name: str) -> Any:
        return config_of(name, self.configs.get(name, {}))


@dataclass(frozen=True)
class FittedStack(FittedTaskModel):
    """`shares`: of each part, 0 or more; log-odds (or logarithms of amounts) are added up with them."""

    config: StackConfig
    target: Target
    parts: tuple[FittedTaskModel, ...]
    shares: tuple[float, ...]

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        said = np.column_stack([part.predict(features, vectors) for part in self.parts])
        return _mixed(said, np.array(self.shares), self.target)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        shares = pl.DataFrame({"part": self.config.parts, "share": self.shares})
        tables = {"stack": shares.with_columns(target=pl.lit(self.target))}
        for name, part in zip(self.config.parts, self.parts, strict=True):
            tables |= {f"{name}_{table}": frame for table, frame in part.to_tables().items()}
        return tables

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {
            f"{name}.{key}": array
            for name, part in zip(self.config.parts, self.parts, strict=True)
            for key, array in part.to_weights().items()
        }


def fit(
    examples: Examples, config: StackConfig, target: Target, *, validation: Examples | None = None
) -> FittedStack:
    """`validation` stops the parts early; the shares are learned from `examples` alone.

    Raises InputError where labels are not known or all the same.
    """
    labels = checked_labels(examples, target)
    config = replace(config, parts=tuple(name for name in config.parts if obstacle(name, NEEDS) is None))
    shares = np.full(len(config.parts), 1 / len(config.parts))
    if not config.is_equal:
        said = np.column_stack([_unseen(name, examples, config, target, validation) for name in config.parts])
        shares = _shares(said, labels, row_weights(examples), target)
    parts = tuple(
        load_model(name).fit(examples, config.of_part(name), target, validation=validation)
        for name in config.parts
    )
    return FittedStack(config, target, parts, tuple(shares.tolist()))


def _unseen(
    name: str, examples: Examples, config: StackConfig, target: Target, validation: Examples | None
) -> Floats:
    """(n,) what the part says of each row when it has learned from other entities."""
    folds = entity_folds(examples.keys["entity_id"], config.folds, seed=config.seed)
    found = np.empty(len(examples))
    for fold in range(config.folds):
        own = examples.take(folds == fold)
        others = examples.take(folds != fold)
        fitted = load_model(name).fit(others, config.of_part(name), target, validation=validation)
        vectors = own.vectors if own.vectors.shape[1] else None
        found[folds == fold] = fitted.predict(own.features, vectors)
    return found


def _shares(said: Floats, labels: Floats, weights: Floats, target: Target) -> Floats:
    number = said.shape[1]

    def loss(shares: Floats) -> float:
        return mean_loss(labels, _mixed(said, shares, target), weights, target)

    found = minimize(loss, np.full(number, 1 / number), method="L-BFGS-B", bounds=[(0.0, 2.0)] * number)
    return np.asarray(found.x, np.float64)


def _mixed(said: Floats, shares: Floats, target: Target) -> Floats:
    if target == "happens":
        return np.asarray(expit(logit(np.clip(said, LEAST, 1 - LEAST)) @ shares), np.float64)
    return np.asarray(np.exp(np.log(np.maximum(said, LEAST)) @ shares), np.float64)


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedStack:
    given = StackConfig(**{**config, "parts": tuple(config["parts"])})
    parts = []
    for name in given.parts:
        own_tables = {
            key.removeprefix(f"{name}_"): t for key, t in tables.items() if key.startswith(f"{name}_")
        }
        own_weights = {
            key.removeprefix(f"{name}."): w for key, w in weights.items() if key.startswith(f"{name}.")
        }
        parts.append(load_model(name).load(asdict(given.of_part(name)), own_tables, own_weights))
    table = tables["stack"]
    return FittedStack(given, table["target"][0], tuple(parts), tuple(table["share"]))


MODEL = TaskModel(NAME, StackConfig, fit, load)
