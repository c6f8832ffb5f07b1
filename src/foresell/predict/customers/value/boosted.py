"""Boosted trees for amounts: means, factors of a known expectation, quantiles. LightGBM, one thread."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Floats
from foresell.predict.customers.tree_settings import TreeSettings, lightgbm_settings


class BaggedTrees(TreeSettings, Protocol):
    """`bags`: how many times trees are grown, with other seeds, and averaged."""

    @property
    def bags(self) -> int: ...
    @property
    def seed(self) -> int: ...


def grow(
    array: Floats,
    labels: Floats,
    objective: Mapping[str, Any],
    config: BaggedTrees,
    *,
    weights: Floats,
    num_trees: int,
    offset: Floats | None = None,
) -> list[str]:
    """Of each bag, trees in LightGBM's own format, learned from (n, F) and (n,) labels. `offset`: (n,) on the
    scale of the logarithm, where the trees begin."""
    import lightgbm

    texts = []
    for bag in range(config.bags):
        given = {**lightgbm_settings(config), **objective, "seed": config.seed * 1_000 + bag}
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
