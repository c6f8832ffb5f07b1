"""Boosted trees for amounts: means, factors of a known expectation, quantiles. LightGBM, one thread."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Floats

# The same trees for the same rows, on any number of cores.
SETTLED = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}


class TreeSettings(Protocol):
    """What a config says of trees, named as in CorrectedConfig."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def num_leaves(self) -> int: ...
    @property
    def min_rows_in_leaf(self) -> int: ...
    @property
    def row_share(self) -> float: ...
    @property
    def column_share(self) -> float: ...
    @property
    def l2(self) -> float: ...
    @property
    def bags(self) -> int: ...
    @property
    def seed(self) -> int: ...


def grow(
    array: Floats,
    labels: Floats,
    objective: Mapping[str, Any],
    config: TreeSettings,
    *,
    weights: Floats,
    num_trees: int,
    offset: Floats | None = None,
) -> list[str]:
    """Of each bag, trees in LightGBM's own format, learned from (n, F) and (n,) labels. `offset`: (n,) on the
    scale of the logarithm, where the trees begin."""
    import lightgbm

    settings = {
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "min_data_in_leaf": config.min_rows_in_leaf,
        "bagging_fraction": config.row_share,
        "bagging_freq": int(config.row_share < 1),
        "feature_fraction": config.column_share,
        "lambda_l2": config.l2,
        "feature_pre_filter": False,
    }
    texts = []
    for bag in range(config.bags):
        given = {**SETTLED, **settings, **objective, "seed": config.seed * 1_000 + bag}
        data = lightgbm.Dataset(array, labels, weight=weights, init_score=offset, params=given)
        texts.append(lightgbm.train(given, data, num_trees).model_to_string())
    return texts


def read_trees(texts: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    import lightgbm

    return {name: [lightgbm.Booster(model_str=text) for text in of] for name, of in texts.items()}


def mean_raw(boosters: list[Any], array: Floats) -> Floats:
    """(n,) mean over trees learned with several seeds, before any link."""
    if not len(array):
        return np.empty(0)
    said = [booster.predict(array, raw_score=True, num_threads=1) for booster in boosters]
    return np.asarray(np.mean(said, axis=0), np.float64)


def texts_table(texts: Mapping[str, list[str]]) -> pl.DataFrame:
    """part, text: a row a booster."""
    rows = [(part, text) for part, of in texts.items() for text in of]
    return pl.DataFrame(rows, {"part": pl.String(), "text": pl.String()}, orient="row")


def texts_of(table: pl.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part, text in table.iter_rows():
        found.setdefault(part, []).append(text)
    return found
