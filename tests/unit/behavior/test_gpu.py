"""The same code on a GPU: it is chosen, half precision with it, and what is learned is the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from training_run import LOSS, MODEL, TRAINING, some_held_out, some_model, some_sequences

from foresell.behavior.checkpoint import Checkpoint, Progress
from foresell.behavior.losses import LOSSES, LossConfig, make_loss
from foresell.behavior.model import BehaviorModel, Layer
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.behavior.workers import Workers, alone, join_workers
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.models import sasrec

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
# What is dropped out is drawn by the device, so only without it do devices agree.
STEADY = replace(MODEL, dropout=0.0, input_dropout=0.0)
EXACT = replace(TRAINING, precision="float32")


def trained(workers: Workers, config: TrainingConfig, loss: LossConfig) -> tuple[BehaviorModel, Progress]:
    model = some_model(STEADY)
    return model, pretrain(model, some_sequences(), some_held_out(), config, loss, workers=workers)


def losses(progress: Progress) -> list[float]:
    return [row["loss"] for row in progress.curve]


def test_a_gpu_is_chosen_and_half_precision_with_it() -> None:
    with join_workers() as workers:
        assert workers.device.type == "cuda"
    model = some_model(STEADY)
    seen = []
    layer = model.layers[0]
    assert isinstance(layer, Layer)
    layer.to_hidden.register_forward_hook(lambda *given: seen.append(given[-1].dtype))
    pretrain(model, some_sequences(), some_held_out(), TRAINING, LOSS, workers=alone())
    assert torch.bfloat16 in seen
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("bfloat16", 3e-2)])
def test_the_curve_is_that_of_a_processor(name: str, precision: str, tolerance: float) -> None:
    loss = LossConfig(name, num_negatives=7)
    _, expected = trained(alone("cpu"), EXACT, loss)
    model, found = trained(alone("cuda"), replace(EXACT, precision=precision), loss)
    assert next(model.parameters()).device.type == "cuda"
    np.testing.assert_allclose(losses(found), losses(expected), rtol=tolerance)


class _StoppedError(Exception):
    pass


def test_stopped_it_goes_on_to_the_same_losses(tmp_path: Path) -> None:
    _, undisturbed = trained(alone("cuda"), EXACT, LOSS)

    def stop(line: str) -> None:
        raise _StoppedError(line)

    for say in (stop, lambda line: None):
        model = some_model(STEADY)
        try:
            found = pretrain(
                model,
                some_sequences(),
                some_held_out(),
                EXACT,
                LOSS,
                workers=alone("cuda"),
                checkpoint=Checkpoint(tmp_path / "state", "test"),
                say=say,
            )
        except _StoppedError:
            continue
    np.testing.assert_allclose(losses(found), losses(undisturbed), rtol=1e-4)


def test_the_scores_of_all_products_are_never_whole_in_memory() -> None:
    num_tokens, num_products, width = 20_000, 50_000, 32
    hidden = torch.randn(num_tokens, width, device="cuda", requires_grad=True)
    vectors = torch.randn(num_products + 1, width, device="cuda", requires_grad=True)
    targets = torch.randint(1, num_products + 1, (num_tokens,), device="cuda")
    loss = make_loss(LossConfig("softmax"), torch.ones(num_products + 1))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    loss(hidden, targets, lambda _=None: vectors, torch.Generator()).backward()
    whole = 4 * num_tokens * num_products
    assert torch.cuda.max_memory_allocated() - before < whole / 10
    assert hidden.grad is not None
    assert bool(hidden.grad.isfinite().all())


def test_a_recommender_learns_there_and_is_kept_as_ever() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        (f"c{who:02}", f"p{(who + day) % 9}", start + timedelta(days=day), 1.0)
        for who in range(60)
        for day in range(5)
    ]
    interactions = pl.DataFrame(rows, INTERACTIONS, orient="row")
    fitted = sasrec.fit(interactions, sasrec.SASRecConfig(width=16, max_epochs=2))
    assert all(array.dtype == np.float32 for array in fitted.to_weights().values())
    assert fitted.recommend(interactions, 3).height > 0
