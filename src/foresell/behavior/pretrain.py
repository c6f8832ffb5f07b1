"""The training loop: from a model that knows nothing to the weights that foretold held-out actions best.

    for every epoch:  for every batch:  losses → gradients → one step
                      how well are the held-out actions foretold?  keep the best; stop when it gets no better

Chance is drawn anew from the seed and the step at every step, so a run that is killed and resumed from its
checkpoint takes the very same steps, and so do several processes that share the batches.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from foresell.behavior.batches import Batch, epoch_batches
from foresell.behavior.checkpoint import Checkpoint, Progress, State, Weights
from foresell.behavior.held_out import BE_CAREFUL, HeldOut, recall_and_ndcg, target_ranks
from foresell.behavior.losses import Loss, LossConfig, make_loss
from foresell.behavior.model import SequenceModel
from foresell.behavior.rows import RowGradients
from foresell.behavior.sequences import Sequences
from foresell.behavior.workers import ALONE, Workers
from foresell.contracts.errors import BackendError, InputError

K = 10
BETAS = (0.9, 0.98)
AVERAGING_WARMUP = 10
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """`batch_size`: windows a step. `learning_rate` rises over `warmup_steps`, then stays, or falls to 0 as a
    cosine over `max_epochs` (`schedule`). `weight_decay` is of matrices, not of embeddings. Training stops
    after `patience` epochs in which NDCG@10 of the held-out did not rise; `clip`: the largest norm of a
    step's gradient. `target_horizon_days`: an action foretells the product of any action after its moment
    within so many days (`behavior.horizon`); 0: of the next action. `only_new_targets`: with a horizon,
    only products that are new to the customer. `precision`: float32 or bfloat16; auto: bfloat16 on a GPU.
    `checkpoint_steps`: between checkpoints, beside one after each epoch.
    """

    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_steps: int = 200
    weight_decay: float = 0.0
    max_epochs: int = 100
    patience: int = 8
    clip: float = 1.0
    seed: int = 0
    averaging: float = 0.998
    precision: str = "auto"
    checkpoint_steps: int = 1_000
    target_horizon_days: float = 0.0
    only_new_targets: bool = False

    def __post_init__(self) -> None:
        least = {"batch_size": 1, "max_epochs": 1, "patience": 1, "checkpoint_steps": 1, "seed": 0}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise InputError(
                    f"The {name} of a training is too small",
                    received=getattr(self, name),
                    do=f"Give {smallest} or more.",
                )
        if self.schedule not in ("constant", "cosine"):
            raise InputError(
                "There is no such schedule", received=self.schedule, do="Choose constant or cosine."
            )
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise InputError(
                "There is no such precision", received=self.precision, do="Choose auto, float32 or bfloat16."
            )


def pretrain(
    model: SequenceModel,
    sequences: Sequences,
    held_out: HeldOut,
    config: TrainingConfig,
    loss_config: LossConfig,
    *,
    workers: Workers = ALONE,
    checkpoint: Checkpoint | None = None,
    say: Say = lambda step: None,
) -> Progress:
    """Train the model in place, and leave it with the weights of the best epoch; returns the curve.

    A row of the curve: epoch, loss (mean over targets), recall and ndcg at 10 of the held-out, seconds since
    the start, learning_rate, is_best (so far: 1). Without held-out customers it trains for `patience`
    epochs, and the last is the best. Raises BackendError where a loss, a weight or a score is no number:
    nothing is kept of such a step.
    """
    model.to(workers.device).train()
    workers.share_weights(model)
    loss = make_loss(loss_config, _counts(sequences, model.num_products))
    optimizer = _optimizer(model, config)
    row_gradients = RowGradients(model)
    progress, best, average = Progress(), _copy(model), _copy(model)
    if checkpoint is not None and (found := checkpoint.read(model, optimizer)) is not None:
        progress, best, average = found.progress, found.best, found.average
        say(f"going on from epoch {progress.epoch}, step {progress.step}")
    workers.stand_together(progress.step)
    started = time.monotonic() - progress.seconds

    def keep() -> None:
        if checkpoint is not None and workers.is_first:
            progress.seconds = time.monotonic() - started
            checkpoint.write(State(progress, best, average), model, optimizer)

    while _goes_on(progress, config):
        batches = epoch_batches(
            sequences,
            model.max_length,
            config.batch_size,
            config.seed,
            progress.epoch,
            config.target_horizon_days,
            only_new=config.only_new_targets,
        )
        while progress.step_of_epoch < len(batches):
            for group in optimizer.param_groups:
                group["lr"] = _rate_at(config, progress.step, len(batches))
            batch = batches.batch(progress.step_of_epoch, workers.rank, workers.number)
            _take_step(model, batch.to(workers.device), loss, optimizer, config, workers, progress)
            _average(average, model, config, progress.step)
            if progress.step % config.checkpoint_steps == 0:
                keep()

        _refuse_broken(model)
        with _weights_of(model, average):
            recall, ndcg = recall_and_ndcg(target_ranks(model, held_out, workers), K)
        progress.seconds = time.monotonic() - started
        rate = _rate_at(config, progress.step - 1, len(batches))
        if _close_epoch(progress, recall, ndcg, rate):
            best = {name: tensor.clone() for name, tensor in average.items()}
        say(_line(progress))
        keep()
    row_gradients.end()
    model.load_state_dict(best)
    model.eval()
    return progress


def _goes_on(progress: Progress, config: TrainingConfig) -> bool:
    """Until it got no better for too long; where nobody is held out, who could tell, for as many epochs as
    that."""
    if progress.curve and math.isnan(progress.curve[-1][f"ndcg@{K}"]):
        return progress.epoch < min(config.max_epochs, config.patience)
    return progress.epoch < config.max_epochs and progress.epoch - progress.best_epoch <= config.patience


def _take_step(
    model: SequenceModel,
    batch: Batch,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    workers: Workers,
    progress: Progress,
) -> None:
    """One step down the gradient of the whole batch, of which this process has its share."""
    # Negatives are the same in all processes; what is dropped out is each one's own.
    generator = torch.Generator().manual_seed(_seed_of(config.seed, progress.step, 0))
    torch.manual_seed(_seed_of(config.seed, progress.step, 1 + workers.rank))
    with torch.autocast(workers.device.type, torch.bfloat16, enabled=_is_mixed(config, workers)):
        losses = model(batch, loss, generator)
    counts = workers.add_up(torch.stack([one.count for one in losses]).float())
    sums = torch.stack([one.total for one in losses])
    weights = torch.tensor([one.weight for one in losses], device=sums.device)
    optimizer.zero_grad(set_to_none=True)
    (weights * sums / counts.clamp(min=1)).sum().backward()
    workers.add_up_gradients(model)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    product_sum = float(workers.add_up(sums.detach()[0].clone()))
    if not (math.isfinite(product_sum) and math.isfinite(float(norm))):
        raise BackendError(
            "Training lost its way: a loss or a gradient is no number",
            received=f"loss {product_sum}, gradient {float(norm)} at step {progress.step}",
            do=BE_CAREFUL,
        )
    optimizer.step()
    progress.step += 1
    progress.step_of_epoch += 1
    progress.loss_sum += product_sum
    progress.num_targets += float(counts[0])


def _refuse_broken(model: SequenceModel) -> None:
    """A step may break weights that only the next one's loss, or a score, would show."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise BackendError("Training lost its way: a weight is no number", received=name, do=BE_CAREFUL)


