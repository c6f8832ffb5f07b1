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
    "bags": 2,
}
RANDOM: Mapping[str, Any] = {**TREES, "is_random": True}
BALANCED: Mapping[str, Any] = {**RANDOM, "balance": 1.0}


def _with_network(trees: Mapping[str, Any]) -> Model:
    configs = {"trees": dict(trees), "neural": {"nets": 2}}
    return "stack", {"parts": ("trees", "neural"), "configs": configs, "is_equal": True}


CANDIDATES: Mapping[str, Model] = {
    "logistic": ("logistic", {}),
    "trees": ("trees", TREES),
    "random trees": ("trees", RANDOM),
    "random trees, 8 leaves": ("trees", {**RANDOM, "num_leaves": 8}),
    "random trees, 31 leaves": ("trees", {**RANDOM, "num_leaves": 31}),
    "random trees, 150 rows in a leaf": ("trees", {**RANDOM, "min_rows_in_leaf": 150}),
    "random trees, all columns": ("trees", {**RANDOM, "column_share": 1.0}),
    "random trees, 600": ("trees", {**RANDOM, "max_trees": 600}),
    "balanced random trees": ("trees", BALANCED),
    "random trees and network": _with_network(RANDOM),
}
# More of the same with other seeds, where nothing is compared any more.
FINAL_BAGS = 8
# Of months that are alike; set by the parts of seed 0, which are not reported.
WHOLE: Model = (
    "trees",
    {**TREES, "num_leaves": 7, "max_trees": 350, "min_rows_in_leaf": 30, "column_share": 0.6, "bags": 4},
)


def final(model: Model) -> Model:
    """The model with FINAL_BAGS where it is trees alone."""
    name, settings = model
    return name, {**settings, "bags": FINAL_BAGS} if name == "trees" else settings


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
