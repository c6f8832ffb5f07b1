"""Gradient-boosted trees on counts. Source: Ke et al., LightGBM, NeurIPS 2017."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.columns import Columns, checked_labels, row_weights
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.linear import TWEEDIE_POWER
from foresell.predict.customers.model import FittedTaskModel, Target, TaskModel, Weights
from foresell.predict.customers.tree_settings import lightgbm_settings

NAME = "trees"
OBJECTIVES: Mapping[Target, Mapping[str, Any]] = {
    "happens": {"objective": "binary"},
    "amount": {"objective": "tweedie", "tweedie_variance_power": TWEEDIE_POWER},
}
# Without validation examples, every such entity's rows stop the trees.
HELD_BACK = 5


@dataclass(frozen=True, slots=True)
class TreesConfig:
    """`only`: the features to learn from; none: all. `max_trees`: at most so many; fewer once `patience` more
    foretell the validation no better (0: never fewer). `bags`: how many times it is learned, with other
    seeds, and averaged.
    `rising`, `falling`: features that can only raise, or only lower, a prediction. `is_random`: borders are
    drawn at random and the best of a feature's is not looked for (Geurts et al., Machine Learning 63, 2006),
    which takes more trees and follows chance less. `balance`: as `columns.row_weights`. The rest as LightGBM
    names it; `row_share`: of rows each tree sees, `column_share`: of features.
    """

    only: tuple[str, ...] = ()
    max_trees: int = 1_000
    patience: int = 50
    learning_rate: float = 0.05
    num_leaves: int = 15
    min_rows_in_leaf: int = 50
    row_share: float = 0.8
    column_share: float = 0.6
    l2: float = 5.0
    max_bin: int = 255
    bags: int = 1
    seed: int = 0
    is_random: bool = False
    balance: float = 0.0
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()


@dataclass(frozen=True)
class FittedTrees(FittedTaskModel):
    """`texts`: of each bag, the trees in LightGBM's own format."""

    config: TreesConfig
    columns: Columns
    texts: tuple[str, ...]

    @cached_property
    def boosters(self) -> tuple[Any, ...]:
        import lightgbm

        return tuple(lightgbm.Booster(model_str=text) for text in self.texts)

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        if not features.height:
            return np.empty(0)
        return self.of_array(self.columns.matrix(features))

    def of_array(self, array: Floats) -> Floats:
        """(n,) of (n, F) as `columns.matrix` gives it; the mean of the bags."""
        said = [booster.predict(array, num_threads=1) for booster in self.boosters]
        return np.asarray(np.mean(said, axis=0), np.float64)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"columns": self.columns.to_table(), "trees": pl.DataFrame({"text": self.texts})}


def fit(
    examples: Examples, config: TreesConfig, target: Target, *, validation: Examples | None = None
) -> FittedTrees:
    """Without `validation`, a fifth of the entities says how many trees; then all are learned from.

    Raises InputError where labels are not known or all the same.
    """
    checked_labels(examples, target)
    columns = Columns.learn(examples, config.only)
    texts = []
    for bag in range(config.bags):
        settings = _settings(config, columns, target, config.seed * 1_000 + bag)
        if not config.patience or (validation is not None and len(validation)):
            texts.append(_learned(examples, validation, columns, settings, config))
            continue
        stops = held_back(examples)
        found = _learned(examples.take(~stops), examples.take(stops), columns, settings, config)
        again = {**settings, "num_iterations": max(1, found.count("\nTree="))}
        texts.append(_learned(examples, None, columns, again, config))
    return FittedTrees(config, columns, tuple(texts))


def held_back(examples: Examples) -> NDArray[np.bool_]:
    """(n,) the rows of every fifth entity, by name: the same rows on every machine."""
    ranks = examples.keys["entity_id"].rank("dense").to_numpy()
    return np.asarray(ranks % HELD_BACK == 0, np.bool_)


def _settings(config: TreesConfig, columns: Columns, target: Target, seed: int) -> dict[str, Any]:
    turns = [(name in config.rising) - (name in config.falling) for name in columns.names]
    return {
        **lightgbm_settings(config),
        **OBJECTIVES[target],
        "seed": seed,
        "num_iterations": config.max_trees,
        "max_bin": config.max_bin,
        "extra_trees": config.is_random,
        **({"monotone_constraints": turns} if any(turns) else {}),
    }


def _learned(
    examples: Examples,
    stops: Examples | None,
    columns: Columns,
    settings: Mapping[str, Any],
    config: TreesConfig,
) -> str:
    import lightgbm

    number = settings["num_iterations"]
    given = {name: value for name, value in settings.items() if name != "num_iterations"}
    categories = [place for place, flag in enumerate(columns.is_category) if flag]
    data = lightgbm.Dataset(
        columns.matrix(examples.features),
        examples.labels,
        weight=row_weights(examples, config.balance),
        categorical_feature=categories,
        params=given,
    )
    callbacks: list[Callable[..., Any]] = []
    judging = []
    if config.patience and stops is not None and len(stops):
        array = columns.matrix(stops.features)
        judging = [data.create_valid(array, stops.labels, weight=row_weights(stops))]
        callbacks = [lightgbm.early_stopping(config.patience, verbose=False)]
    booster = lightgbm.train(given, data, number, valid_sets=judging, callbacks=callbacks)
    text: str = booster.model_to_string(num_iteration=booster.best_iteration)
    return text


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedTrees:
    named = {name: tuple(config[name]) for name in ("only", "rising", "falling")}
    return FittedTrees(
        TreesConfig(**{**config, **named}),
        Columns.from_table(tables["columns"]),
        tuple(tables["trees"]["text"]),
    )


MODEL = TaskModel(NAME, TreesConfig, fit, load)
