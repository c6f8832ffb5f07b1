"""Training: the same seed the same run, the best epoch kept, and nothing kept of what is no number."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_run import LOSS, MODEL, TRAINING, some_held_out, some_model, some_sequences

from foresell.behavior.checkpoint import Checkpoint, Progress
from foresell.behavior.held_out import HeldOut, recall_and_ndcg, target_ranks
from foresell.behavior.losses import LOSSES, LossConfig
from foresell.behavior.model import BehaviorModel
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.contracts.errors import BackendError, InputError

NOBODY = HeldOut(some_sequences(3), np.zeros(3, np.int64))


def trained(config: TrainingConfig = TRAINING, loss: LossConfig = LOSS) -> tuple[BehaviorModel, Progress]:
    model = some_model()
    return model, pretrain(model, some_sequences(), some_held_out(), config, loss)


def without_seconds(progress: Progress) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in progress.curve]


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    (model, first), (again, second) = trained(), trained()
    assert without_seconds(first) == without_seconds(second)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    _, other = trained(replace(TRAINING, seed=1))
    assert without_seconds(other)[0]["loss"] != without_seconds(first)[0]["loss"]


# Half the precision is slow without a GPU, and meets every loss as the same scores.
@pytest.mark.parametrize(
    ("name", "precision"), [*((name, "float32") for name in LOSSES), ("sampled_softmax", "bfloat16")]
)
def test_every_loss_falls(name: str, precision: str) -> None:
    config = replace(TRAINING, max_epochs=5, patience=5, learning_rate=0.02, precision=precision)
    _, progress = trained(config, LossConfig(name, num_negatives=7))
    losses = [row["loss"] for row in progress.curve]
    assert losses[-1] < 0.95 * losses[0]


def test_training_stops_when_it_gets_no_better_and_leaves_the_best() -> None:
    config = replace(TRAINING, max_epochs=40, patience=2, learning_rate=0.05, schedule="constant")
    model, progress = trained(config)
    scores = [row["ndcg@10"] for row in progress.curve]
    assert len(scores) == progress.best_epoch + 1 + 2
    assert scores.index(max(scores)) == progress.best_epoch
    assert [row["is_best"] for row in progress.curve[progress.best_epoch :]] == [1.0, 0.0, 0.0]
    recall, ndcg = recall_and_ndcg(target_ranks(model, some_held_out()), 10)
    assert (recall, ndcg) == (progress.curve[progress.best_epoch]["recall@10"], max(scores))
    assert not model.training


def test_with_nobody_held_out_the_last_epoch_is_the_best_on_disk_too(tmp_path: Path) -> None:
    progress = pretrain(
        some_model(), some_sequences(), NOBODY, TRAINING, LOSS, checkpoint=Checkpoint(tmp_path, "run")
    )
    assert progress.best_epoch == TRAINING.max_epochs - 1
    again = pretrain(
        some_model(), some_sequences(), NOBODY, TRAINING, LOSS, checkpoint=Checkpoint(tmp_path, "run")
    )
    assert math.isnan(again.curve[0]["ndcg@10"])
    assert [row["loss"] for row in again.curve] == [row["loss"] for row in progress.curve]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_learning_rate_rises_then_falls_or_stays(schedule: str) -> None:
    _, progress = trained(replace(TRAINING, schedule=schedule, warmup_steps=3, max_epochs=4, patience=4))
    rates = [row["learning_rate"] for row in progress.curve]
    if schedule == "constant":
        assert rates == [TRAINING.learning_rate] * 4
    else:
        assert rates == sorted(rates, reverse=True)
        assert 0 <= rates[-1] < 0.05 * TRAINING.learning_rate


def test_a_step_is_no_longer_than_the_clip_lets_it_be() -> None:
    # Adam forgets the scale of gradients that are all clipped alike, so one of nothing is told apart.
    model, _ = trained(replace(TRAINING, clip=1e-30, max_epochs=1))
    start = some_model()
    with torch.no_grad():
        for one, before in zip(model.parameters(), start.parameters(), strict=True):
            torch.testing.assert_close(one, before, atol=1e-9, rtol=0)


def test_a_loss_that_is_no_number_stops_before_the_step(tmp_path: Path) -> None:
    model = some_model()
    with torch.no_grad():
        model.products.ids.weight[1:] = math.nan
    before = [one.detach().clone() for one in model.parameters()]
    with pytest.raises(BackendError, match="no number"):
        pretrain(
            model, some_sequences(), some_held_out(), TRAINING, LOSS, checkpoint=Checkpoint(tmp_path, "run")
        )
    assert not list(tmp_path.iterdir())
    for one, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(one.nan_to_num(7), old.nan_to_num(7))


@pytest.mark.parametrize("rate", [1e25, 1e38])
@pytest.mark.parametrize("held_out", [some_held_out(), NOBODY])
def test_a_last_step_that_breaks_the_weights_is_seen(tmp_path: Path, rate: float, held_out: HeldOut) -> None:
    """No later loss shows it; and of scores that are no numbers none is above the target's."""
    config = replace(TRAINING, batch_size=1_000, max_epochs=1, warmup_steps=0, learning_rate=rate)
    model, checkpoint = some_model(MODEL), Checkpoint(tmp_path, "run")
    try:
        pretrain(model, some_sequences(), held_out, config, LOSS, checkpoint=checkpoint)
    except BackendError:
        assert not list(tmp_path.iterdir())
    else:
        assert all(one.isfinite().all() for one in model.parameters())
        assert held_out is NOBODY


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"max_epochs": 0},
        {"patience": 0},
        {"seed": -1},
        {"schedule": "linear"},
        {"precision": "float16"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(TRAINING, **wrong)
