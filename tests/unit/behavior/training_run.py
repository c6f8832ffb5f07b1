"""A tiny training, whole in a second: run in a process of its own, so that it can be killed.

    python training_run.py FOLDER [dying_step]

By `torchrun` it is run by several processes. The first of them leaves FOLDER/curve.json and
FOLDER/weights.safetensors.
"""

import json
import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from foresell.behavior.checkpoint import Checkpoint, State
from foresell.behavior.content import Content
from foresell.behavior.held_out import HeldOut
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import BehaviorModel, ModelConfig, Sizes
from foresell.behavior.pretrain import TrainingConfig, pretrain
from foresell.behavior.sequences import Sequences
from foresell.behavior.workers import join_workers

NUM_PRODUCTS = 23
SIZES = Sizes(NUM_PRODUCTS, num_events=3, num_channels=2)
MODEL = ModelConfig(width=8, num_layers=2, num_heads=2, max_length=6, feed_forward=2.0)
TRAINING = TrainingConfig(batch_size=8, max_epochs=3, warmup_steps=5, checkpoint_steps=3, schedule="cosine")
LOSS = LossConfig("sampled_softmax", num_negatives=7)


def sequences_of(products: list[list[int]]) -> Sequences:
    """One customer a list; events, channels, quantities and times by a rule."""
    product = np.array([one for some in products for one in some], np.int32)
    place = np.arange(len(product))
    return Sequences(
        np.cumsum([0, *map(len, products)]).astype(np.int64),
        product,
        (place % 3 + 1).astype(np.uint8),
        (place % 2 + 1).astype(np.uint8),
        (place % 4).astype(np.uint8),
        (1_700_000_000 + 1_000 * place + place**3 % 977).astype(np.int64),
    )


def some_sequences(num_customers: int = 61, seed: int = 0) -> Sequences:
    """Everyone goes through the products in steps of their own; some actions are of no product."""
    random = np.random.default_rng(seed)
    paths = []
    for length in random.integers(1, 16, num_customers):
        start, step = random.integers(NUM_PRODUCTS), random.integers(1, 4)
        paths.append([int(start + step * place) % NUM_PRODUCTS + 1 for place in range(length)])
    for path in paths[::7]:
        path[-1] = 0
    return sequences_of(paths)


def some_content(num_products: int = NUM_PRODUCTS) -> Content:
    """Every product has one label or two, a price band and a text vector."""
    random = np.random.default_rng(1)
    counts = np.arange(num_products) % 2 + 1
    offsets = np.concatenate([[0, 0], np.cumsum(counts)]).astype(np.int64)
    texts = random.normal(size=(num_products + 1, 5)).astype(np.float32)
    texts[0] = 0
    bands = random.integers(1, 4, num_products + 1)
    bands[0] = 0
    labels = np.arange(counts.sum(), dtype=np.int64) % 4 + 1
    return Content(offsets, labels, ("a", "b", "c", "d"), bands, np.array([1.0, 2.0]), texts)


def some_model(config: ModelConfig = MODEL, sizes: Sizes = SIZES, seed: int = 0) -> BehaviorModel:
    torch.manual_seed(seed)
    return BehaviorModel(config, sizes, some_content(sizes.num_products))


def some_held_out() -> HeldOut:
    histories = some_sequences(29, seed=2)
    return HeldOut(histories, np.random.default_rng(3).integers(0, NUM_PRODUCTS + 1, 29))


@dataclass(frozen=True)
class DyingCheckpoint(Checkpoint):
    """Kills its process at the first checkpoint from a step on, before or after it is written."""

    step: int = 0
    is_written: bool = False

    def write(self, state: State, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        if state.progress.step < self.step:
            super().write(state, model, optimizer)
            return
        if self.is_written:
            super().write(state, model, optimizer)
        os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, dropout: float, dying_step: int | None, is_written: bool = False) -> None:
    """Train, or go on, in `folder`."""
    torch.set_num_threads(1)
    state = Checkpoint(folder / "state", "test")
    if dying_step is not None:
        state = DyingCheckpoint(folder / "state", "test", dying_step, is_written)
    with join_workers("cpu") as workers:
        # Processes that begin with other weights must still train one model.
        model = some_model(replace(MODEL, dropout=dropout, input_dropout=dropout), seed=workers.rank)
        progress = pretrain(
            model, some_sequences(), some_held_out(), TRAINING, LOSS, workers=workers, checkpoint=state
        )
        if workers.is_first:
            (folder / "curve.json").write_text(json.dumps(progress.curve))
            save_file(model.state_dict(), folder / "weights.safetensors")


def run_as(rank: int, number: int, port: int, *given: object) -> None:
    """`run` as one of several processes, told by environment as torchrun does."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(number), "MASTER_PORT": str(port)}
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    run(*given)  # type: ignore[arg-type]


if __name__ == "__main__":
    run(Path(sys.argv[1]), 0.0, int(sys.argv[2]) if len(sys.argv) > 2 else None)
