"""How large a behavior model is, and how it is trained: a name for every size of shop.

tiny: a demo, a test; small: a shop, on two cores; base: a GPU; large: several GPUs, and a history of a
hundred million actions to fill it. Parameters and memory: `python -m foresell.behavior.sizes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from foresell.behavior.losses import LossConfig
from foresell.behavior.model import ModelConfig
from foresell.behavior.pretrain import TrainingConfig
from foresell.contracts.errors import InputError, NotFoundError, did_you_mean


@dataclass(frozen=True, slots=True)
class Preset:
    model: ModelConfig
    training: TrainingConfig
    loss: LossConfig


PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        ModelConfig(width=64, num_layers=1, num_heads=1, dropout=0.1, input_dropout=0.2, id_dropout=0.5),
        TrainingConfig(batch_size=16, learning_rate=3e-3, schedule="cosine", max_epochs=2),
        LossConfig(name="sampled_softmax", popularity_share=0.5),
    ),
    "small": Preset(
        ModelConfig(width=128, is_gated=False, use_turns=False, dropout=0.5, input_dropout=0.5),
        TrainingConfig(patience=5),
        LossConfig(),
    ),
    "base": Preset(
        ModelConfig(width=256, num_layers=2, num_heads=4, max_length=100),
        TrainingConfig(batch_size=256, schedule="cosine", max_epochs=40),
        LossConfig(name="sampled_softmax", num_negatives=4_096),
    ),
    "large": Preset(
        ModelConfig(width=1_024, num_layers=8, num_heads=16, max_length=200, dropout=0.1, input_dropout=0.1),
        TrainingConfig(
            batch_size=512, learning_rate=3e-4, schedule="cosine", warmup_steps=2_000, max_epochs=10
        ),
        LossConfig(name="sampled_softmax", num_negatives=8_192),
    ),
}


def preset(name: str, changes: Mapping[str, Any] | None = None) -> Preset:
    """The preset, with fields of its three configs set anew by their names (`loss` is the loss's name).

    Raises NotFoundError for an unknown preset or field.
    """
    if name not in PRESETS:
        raise NotFoundError(f"There is no preset '{name}'", do=did_you_mean(name, PRESETS))
    return changed(PRESETS[name], changes or {})


def changed(chosen: Preset, changes: Mapping[str, Any]) -> Preset:
    """As `preset` changes one. A number or truth value may also be given as text, as on a command line.

    Raises NotFoundError for an unknown field, InputError for text that is no value of its type.
    """
    for field, value in changes.items():
        chosen = _changed(chosen, field, value)
    return chosen


def _changed(chosen: Preset, field: str, value: Any) -> Preset:
    name = "name" if field == "loss" else field
    for part in fields(Preset):
        config = getattr(chosen, part.name)
        if name in {one.name for one in fields(config)}:
            typed = _typed(field, value, getattr(config, name))
            return replace(chosen, **{part.name: replace(config, **{name: typed})})
    known = [one.name for part in fields(Preset) for one in fields(getattr(chosen, part.name))]
    raise NotFoundError(f"There is no setting '{field}' of a behavior model", do=did_you_mean(field, known))


def _typed(field: str, value: Any, now: Any) -> Any:
    """Text as a value of the type that stands there now."""
    if not isinstance(value, str) or isinstance(now, str):
        return value
    try:
        return {"true": True, "false": False}[value.lower()] if isinstance(now, bool) else type(now)(value)
    except (ValueError, KeyError):
        raise InputError(
            f"'{field}' cannot be used", received=repr(value), do=f"It is now {now}: give one like it."
        ) from None
