"""The autoencoders and their training. Torch is only needed here: fitted weights are used through `encoding`.

Sources: Hinton and Salakhutdinov, Science 313, 2006; over sequences Srivastava, Mansimov and Salakhutdinov,
ICML 2015 (what was done is told again backwards, from the latent vector alone).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from foresell.predict.customers.segments.steps import NUM_NUMBERS, Steps

VALIDATION_SHARE = 0.1
BATCH_SIZE = 256
EVENT_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Training:
    """`width` of hidden layers, `latent` numbers a customer; training stops once `patience` epochs are no
    better on a tenth of the customers that is held out."""

    seed: int
    width: int
    latent: int
    learning_rate: float
    max_epochs: int
    patience: int


class FeatureAutoencoder(nn.Module):
    """Principal components, and beside them a hidden layer each way that begins at 0: training starts where
    components end, so that what is found depends little on the seed."""

    def __init__(self, points: NDArray[np.float64], width: int, latent: int) -> None:
        super().__init__()
        num_columns = points.shape[1]
        middle, axes = points.mean(axis=0), np.zeros((latent, num_columns))
        found = np.linalg.svd(points - middle, full_matrices=False)[2][:latent]
        # The sign of an axis is an accident of the machine.
        axes[: len(found)] = (
            found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
        )
        self.hidden = nn.Linear(num_columns, width)
        self.to_latent = _linear(np.zeros((latent, width)), np.zeros(latent))
        self.straight = _linear(axes, -axes @ middle)
        from_hidden = _linear(np.zeros((num_columns, width)), np.zeros(num_columns))
        self.decoder = nn.Sequential(nn.Linear(latent, width), nn.ReLU(), from_hidden)
        self.back = _linear(axes.T, middle)

    def loss(self, x_ND: Tensor) -> Tensor:
        latent_NK = self.straight(x_ND) + self.to_latent(functional.relu(self.hidden(x_ND)))
        return functional.mse_loss(self.back(latent_NK) + self.decoder(latent_NK), x_ND)


def _linear(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


class EventAutoencoder(nn.Module):
    def __init__(self, num_events: int, width: int, latent: int) -> None:
        super().__init__()
        self.events = nn.Embedding(num_events, EVENT_WIDTH, padding_idx=0)
        self.recurrent = nn.GRU(EVENT_WIDTH + NUM_NUMBERS, width, batch_first=True)
        self.to_latent = nn.Linear(width, latent)
        self.decoder = nn.GRU(latent, width, batch_first=True)
        self.to_event, self.to_numbers = nn.Linear(width, num_events), nn.Linear(width, NUM_NUMBERS)

    def loss(self, event_BL: Tensor, numbers_BLF: Tensor, lengths_B: Tensor) -> Tensor:
        x_BLD = torch.cat([self.events(event_BL), numbers_BLF], dim=-1)
        states_BLD, _ = self.recurrent(x_BLD)
        last_BD = states_BLD[torch.arange(len(x_BLD)), lengths_B - 1]
        latent_BLD = self.to_latent(last_BD)[:, None].expand(-1, event_BL.shape[1], -1)
        told_BLD, _ = self.decoder(latent_BLD)
        # Backwards: the last step is told first.
        order_BL = (lengths_B[:, None] - 1 - torch.arange(event_BL.shape[1])).clamp(min=0)
        is_there_BL = torch.arange(event_BL.shape[1]) < lengths_B[:, None]
        wanted_BL = event_BL.gather(1, order_BL)
        wanted_BLF = numbers_BLF.gather(1, order_BL[..., None].expand_as(numbers_BLF))
        of_events = functional.cross_entropy(self.to_event(told_BLD)[is_there_BL], wanted_BL[is_there_BL])
        of_numbers = functional.mse_loss(self.to_numbers(told_BLD)[is_there_BL], wanted_BLF[is_there_BL])
        return of_events + of_numbers


def train_on_features(points: NDArray[np.float64], training: Training) -> dict[str, NDArray[Any]]:
    """The encoder's weights."""
    torch.manual_seed(training.seed)
    model = FeatureAutoencoder(points, training.width, training.latent)
    x_ND = torch.from_numpy(points.astype(np.float32))
    _train(model, lambda rows: model.loss(x_ND[rows]), len(points), training)
    return _encoder(model)


def train_on_steps(steps: Steps, num_events: int, training: Training) -> dict[str, NDArray[Any]]:
    """The encoder's weights; customers without a step are left out."""
    torch.manual_seed(training.seed)
    model = EventAutoencoder(num_events, training.width, training.latent)
    some = steps.take(np.flatnonzero(steps.lengths))
    event_NL, numbers_NLF = torch.from_numpy(some.event), torch.from_numpy(some.numbers)
    lengths_N = torch.from_numpy(some.lengths)

    def loss(rows: Tensor) -> Tensor:
        longest = int(lengths_N[rows].max())
        return model.loss(event_NL[rows, :longest], numbers_NLF[rows, :longest], lengths_N[rows])

    _train(model, loss, len(some.lengths), training)
    return _encoder(model)


def _encoder(model: nn.Module) -> dict[str, NDArray[Any]]:
    parts = ("hidden.", "straight.", "events.", "recurrent.", "to_latent.")
    return {
        name: tensor.detach().numpy().copy()
        for name, tensor in model.state_dict().items()
        if name.startswith(parts)
    }


def _train(model: nn.Module, loss: Callable[[Tensor], Tensor], num: int, training: Training) -> None:
    """Adam with early stopping; the best epoch's weights are kept."""
    with _one_thread():
        _descend(model, loss, num, training)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and sums in another order differ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _descend(model: nn.Module, loss: Callable[[Tensor], Tensor], num: int, training: Training) -> None:
    generator = torch.Generator().manual_seed(training.seed)
    order = torch.randperm(num, generator=generator)
    held = order[: max(1, int(num * VALIDATION_SHARE))]
    learned = order[len(held) :] if num > 1 else order
    optimizer = torch.optim.Adam(model.parameters(), training.learning_rate)
    best, best_weights, waited = float("inf"), model.state_dict(), 0
    for _ in range(training.max_epochs):
        model.train()
        for rows in learned[torch.randperm(len(learned), generator=generator)].split(BATCH_SIZE):
            optimizer.zero_grad()
            loss(rows).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            found = float(np.mean([float(loss(rows)) for rows in held.split(BATCH_SIZE)]))
        if found < best - 1e-5:
            best, waited = found, 0
            best_weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        elif (waited := waited + 1) >= training.patience:
            break
    model.load_state_dict(best_weights)
