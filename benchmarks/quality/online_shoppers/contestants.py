"""Foresell's own models: which settings are tried on the months, and what is used where nothing is chosen."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.quality.online_shoppers.sessions import Floats

from foresell.predict.customers import config_of, load_model
from foresell.predict.customers.examples import Examples

# Model and settings.
Model = tuple[str, Mapping[str, Any]]
TREES: Mapping[str, Any] = {
    "patience": 0,
    "max_trees": 300,
    "learning_rate": 0.03,
    "num_leaves": 16,
    "min_rows_in_leaf": 50,
    "column_share": 0.5,
    "bags": 4,
}
RANDOM: Mapping[str, Any] = {**TREES, "is_random": True}
NET: Mapping[str, Any] = {"nets": 4}


def _mixed(trees: Mapping[str, Any], net: Mapping[str, Any]) -> Model:
    return "stack", {
        "parts": ("trees", "neural"),
        "configs": {"trees": dict(trees), "neural": dict(net)},
        "is_equal": True,
    }


CANDIDATES: Mapping[str, Model] = {
    "logistic": ("logistic", {}),
    "trees": ("trees", TREES),
    "balanced trees": ("trees", {**TREES, "balance": 1.0}),
    "random trees": ("trees", RANDOM),
    "balanced random trees": ("trees", {**RANDOM, "balance": 1.0}),
    "balanced random trees, 8 leaves": ("trees", {**RANDOM, "balance": 1.0, "num_leaves": 8}),
    "network": ("neural", NET),
    "balanced network": ("neural", {**NET, "balance": 0.5}),
    "trees and network": _mixed(TREES, NET),
    "random trees and network": _mixed(RANDOM, NET),
    "balanced random trees and network": _mixed({**RANDOM, "balance": 1.0}, {**NET, "balance": 0.5}),
    "balanced random trees, 8 leaves, and network": _mixed(
        {**RANDOM, "balance": 1.0, "num_leaves": 8}, {**NET, "balance": 0.5}
    ),
}
# Of months that are alike.
WHOLE: Model = ("stack", {"parts": ("trees", "neural"), "configs": {}, "is_equal": True})


def said_by(model: Model, train: Examples, seed: int) -> Callable[[Examples], Floats]:
    """What the model, fitted on `train`, says of other examples."""
    name, settings = model
    fitted = load_model(name).fit(train, config_of(name, _seeded(settings, seed)), "happens")
    return lambda examples: fitted.predict(examples.features)


def _seeded(settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """With the seed of the model and of its parts; what draws nothing has none."""
    configs = {name: {**of, "seed": seed} for name, of in settings.get("configs", {}).items()}
    if configs:
        return {**settings, "configs": configs}
    return {**settings, "seed": seed} if settings else dict(settings)
