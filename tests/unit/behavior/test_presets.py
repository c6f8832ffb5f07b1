"""What presets are said to need is what they take."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_run import sequences_of

from foresell.behavior.batches import epoch_batches
from foresell.behavior.content import Content
from foresell.behavior.losses import make_loss
from foresell.behavior.model import BehaviorModel, ModelConfig, Sizes
from foresell.behavior.presets import PRESETS, Preset, preset
from foresell.behavior.sizes import needs
from foresell.contracts.errors import InputError, NotFoundError

NUM_PRODUCTS = 50


def model(config: ModelConfig) -> BehaviorModel:
    none = np.zeros(NUM_PRODUCTS + 1, np.int64)
    nothing = Content(
        np.append(none, 0), none[:0], (), none, np.zeros(0), np.zeros((NUM_PRODUCTS + 1, 0), np.float32)
    )
    return BehaviorModel(config, Sizes(NUM_PRODUCTS, 20, 5), nothing)


def bytes_kept(chosen: Preset, num_layers: int) -> float:
    """What a window of full length keeps for the gradient."""
    made = model(replace(chosen.model, num_layers=num_layers)).train()
    path = [place % NUM_PRODUCTS + 1 for place in range(chosen.model.max_length + 1)]
    batch = epoch_batches(sequences_of([path, path]), chosen.model.max_length, 2, 0, 0).batch(0)
    storages = {one.untyped_storage().data_ptr(): 0 for one in made.parameters()}
    # Held, so that no storage takes the place of one that is gone.
    held = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor)
        storages.setdefault(tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        made(
            batch,
            make_loss(replace(chosen.loss, name="sampled_softmax"), torch.ones(NUM_PRODUCTS + 1)),
            torch.Generator(),
        )
    return sum(storages.values()) / 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_batch_takes_no_more_than_it_is_said_to(name: str) -> None:
    """Layers keep the same each, so two of them tell of all."""
    chosen = preset(name)
    one, two = bytes_kept(chosen, 1), bytes_kept(chosen, 2)
    measured = (one + (two - one) * (chosen.model.num_layers - 1)) * chosen.training.batch_size
    said = needs(chosen, NUM_PRODUCTS).batch
    assert 0.5 * said < measured <= said
    assert needs(chosen, NUM_PRODUCTS, 4).batch == said // 4


def test_fields_of_all_three_configs_may_be_set_anew() -> None:
    chosen = preset("small", {"width": 32, "batch_size": 7, "loss": "gbce", "num_negatives": 5})
    assert (chosen.model.width, chosen.training.batch_size) == (32, 7)
    assert (chosen.loss.name, chosen.loss.num_negatives) == ("gbce", 5)
    assert chosen.model.num_heads == PRESETS["small"].model.num_heads


def test_what_is_no_preset_or_setting_is_refused() -> None:
    with pytest.raises(NotFoundError, match="small"):
        preset("smal")
    with pytest.raises(NotFoundError, match="width"):
        preset("small", {"widht": 3})
    with pytest.raises(InputError):
        preset("small", {"width": 31})
