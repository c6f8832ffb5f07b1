"""What an action has to foretell where the next one alone says little: any of those within a horizon.

A basket's lines share their moment, and their order within it is none; what matters is what comes in later
baskets. Source: Pancha et al., PinnerFormer, KDD 2022 (dense all-action objective).
"""

import numpy as np
from numpy.typing import NDArray

from foresell.behavior.sequences import Sequences

SECONDS_A_DAY = 86_400


def later_actions(sequences: Sequences, horizon_days: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(E,) each: where the actions of the same customer begin that come after an action's own moment, and
    where those end that come at most the horizon after it; equal where there are none."""
    horizon = round(horizon_days * SECONDS_A_DAY)
    since_first = sequences.seconds - sequences.seconds.min(initial=np.iinfo(np.int64).max)
    # Each customer has a stretch of time of their own, too far from the next one's for a horizon to reach.
    stretch = int(since_first.max(initial=0)) + horizon + 1
    owner = np.repeat(np.arange(sequences.num_customers), sequences.lengths)
    moments = owner * stretch + since_first
    return (
        np.searchsorted(moments, moments, side="right"),
        np.searchsorted(moments, moments + horizon, side="right"),
    )


def first_taken(sequences: Sequences) -> NDArray[np.int64]:
    """Where actions are in which a customer takes a product for the first time, ascending."""
    owner = np.repeat(np.arange(sequences.num_customers), sequences.lengths)
    pairs = owner * (int(sequences.product.max(initial=0)) + 1) + sequences.product
    firsts = np.sort(np.unique(pairs, return_index=True)[1])
    return np.asarray(firsts[sequences.product[firsts] > 0])


def draw_later(
    sequences: Sequences, horizon_days: float, random: np.random.Generator, *, only_new: bool = False
) -> NDArray[np.int64]:
    """(E,) where one of each action's later actions within the horizon is, drawn evenly; −1: none.

    `only_new`: of those in which the customer takes a product for the first time.
    """
    begins, ends = later_actions(sequences, horizon_days)
    some = first_taken(sequences) if only_new else np.arange(sequences.num_actions)
    begins, ends = np.searchsorted(some, begins), np.searchsorted(some, ends)
    drawn = begins + (random.random(len(begins)) * (ends - begins)).astype(np.int64)
    return (
        np.where(ends > begins, some[np.minimum(drawn, len(some) - 1)], -1)
        if len(some)
        else np.full(len(begins), -1)
    )
