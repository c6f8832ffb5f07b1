"""How large a behavior model is, and how it is trained: a name for every size of shop.

| preset | for | parameters beside products | memory to train |
|---|---|---|---|
| tiny  | a demo, a test | … | … |
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from foresell.behavior.losses import LossConfig
from foresell.behavior.model import ModelConfig
from foresell.behavior.pretrain import TrainingConfig
from foresell.contracts.errors import NotFoundError, did_you_mean


@dataclass(frozen=True, slots=True)
class Preset:
    model: ModelConfig
    training: TrainingConfig
    loss: LossConfig


PRESETS: dict[str, Preset] = {
    "tiny": Preset(
        ModelConfig(width=64, num_layers=1, num_heads=1),
        TrainingConfig(max_epochs=20, patience=2),
        LossConfig(name="sampled_softmax"),
    ),
    "small": Preset(
        ModelConfig(width=128, num_layers=1, num_heads=2, dropout=0.5, input_dropout=0.5),
        TrainingConfig(),
        LossConfig(name="sampled_softmax"),
    ),
}


def preset(name: str, changes: Mapping[str, Any] | None = None) -> Preset:
    """The preset, with fields of its three configs set anew by their names (`loss` is the loss's name).

    Raises NotFoundError for an unknown preset or field.
    """
    if name not in PRESETS:
        raise NotFoundError(f"There is no preset '{name}'", do=did_you_mean(name, PRESETS))
    chosen = PRESETS[name]
    for field, value in (changes or {}).items():
        chosen = _changed(chosen, field, value)
    return chosen


def _changed(chosen: Preset, field: str, value: Any) -> Preset:
    name = "name" if field == "loss" else field
    for part in fields(Preset):
        config = getattr(chosen, part.name)
        if name in {one.name for one in fields(config)}:
            return replace(chosen, **{part.name: replace(config, **{name: value})})
    known = [one.name for part in fields(Preset) for one in fields(getattr(chosen, part.name))]
    raise NotFoundError(f"There is no setting '{field}' of a behavior model", do=did_you_mean(field, known))
