"""What is tried for each model, and how its settings are read from the command line.

A grid says nothing of any data set. A model without one is judged with its own defaults.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from itertools import product
from typing import Any

import numpy as np

from foresell.predict.recommend import MODELS, load_model

Config = dict[str, Any]
FOREVER = 1e6
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "popularity": {"half_life_days": (30.0, FOREVER)},
    "item_knn": {
        "half_life_days": (3.0, 10.0, 30.0, FOREVER),
        "pair_half_life_days": (10.0, FOREVER),
        "shrink": (0.0, 1.0, 10.0),
        "min_customers": (1, 3),
        "num_neighbors": (100, 500),
    },
    "transition": {
        "half_life_days": (FOREVER,),
        "num_baskets": (2, 5, 10),
        "basket_decay": (0.3, 0.5, 0.8),
        "max_lag": (1, 3, 10),
        "shrink": (0.0, 2.0, 10.0),
        "min_customers": (1, 3),
    },
}


class BadSettingError(Exception):
    """`--set` names no such model or field, or a value that does not fit."""


def configs(model: str, seed: int, trials: int, given: Mapping[str, Sequence[Any]]) -> list[Config]:
    """At most `trials` configs to be compared on validation data, the model's own defaults first.

    The rest are drawn from the grid without replacement, by a fixed seed. `given`: field → values, which
    take the place of the grid's. Each config is whole: every field of the model's, `seed` among them where
    it has one.
    """
    make = load_model(model).config
    known = {field.name for field in fields(make())}
    if unknown := sorted(set(given) - known):
        raise BadSettingError(
            f"{model} has no setting {', '.join(unknown)}; valid: {', '.join(sorted(known))}"
        )
    grid = {**{name: values for name, values in GRIDS.get(model, {}).items() if name in known}, **given}
    fixed: Config = {name: values[0] for name, values in given.items()}
    if "seed" in known:
        fixed["seed"] = seed
    whole = [asdict(make(**fixed))]
    drawn = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    for number in np.random.default_rng(0).permutation(len(drawn)):
        config = asdict(make(**{**fixed, **drawn[number]}))
        if config not in whole:
            whole.append(config)
    return whole[:trials]


def with_seed(config: Config, seed: int) -> Config:
    return {**config, "seed": seed} if "seed" in config else config


def read_settings(texts: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """`model.field=value` or `model.field=value,value` → model → field → values (JSON, else text)."""
    found: dict[str, dict[str, list[Any]]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        model, _, field = name.partition(".")
        if not (values and field):
            raise BadSettingError(f"--set {text}: wanted model.field=value")
        if model not in MODELS:
            raise BadSettingError(f"--set {text}: there is no model '{model}'; valid: {', '.join(MODELS)}")
        found.setdefault(model, {})[field] = [_value(value) for value in values.split(",")]
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
