"""Which actions training is judged by: the last moment of some customers, which it is never shown."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foresell.behavior.held_out import HeldOut
from foresell.behavior.sequences import ARRAYS, Sequences

HELD_OUT_SHARE = 0.1
MOST_HELD_OUT = 5_000

# Of one customer: where their actions begin, where the held-out ones do, the target, and their end.
Cut = tuple[int, int, int, int]


def hold_out(
    sequences: Sequences, *, repeats: bool = True, share: float = HELD_OUT_SHARE, most: int = MOST_HELD_OUT
) -> tuple[Sequences, HeldOut]:
    """The sequences less what is held out, and that: of a tenth of the customers the last moment in which
    they took a product, and whatever came after it.

    The customers are chosen by a hash of their ids, so always the same. Left out are those who did nothing
    before that moment and, without `repeats`, those who took nothing new in it. The target is the moment's
    first product (that of the smallest id). No array is copied: the held-out actions stay where they are,
    each as a sequence of one action, in which there is nothing to foretell; so `customer_ids` is gone.
    """
    if sequences.customer_ids is None:
        raise ValueError("the sequences do not say whose they are")
    candidates = np.flatnonzero(sequences.lengths >= 2)
    number = min(most, round(len(candidates) * share))
    hashes = sequences.customer_ids.hash(0).to_numpy()
    cuts: list[Cut] = []
    for customer in candidates[np.argsort(hashes[candidates], kind="stable")]:
        if len(cuts) == number:
            break
        if (cut := _cut(sequences, int(customer), repeats)) is not None:
            cuts.append(cut)
    alone = [np.arange(first, end) for _, first, _, end in cuts]
    offsets = np.unique(np.concatenate([sequences.offsets, *alone]).astype(np.int64))
    targets = np.array([sequences.product[target] for _, _, target, _ in cuts], np.int64)
    held_out = HeldOut(_histories(sequences, cuts), targets, repeats)
    return replace(sequences, offsets=offsets, customer_ids=None), held_out


def _cut(sequences: Sequences, customer: int, repeats: bool) -> Cut | None:
    begin, end = (int(place) for place in sequences.offsets[customer : customer + 2])
    products, seconds = sequences.product[begin:end], sequences.seconds[begin:end]
    taken: NDArray[np.int64] = np.flatnonzero(products)
    if not len(taken):
        return None
    first = int(np.searchsorted(seconds, seconds[taken[-1]]))
    wanted = taken[taken >= first]
    if not repeats:
        wanted = wanted[~np.isin(products[wanted], products[:first])]
    if first == 0 or not len(wanted):
        return None
    return begin, begin + first, begin + int(wanted[0]), end


def _histories(sequences: Sequences, cuts: list[Cut]) -> Sequences:
    parts = [np.arange(begin, first) for begin, first, _, _ in cuts]
    places = np.concatenate([np.zeros(0, np.int64), *parts])
    lengths = np.array([first - begin for begin, first, _, _ in cuts], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(offsets, **{name: getattr(sequences, name)[places] for name in ARRAYS})
