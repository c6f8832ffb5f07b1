"""Opinions that follow from a customer's vector and the products': few products are looked at closely.

`Products`: the inner product itself is the opinion. `Foretold`: it is the logarithm of a chance, which counts
and habit may mix into (`steps`, `habit`).

The chances need a sum over all products. Where the index is exact it is taken whole; elsewhere, and for
reasons, from the best products and a sample of the others (Mussmann and Ermon, Learning and inference via
maximum inner product search, ICML 2016).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from foresell.predict.recommend.habit import Habit, Taken
from foresell.predict.recommend.index import VectorIndex
from foresell.predict.recommend.opinions import (
    Allowed,
    Doubles,
    Flags,
    Opinions,
    Sparse,
    is_among,
    of_highest,
)
from foresell.predict.recommend.rank import Floats, Ints

# Of so many products the best for sure, and of so many drawn from all, a sum is estimated.
NUM_BEST, NUM_SAMPLED, SEED = 300, 1_024, 7
# A customer who may not see more products than this is searched for alone, with a mask.
MOST_BARRED = 256
# How much farther is looked where weights and cells, or habit, disagree on what is near.
DEEPER = 8


@dataclass(frozen=True, eq=False)
class Products(Opinions):
    """Inner products above 0; others are no opinion."""

    index: VectorIndex
    vectors_BD: Floats

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        inner = self.index.inner(self.vectors_BD[row], positions).astype(np.float32)
        return np.log(inner, out=np.full(len(inner), -np.inf), where=inner > 0)

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        if allowed.log_weight_P is None:
            found = searched(self.index, self.vectors_BD[list(rows)], number, allowed, barred)
        else:
            found = [_of_all(self, row, number, allowed, one) for row, one in zip(rows, barred, strict=True)]
        return [some[self.logs_at(row, some) > -np.inf] for row, some in zip(rows, found, strict=True)]


@dataclass(frozen=True, eq=False)
class Counted:
    """What counts say: (B, P) CSR, each row's sum 1 or 0; `share`: how much they have to say."""

    chances: Sparse
    share: float

    def mixed(self, row: int, positions: Ints, logs: Doubles) -> Doubles:
        """Logs of chances with what the counts say, where they say anything of the customer."""
        if not len(self.chances.row(row)[0]):
            return logs
        of_counts = np.log(self.share) + self.chances.logs_at(row, positions)
        return np.asarray(np.logaddexp(np.log1p(-self.share) + logs, of_counts))


@dataclass(frozen=True, eq=False)
class Foretold(Opinions):
    """`is_told_B`: whether anything is known of the customer. `habit`: with what each customer has taken."""

    index: VectorIndex
    vectors_BD: Floats
    is_told_B: Flags
    counted: Counted | None = None
    habit: tuple[Habit, Taken] | None = None

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        """Of chances, where counts or habit need them; else they lack the same for all products."""
        if not self.is_told_B[row]:
            return np.full(len(positions), -np.inf)
        logs = self.index.inner(self.vectors_BD[row], positions)
        if self.counted is not None:
            logs = self.counted.mixed(row, positions, logs - self.log_sums_B[row])
        if self.habit is not None:
            normal = logs if self.counted is not None else logs - self.log_sums_B[row]
            habit, taken = self.habit
            logs = habit.log_chances(normal, positions, *taken.of(row))
        return logs

    @cached_property
    def log_sums_B(self) -> Doubles:  # noqa: N802
        if self.index.is_exact:
            return self.index.log_sums(self.vectors_BD)
        best_BK, _ = self.index.search(self.vectors_BD, NUM_BEST)
        sampled = Sampled.of(self.index)
        return np.array(
            [
                sampled.log_sums(query[None], best[best >= 0])[0]
                for query, best in zip(self.vectors_BD, best_BK, strict=True)
            ]
        )

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        if self.habit is not None and (allowed.log_weight_P is not None or not self.habit[0].rises):
            return [_of_all(self, row, number, allowed, one) for row, one in zip(rows, barred, strict=True)]
        told = [place for place, row in enumerate(rows) if self.is_told_B[row]]
        found: list[Ints] = [np.empty(0, np.int64)] * len(rows)
        # What was taken may stand where its vector puts it, or far below.
        taken = [len(self.habit[1].of(rows[place])[0]) for place in told] if self.habit else []
        near = searched(
            self.index,
            self.vectors_BD[[rows[place] for place in told]],
            number + max(taken, default=0),
            allowed,
            [barred[place] for place in told],
        )
        for place, some in zip(told, near, strict=True):
            found[place] = self._with_others(rows[place], some, allowed, barred[place])
        return found

    def _with_others(self, row: int, near: Ints, allowed: Allowed, barred: Ints) -> Ints:
        """And those that counts or habit know of: nothing else can be better than what is near."""
        others = []
        if self.counted is not None:
            others.append(self.counted.chances.row(row)[0])
        if self.habit is not None:
            others.append(self.habit[1].of(row)[0])
        if not others:
            return near
        also = np.unique(np.concatenate(others)).astype(np.int64)
        also = also[allowed.may_P[also] & ~is_among(also, barred)]
        return np.union1d(near, also)