def _close_epoch(progress: Progress, recall: float, ndcg: float, rate: float) -> bool:
    """Add the epoch's row to the curve; whether it is the best now."""
    # NaN (nobody is held out) compares as false: then the last is the best.
    is_best = progress.best_score is None or not ndcg <= progress.best_score
    progress.curve.append(
        {
            "epoch": progress.epoch,
            "loss": progress.loss_sum / max(progress.num_targets, 1.0),
            f"recall@{K}": recall,
            f"ndcg@{K}": ndcg,
            "learning_rate": rate,
            "seconds": progress.seconds,
            "is_best": float(is_best),
        }
    )
    if is_best:
        progress.best_epoch, progress.best_score = progress.epoch, ndcg
    progress.epoch += 1
    progress.step_of_epoch = 0
    progress.loss_sum = progress.num_targets = 0.0
    return is_best


def _average(average: Weights, model: SequenceModel, config: TrainingConfig, step: int) -> None:
    """Let the average follow the weights: fast in the first steps, which it is to forget, then slowly."""
    kept = min(config.averaging, step / (step + AVERAGING_WARMUP))
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            average[name].lerp_(tensor, 1 - kept)


@contextmanager
def _weights_of(model: SequenceModel, weights: Weights) -> Iterator[None]:
    """The model with other weights for a while."""
    own = _copy(model)
    model.load_state_dict(weights)
    yield
    model.load_state_dict(own)


def _optimizer(model: SequenceModel, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW; embeddings and everything that is no matrix are left to be as large as they are."""
    matrices = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
    others = [one for one in model.parameters() if all(one is not matrix for matrix in matrices)]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # Fused: one pass over weights and moments, where the plain one makes a copy of the products' vectors.
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=BETAS, fused=True)


def _rate_at(config: TrainingConfig, step: int, steps_an_epoch: int) -> float:
    rate = config.learning_rate * min(1.0, (step + 1) / max(config.warmup_steps, 1))
    if config.schedule == "constant":
        return rate
    share = min(1.0, step / max(steps_an_epoch * config.max_epochs, 1))
    return rate * 0.5 * (1 + math.cos(math.pi * share))


def _is_mixed(config: TrainingConfig, workers: Workers) -> bool:
    return config.precision == "bfloat16" or (config.precision == "auto" and workers.device.type == "cuda")


def _seed_of(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _counts(sequences: Sequences, num_products: int) -> torch.Tensor:
    """(P + 1,) how often each product was taken."""
    return torch.from_numpy(np.bincount(sequences.product, minlength=num_products + 1))


def _copy(model: SequenceModel) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _line(progress: Progress) -> str:
    row = progress.curve[-1]
    mark = "  best so far" if row["is_best"] else ""
    return (
        f"epoch {row['epoch'] + 1:3.0f}  loss {row['loss']:.4f}  recall@{K} {row[f'recall@{K}']:.4f}  "
        f"ndcg@{K} {row[f'ndcg@{K}']:.4f}  {row['seconds']:5.0f} s{mark}"
    )
