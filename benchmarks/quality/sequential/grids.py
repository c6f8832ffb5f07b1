"""What is tried for each model, and how its settings are read from the command line.

A grid says nothing of any data set. A model without one is judged with its own defaults.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from foresell.predict.recommend import MODELS, load_model

Config = dict[str, Any]
# A config's score on validation data; higher is better.
Judge = Callable[[Config], float]
FOREVER = 1e6
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "popularity": {"half_life_days": (30.0, FOREVER)},
    "item_knn": {
        "half_life_days": (3.0, 10.0, 30.0, FOREVER),
        "pair_half_life_days": (10.0, 180.0),
        "repeat_weight": (0.0, 0.1, 50.0),
        "shrink": (0.0, 1.0, 10.0),
        "min_customers": (1, 3),
        "num_neighbors": (100, 500),
    },
    "transition": {
        "half_life_days": (30.0, FOREVER),
        "num_baskets": (2, 5, 10),
        "basket_decay": (0.3, 0.5, 0.8),
        "max_lag": (1, 3, 10),
        "backward": (0.0, 0.5, 1.0),
        "shrink": (2.0, 5.0, 10.0, 20.0),
        "content_weight": (0.0, 0.01, 0.03, 0.1),
        "min_customers": (1, 3),
    },
    "session_knn": {
        "decay": (0.3, 0.5, 0.8),
        "match_decay": (0.0, 0.1),
        "num_recent": (1000, 5000),
        "num_neighbors": (100, 500, 1500),
        "idf_power": (0.0, 0.5, 1.0),
        "min_customers": (1, 3),
        "half_life_days": (30.0, FOREVER),
    },
    "als": {
        "half_life_days": (3.0, 10.0, FOREVER),
        "factors": (64, 128),
        "regularization": (0.1, 1.0, 10.0),
        "alpha": (1.0, 10.0, 40.0),
        "min_customers": (1, 3),
    },
}


class BadSettingError(Exception):
    """`--set` names no such model or field, or a value that does not fit."""


def start(model: str, given: Mapping[str, Sequence[Any]]) -> Config:
    """The model's own defaults, and the first of each of the `given` values: field → values."""
    make = load_model(model).config
    known = [field.name for field in fields(make())]
    if unknown := sorted(set(given) - set(known)):
        raise BadSettingError(f"{model} has no setting {', '.join(unknown)}; valid: {', '.join(known)}")
    return asdict(make(**{name: values[0] for name, values in given.items()}))


def grid_of(model: str, given: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Field → values to be tried; those that are given take the place of the grid's."""
    return {**GRIDS.get(model, {}), **given}


def search(grid: Mapping[str, Sequence[Any]], first: Config, trials: int, judge: Judge) -> list[Config]:
    """The configs tried, at most `trials`, the best one first.

    From `first` on, field after field: each of its values is tried with all else as in the best config so
    far, which a better one replaces at once; round after round until a round changes nothing.
    """
    tried, best, best_score = [first], first, judge(first)
    is_new = True
    while is_new:
        is_new = False
        for name, value in ((name, value) for name, values in grid.items() for value in values):
            config = {**best, name: value}
            if config in tried:
                continue
            if len(tried) >= trials:
                return [best, *(one for one in tried if one != best)]
            tried.append(config)
            if (score := judge(config)) > best_score:
                best, best_score, is_new = config, score, True
    return [best, *(one for one in tried if one != best)]


def with_seed(config: Config, seed: int) -> Config:
    """The same config with another seed; of a model that draws no lots, itself."""
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
