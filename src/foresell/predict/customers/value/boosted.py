"""Boosted trees for amounts: means, factors of a known expectation, quantiles. LightGBM, one thread."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Floats

# The same trees for the same rows, on any number of cores.
SETTLED = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}


def grow(
    array: Floats,
    labels: Floats,
    objective: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    weights: Floats,
    num_trees: int,
    seed: int,
    offset: Floats | None = None,
) -> str:
    """Trees in LightGBM's own format, learned from (n, F) and (n,) labels. `offset`: (n,) on the scale of the
    logarithm, where the trees begin."""
    import lightgbm

    given = {**SETTLED, **settings, **objective, "seed": seed, "feature_pre_filter": False}
    data = lightgbm.Dataset(array, labels, weight=weights, init_score=offset, params=given)
    text: str = lightgbm.train(given, data, num_trees).model_to_string()
    return text


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
