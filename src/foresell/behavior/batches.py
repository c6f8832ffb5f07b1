"""Batches of windows of customers' actions, drawn evenly, the same for the same seed and epoch.

B windows    L positions    0 fills up at the right: attention looks back only, so it is never seen
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foresell.behavior.horizon import draw_later
from foresell.behavior.sequences import Sequences


@dataclass(frozen=True)
class Batch:
    """What was done, and what came next.

    product_BL, event_BL, channel_BL, quantity_BL   indices; 0: none, unknown, filled up
    seconds_BL          Unix time
    next_product_BL     the product of the next action, or of a later one (`horizon`); 0: none, no target
    next_event_BL       its event name; 0: no next action
    next_seconds_BL     its time
    is_action_BL        False where filled up
    num_actions_B       length of each window
    """

    product_BL: Tensor
    event_BL: Tensor
    channel_BL: Tensor
    quantity_BL: Tensor
    seconds_BL: Tensor
    next_product_BL: Tensor
    next_event_BL: Tensor
    next_seconds_BL: Tensor
    is_action_BL: Tensor
    num_actions_B: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(getattr(self, one.name).to(device) for one in fields(self)))

    def pieces(self, number: int) -> "list[Batch]":
        """Its windows in order, in at most `number` batches, each no longer than its longest window."""
        size = max(1, -(-len(self.num_actions_B) // number))
        return [self._piece(start, start + size) for start in range(0, len(self.num_actions_B), size)]

    def _piece(self, start: int, end: int) -> "Batch":
        longest = max(1, int(self.num_actions_B[start:end].max()))
        parts = (getattr(self, one.name)[start:end] for one in fields(self))
        return Batch(*(part[:, :longest] if part.dim() > 1 else part for part in parts))


@dataclass(frozen=True)
class Windows:
    """Where windows begin and end in the arrays of `Sequences`, (W,) each; begin included, end not."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begins)

    def take(self, which: NDArray[np.int64]) -> "Windows":
        return Windows(self.begins[which], self.ends[which])


def training_windows(sequences: Sequences, max_length: int, shift: int = 0) -> Windows:
    """Cut every customer's actions so that each action but the first is some window's next one, once.

    A window sees at most `max_length` actions and the one after them. `shift` (any whole number) moves the
    cuts, so that another epoch cuts elsewhere; the last window of a customer always reaches to their end.
    """
    starts, lengths = sequences.offsets[:-1], sequences.lengths
    num_steps = np.maximum(lengths - 1, 0)
    first = np.where(num_steps > max_length, (shift % max_length) + 1, num_steps)
    num_windows = np.where(num_steps > 0, 1 + np.ceil((num_steps - first) / max_length), 0).astype(np.int64)
    owner = np.repeat(np.arange(len(starts)), num_windows)
    position = np.arange(len(owner)) - np.repeat(np.cumsum(num_windows) - num_windows, num_windows)
    last_step = np.minimum(first[owner] + position * max_length, num_steps[owner])
    first_step = np.where(position > 0, first[owner] + (position - 1) * max_length, 0)
    return Windows(starts[owner] + first_step, starts[owner] + last_step + 1)


# One without actions: a process that has nothing to compute must still take part in the step.
NO_WINDOW = Windows(np.zeros(1, np.int64), np.ones(1, np.int64))


@dataclass(frozen=True)
class EpochBatches:
    """The batches of one epoch, in their order: any of them can be made, by any process, alone.

    `targets`: (E,) where the action is whose product each action foretells (−1: none); None: the next one.
    """

    sequences: Sequences
    windows: Windows
    chosen: list[NDArray[np.int64]]
    targets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    def batch(self, position: int, rank: int = 0, number: int = 1) -> Batch:
        """Every number-th window, for process `rank` of `number`; NO_WINDOW if none are left."""
        share = self.chosen[position][rank::number]
        windows = self.windows.take(share) if len(share) else NO_WINDOW
        return make_batch(self.sequences, windows, targets=self.targets)


def epoch_batches(
    sequences: Sequences,
    max_length: int,
    batch_size: int,
    seed: int,
    epoch: int,
    horizon_days: float = 0.0,
    *,
    only_new: bool = False,
) -> EpochBatches:
    """`batch_size` windows a batch, drawn evenly (fewer in one batch), the shortest first.

    Batches of windows of like lengths would fill up less, but learn worse: a step of short histories and one
    of long ones pull apart, and the actions of short ones count for more (benchmarks/README.md).

    `horizon_days`: actions foretell one of those after their moment and within so many days, drawn anew each
    epoch, with `only_new` one of a product that is new to its customer; 0: the next action.
    """
    random = np.random.default_rng([seed, epoch])
    windows = training_windows(sequences, max_length, int(random.integers(max_length)))
    chosen = _mixed(windows, batch_size, random)
    targets = draw_later(sequences, horizon_days, random, only_new=only_new) if horizon_days else None
    return EpochBatches(sequences, windows, chosen, targets)


def _mixed(windows: Windows, batch_size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    order = random.permutation(len(windows))
    lengths = windows.ends - windows.begins
    chosen = []
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        chosen.append(some[np.argsort(lengths[some], kind="stable")])
    return [chosen[position] for position in random.permutation(len(chosen))]


def history_batches(
    sequences: Sequences, max_length: int, batch_size: int
) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """(C',) positions of customers, and their last actions, nothing of which is left for a next one.

    Customers come by length; one without actions never comes.
    """
    lengths = sequences.lengths
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        ends = sequences.offsets[some + 1]
        begins = np.maximum(sequences.offsets[some], ends - max_length)
        yield some, make_batch(sequences, Windows(begins, ends), with_next=False)


def make_batch(
    sequences: Sequences,
    windows: Windows,
    *,
    with_next: bool = True,
    targets: NDArray[np.int64] | None = None,
) -> Batch:
    """With `with_next` the last action of a window is only the next one of the action before it.

    `targets`: as in `EpochBatches`; of products only.
    """
    lengths = windows.ends - windows.begins - int(with_next)
    steps = np.arange(lengths.max(initial=1))
    is_action = steps < lengths[:, None]
    places = np.where(is_action, windows.begins[:, None] + steps, 0)
    following = np.where(is_action & with_next, places + 1, 0)

    def at(array: NDArray[np.generic], where: NDArray[np.int64], known: NDArray[np.bool_]) -> Tensor:
        return torch.from_numpy(np.where(known, array[where], 0).astype(np.int64))

    has_next = is_action if with_next else np.zeros_like(is_action)
    wanted = following if targets is None else targets[places]
    return Batch(
        at(sequences.product, places, is_action),
        at(sequences.event, places, is_action),
        at(sequences.channel, places, is_action),
        at(sequences.quantity, places, is_action),
        at(sequences.seconds, places, is_action),
        at(sequences.product, wanted, has_next & (wanted >= 0)),
        at(sequences.event, following, has_next),
        at(sequences.seconds, following, has_next),
        torch.from_numpy(is_action),
        torch.from_numpy(lengths),
    )
