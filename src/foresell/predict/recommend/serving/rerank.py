"""The order in which good candidates are shown: not all alike, not all well known, in the customer's own mix.

    gain = score + novelty · bits − diversity · likeness to the most alike before it − calibration · distance
           of the categories so far from the customer's own

Sources: Carbonell and Goldstein, The use of MMR, SIGIR 1998; Steck, Calibrated recommendations, RecSys 2018
(Kullback-Leibler divergence, the shown mix smoothed by SMOOTHING of the customer's); Zhou et al., PNAS 2010
(novelty in bits).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.contracts.errors import InputError

SMOOTHING = 0.01
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reranking:
    """What each counts against a score in (0, 1]; all 0: the order of scores."""

    diversity: float = 0.0
    novelty: float = 0.0
    calibration: float = 0.0

    def __post_init__(self) -> None:
        if min(self.diversity, self.novelty, self.calibration) < 0:
            raise InputError("A weight of reranking is below 0", received=self, do="Give 0 or more.")

    @property
    def changes_nothing(self) -> bool:
        return not (self.diversity or self.novelty or self.calibration)


@dataclass(frozen=True, slots=True, eq=False)
class Shortlist:
    """N candidates, best first. `likeness_NN` in [0, 1]; `novelty_N` in [0, 1]; `category_N`: −1 unknown;
    `wanted_C`: the shares of the customer's categories, whose sum is 1, or 0 where none is known."""

    scores_N: Doubles
    likeness_NN: Doubles
    novelty_N: Doubles
    category_N: Ints
    wanted_C: Doubles


def rerank(found: Shortlist, how: Reranking, k: int) -> Ints:
    """(N,) an order of the candidates: the k that gain most, one after another, then the rest as it was.
    Equal gains: the better score, then the earlier."""
    number = len(found.scores_N)
    if how.changes_nothing or number < 2:
        return np.arange(number)
    base = found.scores_N + how.novelty * found.novelty_N
    nearest, left = np.zeros(number), np.ones(number, dtype=np.bool_)
    counts, order = np.zeros(len(found.wanted_C)), []
    for _ in range(min(k, number)):
        gain = base - how.diversity * nearest
        if how.calibration:
            gain = gain - how.calibration * _distances(counts, found)
        best = int(np.argmax(np.where(left, gain, -np.inf)))
        order.append(best)
        left[best] = False
        nearest = np.maximum(nearest, found.likeness_NN[best])
        if found.category_N[best] >= 0:
            counts[found.category_N[best]] += 1
    return np.concatenate([np.asarray(order, dtype=np.int64), np.flatnonzero(left)])


def _distances(counts_C: Doubles, found: Shortlist) -> Doubles:
    """(N,) the distance of the mix from the wanted one if the candidate came next."""
    wanted = found.wanted_C
    if not wanted.any():
        return np.zeros(len(found.category_N))
    total = counts_C.sum() + 1
    without, with_one = counts_C / total, (counts_C + 1) / total
    each_without, each_with = _divergence(wanted, without), _divergence(wanted, with_one)
    everything = each_without.sum()
    of_category = everything - each_without + each_with
    return np.asarray(
        np.where(found.category_N >= 0, of_category[np.maximum(found.category_N, 0)], everything)
    )


def _divergence(wanted_C: Doubles, shown_C: Doubles) -> Doubles:
    """The terms of KL(wanted ‖ smoothed shown)."""
    smoothed = (1 - SMOOTHING) * shown_C + SMOOTHING * wanted_C
    ratio = np.divide(wanted_C, smoothed, out=np.ones_like(wanted_C), where=wanted_C > 0)
    return np.asarray(wanted_C * np.log(ratio))
