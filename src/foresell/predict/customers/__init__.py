"""Knowing the customer: what they will do, what they are worth, who they are, and who is alike.

A task's `Examples` → a model's `fit` → calibrated → a threshold by money (`fitted`); `backtest` compares
those of COMPETING.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry
from foresell.predict.installed import obstacle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from foresell.predict.customers.model import TaskModel

# Name → the module whose MODEL it is; loaded on use.
MODELS: dict[str, str] = {
    "average": "foresell.predict.customers.models.average",
    "one_feature": "foresell.predict.customers.models.one_feature",
    "logistic": "foresell.predict.customers.models.logistic",
    "trees": "foresell.predict.customers.models.trees",
    "neural": "foresell.predict.customers.models.neural",
    "stack": "foresell.predict.customers.models.stack",
    "sequence": "foresell.predict.customers.models.sequence",
    "fused": "foresell.predict.customers.models.fused",
}
# Those that compete for a shop; all others are for who asks for them by name.
COMPETING: tuple[str, ...] = ("average", "one_feature", "logistic", "trees", "stack", "sequence", "fused")
# The naive ones, that a model must beat.
BASELINES: tuple[str, ...] = ("average", "one_feature")
# Name → what must be installed for it, and the extra that brings it.
NEEDS: dict[str, tuple[str, str]] = {
    "trees": ("lightgbm", "trees"),
    "stack": ("lightgbm", "trees"),
    "fused": ("lightgbm", "trees"),
    "neural": ("torch", "behavior"),
}
# Those that read the behavior model's vectors.
NEED_VECTORS: tuple[str, ...] = ("sequence", "fused")


def competing(*, has_vectors: bool = False) -> tuple[str, ...]:
    """Those of COMPETING that can be fitted with what is installed, and with or without vectors."""
    return tuple(
        name
        for name in COMPETING
        if (has_vectors or name not in NEED_VECTORS) and obstacle(name, NEEDS) is None
    )


def left_out(*, has_vectors: bool = False) -> str:
    """Which of COMPETING cannot be fitted, and why, in words; "" for none."""
    missing = [(name, obstacle(name, NEEDS)) for name in COMPETING]
    if not has_vectors:
        fit = "a behavior model that knew nothing after the first cutoff (foresell fit behavior --cutoff)"
        missing += [(name, fit) for name in NEED_VECTORS]
    return "; ".join(f"without {name}: {why}" for name, why in missing if why)


def load_model(name: str) -> "TaskModel":
    """The model of that name; NotFoundError names the valid ones."""
    model: TaskModel = load_entry(MODELS, name, "model of customers")
    return model


def config_of(name: str, values: "Mapping[str, Any]") -> "Any":
    """The model's config of plain values (lists stand for tuples), the rest by default.

    Raises InputError for a value that the config does not know.
    """
    from dataclasses import fields

    from foresell.contracts.errors import InputError, did_you_mean

    config = load_model(name).config
    known = [field.name for field in fields(config)]  # type: ignore[arg-type]
    if odd := sorted(set(values) - set(known)):
        raise InputError(f"'{name}' has no setting '{odd[0]}'", do=did_you_mean(odd[0], known))
    return config(
        **{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    )