@dataclass(frozen=True, eq=False)
class Sampled:
    """A sample of an index's products, the same each time."""

    index: VectorIndex
    positions: Ints
    vectors_SD: Floats

    @classmethod
    def of(cls, index: VectorIndex) -> "Sampled":
        positions = np.arange(index.size)
        if index.size > NUM_SAMPLED:
            random = np.random.default_rng(SEED)
            positions = np.sort(random.choice(index.size, NUM_SAMPLED, replace=False))
        return cls(index, positions, index.vectors(positions))

    def log_sums(self, queries_VD: Floats, best: Ints) -> Doubles:
        """(V,) the logarithm of the sum over all products of e to the inner product: of the best, and of the
        sampled of the others, each standing for as many as there are."""
        of_best = queries_VD @ self.index.vectors(best).T
        others = queries_VD @ self.vectors_SD.T
        is_best = is_among(self.positions, np.sort(best))
        others[:, is_best] = -np.inf
        if num_others := int(len(is_best) - is_best.sum()):
            others += np.float32(np.log((self.index.size - len(best)) / num_others))
        highest = np.maximum(of_best.max(axis=1, initial=-np.inf), others.max(axis=1))
        parts = (np.exp(some - highest[:, None]).sum(axis=1, dtype=np.float64) for some in (of_best, others))
        return np.asarray(highest + np.log(sum(parts)))


def searched(
    index: VectorIndex, queries_BD: Floats, number: int, allowed: Allowed, barred: Sequence[Ints]
) -> list[Ints]:
    """Each query's best by inner product and weight, as `Opinions.best` says."""
    found: list[Ints] = [np.empty(0, np.int64)] * len(barred)
    together = [row for row, some in enumerate(barred) if len(some) <= MOST_BARRED]
    if together:
        most = number + max(len(barred[row]) for row in together)
        best_BK = index.search(queries_BD[together], most, allowed.may_P, allowed.log_weight_P)[0]
        for row, best in zip(together, best_BK, strict=True):
            some = best[best >= 0]
            found[row] = some[~is_among(some, barred[row])] if len(barred[row]) else some
    for row, some in enumerate(barred):
        if len(some) > MOST_BARRED:
            mask = allowed.may_P.copy()
            mask[some] = False
            best = index.search(queries_BD[row], number, mask, allowed.log_weight_P)[0][0]
            found[row] = best[best >= 0]
    if index.is_exact or not len(allowed.raised):
        return found
    raised = allowed.raised[: DEEPER * number]
    return [np.union1d(some, raised[~is_among(raised, one)]) for some, one in zip(found, barred, strict=True)]


def _of_all(opinions: Opinions, row: int, number: int, allowed: Allowed, barred: Ints) -> Ints:
    positions = np.flatnonzero(allowed.may_P)
    positions = positions[~is_among(positions, barred)]
    logs = allowed.weighed(opinions.logs_at(row, positions), positions)
    return positions[logs > -np.inf][of_highest(logs[logs > -np.inf], number)]


def counted(scores: Any, positions: Ints, num_products: int, share: float) -> Counted:
    """From (B, G) CSR scores of a graph; `positions`: of its products in a catalog of P (−1: not there).
    Each row is scaled to a sum of 1."""
    from scipy import sparse

    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    there = positions[scores.indices]
    kept = (there >= 0) & (scores.data > 0)
    rows, there, values = rows[kept], there[kept], scores.data[kept]
    sums = np.bincount(rows, values, minlength=scores.shape[0])
    starts = np.searchsorted(rows, np.arange(scores.shape[0] + 1))
    cells = (values / sums[rows]).astype(np.float32), there, starts
    return Counted(Sparse(sparse.csr_array(cells, shape=(scores.shape[0], num_products))), share)
