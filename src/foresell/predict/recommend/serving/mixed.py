"""Opinions made of others: one before another, and the mean of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from foresell.predict.recommend.index import MOST_EXACT
from foresell.predict.recommend.opinions import Allowed, Doubles, Opinions, Sparse, is_among
from foresell.predict.recommend.rank import Ints

# Where products are too many to ask every member of a segment about each, so many of each one's best.
NUM_OF_MEMBER = 200


@dataclass(frozen=True, eq=False)
class FirstThen(Opinions):
    """Every product of which `first` has an opinion before all others; both as shares of their highest,
    whatever may be shown. `everything`: allows all products."""

    first: Sparse
    then: Opinions
    everything: Allowed

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        then = np.minimum(self.then.logs_at(row, positions) - self.highest_B[row], 0.0)
        values = self.first.row(row)[1]
        if not len(values):
            return np.asarray(then)
        of_first = np.exp(self.first.logs_at(row, positions) - np.log(values.max(), dtype=np.float64))
        return np.asarray(np.where(of_first > 0, np.log1p(of_first), then))

    @cached_property
    def highest_B(self) -> Doubles:  # noqa: N802
        """Of `then`; 0 where it has no opinion."""
        rows = range(self.first.matrix.shape[0])
        found = self.then.best(rows, 1, self.everything, [np.empty(0, np.int64)] * len(rows))
        highest = [
            float(self.then.logs_at(row, some).max(initial=-np.inf))
            for row, some in zip(rows, found, strict=True)
        ]
        return np.where(np.isfinite(highest), highest, 0.0)

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        found = self.then.best(rows, number, allowed, barred)
        both = []
        for row, some, not_these in zip(rows, found, barred, strict=True):
            first = self.first.row(row)[0].astype(np.int64)
            first = first[allowed.may_P[first] & ~is_among(first, not_these)]
            both.append(np.union1d(some, first))
        return both


def mean_of(opinions: Opinions, number: int, everything: Allowed) -> Sparse:
    """One row: the mean of `number` customers' opinions, each scaled to a sum of 1 over the products looked
    at: all of them, or where these are more than MOST_EXACT each customer's best."""
    size = len(everything.may_P)
    positions, rows = np.arange(size), range(number)
    if size > MOST_EXACT and number:
        nobody = [np.empty(0, np.int64)] * number
        positions = np.unique(np.concatenate(opinions.best(rows, NUM_OF_MEMBER, everything, nobody)))
    sums = np.zeros(len(positions))
    for row in rows:
        logs = opinions.logs_at(row, positions)
        highest = float(logs.max(initial=-np.inf))
        if highest > -np.inf:
            shares = np.exp(logs - highest)
            sums += shares / shares.sum()
    cells = (sums / max(number, 1)).astype(np.float32), positions, np.array([0, len(positions)])
    return Sparse(sparse.csr_array(cells, shape=(1, size)))
