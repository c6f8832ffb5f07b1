"""A model's opinions over what is sold now: products that it does not know are as those like them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from foresell.predict.recommend.opinions import (
    Allowed,
    Doubles,
    Flags,
    Opinions,
    Sparse,
    best_among,
    cells_of,
    is_among,
    logs_among,
    of_highest,
)
from foresell.predict.recommend.rank import Floats, Ints

# Of so many products the whole is worked out at once.
MOST_WORKED_OUT = 4_096


@dataclass(frozen=True, eq=False)
class Places:
    """Where P products on sale are in the model's catalog of M (−1: not there), and the other way round.
    `likeness`: (P, P) CSR, rows of the products that the model does not know: what each of those like it, all
    of them known, counts."""

    in_model_P: Ints
    on_sale_M: Ints
    likeness: Any

    @classmethod
    def of(cls, in_model_P: Ints, num_known: int, likeness: Any) -> "Places":
        on_sale = np.full(num_known, -1, np.int64)
        is_known = in_model_P >= 0
        on_sale[in_model_P[is_known]] = np.flatnonzero(is_known)
        return cls(in_model_P, on_sale, likeness)

    @cached_property
    def is_same(self) -> bool:
        """Whether the model knows exactly what is sold."""
        same = np.arange(len(self.on_sale_M))
        return len(self.in_model_P) == len(same) and bool((self.in_model_P == same).all())

    @cached_property
    def unknown(self) -> Ints:
        """Those that the model does not know, and of which something like them is known; ascending."""
        return np.flatnonzero(np.diff(self.likeness.indptr) > 0)

    @cached_property
    def transposed(self) -> Any:
        return sparse.csr_array(self.likeness.T)

    @cached_property
    def heaviest(self) -> float:
        """The most that a product's likenesses sum to."""
        return float(self.likeness.sum(axis=1).max()) if self.likeness.nnz else 0.0


def on_sale(opinions: Opinions, places: Places) -> Opinions:
    """Opinions over the model's catalog as opinions over what is sold."""
    if places.is_same:
        return opinions
    if isinstance(opinions, Sparse):
        return SparseOnSale(opinions, places) if len(places.unknown) else _known_only(opinions, places)
    return OnSale(opinions, places)


def _known_only(opinions: Sparse, places: Places) -> Sparse:
    matrix = opinions.matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    there = places.on_sale_M[matrix.indices]
    kept = (there >= 0) & (matrix.data > 0)
    starts = np.searchsorted(rows[kept], np.arange(matrix.shape[0] + 1))
    shape = (matrix.shape[0], len(places.in_model_P))
    return Sparse(sparse.csr_array((matrix.data[kept], there[kept], starts), shape=shape))


@dataclass(frozen=True, eq=False)
class SparseOnSale(Opinions):
    """Few of the products that the model does not know come near the best; only of those it is worked out
    what follows for them."""

    opinions: Sparse
    places: Places

    _rows: dict[int, tuple[Ints, Floats]] = field(default_factory=dict, repr=False)

    def known(self, row: int) -> tuple[Ints, Floats]:
        """Positions, ascending, of products that the model knows, and values above 0."""
        found = self._rows.get(row)
        if found is None:
            in_model, values = self.opinions.row(row)
            positions = self.places.on_sale_M[in_model]
            is_sold = positions >= 0
            found = (positions, values) if is_sold.all() else (positions[is_sold], values[is_sold])
            self._rows[row] = found
        return found

    @cached_property
    def whole(self) -> Sparse:
        matrix = _known_only(self.opinions, self.places).matrix
        return Sparse(_with_unknown(matrix.indices, matrix.data, matrix.indptr, self.places.transposed))

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        if len(positions) > MOST_WORKED_OUT:
            return self.whole.logs_at(row, positions)
        found = logs_among(*self.known(row), positions)
        unknown = np.flatnonzero(self.places.in_model_P[positions] < 0)
        if len(unknown):
            found[unknown] = self._of_unknown(row, positions[unknown])
        return found

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        return [
            self._best(row, number, allowed, not_these) for row, not_these in zip(rows, barred, strict=True)
        ]

    def _best(self, row: int, number: int, allowed: Allowed, barred: Ints) -> Ints:
        known, logs = best_among(*self.known(row), number, allowed, barred)
        if len(known) < number:
            return self.whole.best([row], number, allowed, [barred])[0]
        # None of those found is below the last that is wanted.
        least = float(logs.min())
        unknown = self._near(row, least - allowed.highest_weight)
        unknown = unknown[allowed.may_P[unknown] & ~is_among(unknown, barred)]
        reached = allowed.weighed(self._of_unknown(row, unknown), unknown) >= least
        return np.concatenate([known, unknown[reached]])

    def _near(self, row: int, least: float) -> Ints:
        """Unknown products whose opinion may be as high as `least`: what each is like counts at most
        `heaviest` in all, so one of them is that much higher."""
        positions, values = self.known(row)
        # A little less, for what sums of rounded numbers lose.
        needed = (1 - 1e-5) * np.exp(least) / max(self.places.heaviest, 1e-30)
        cells, _ = cells_of(self.places.transposed, positions[values >= needed])
        return np.unique(self.places.transposed.indices[cells]).astype(np.int64)

    def _of_unknown(self, row: int, positions: Ints) -> Doubles:
        likeness = self.places.likeness
        cells, lengths = cells_of(likeness, positions)
        like, (known, values) = likeness.indices[cells], self.known(row)
        sums = np.zeros(len(positions), values.dtype)
        if len(known) and len(cells):
            places = np.minimum(known.searchsorted(like), len(known) - 1)
            parts = np.where(known[places] == like, values[places], 0) * likeness.data[cells]
            of = np.repeat(np.arange(len(positions)), lengths)
            sums = np.bincount(of, parts, minlength=len(positions)).astype(values.dtype)
        with np.errstate(divide="ignore"):
            return np.log(sums, dtype=np.float64)


def _with_unknown(positions: Ints, values: Doubles, starts: Ints, likeness: Any) -> Any:
    """Rows of opinions, and behind them what follows from them of the products that the model does not know.

    As `rows + rows @ likeness`, which takes memory for every product in each of its steps.
    """
    parts: list[tuple[Ints, Doubles]] = []
    for first, last in pairwise(starts):
        own, weights = positions[first:last], values[first:last]
        begins = likeness.indptr[own]
        lengths = likeness.indptr[own + 1] - begins
        offsets = np.cumsum(lengths) - lengths
        cells = np.repeat(begins - offsets, lengths) + np.arange(int(lengths.sum()))
        follows = np.repeat(weights, lengths) * likeness.data[cells]
        unknown, which = np.unique(likeness.indices[cells], return_inverse=True)
        sums = np.bincount(which, follows, minlength=len(unknown)).astype(values.dtype)
        columns = np.concatenate([own, unknown])
        # As `Sparse` wants them; its own way to sort takes several times as long.
        order = np.argsort(columns)
        parts.append((columns[order], np.concatenate([weights, sums])[order]))
    ends = np.cumsum([0, *(len(own) for own, _ in parts)])
    every, of_all = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    return sparse.csr_array((of_all, every, ends), shape=(len(parts), likeness.shape[1]))


@dataclass(frozen=True, eq=False)
class OnSale(Opinions):
    opinions: Opinions
    places: Places

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        found = np.full(len(positions), -np.inf)
        in_model = self.places.in_model_P[positions]
        known = np.flatnonzero(in_model >= 0)
        found[known] = self.opinions.logs_at(row, in_model[known])
        unknown = np.flatnonzero(in_model < 0)
        if len(unknown):
            found[unknown] = self._of_unknown(row, positions[unknown])
        return found

    def _of_unknown(self, row: int, positions: Ints) -> Doubles:
        """The mean of the opinions of those like each, by likeness."""
        likeness = self.places.likeness[positions]
        used, which = np.unique(likeness.indices, return_inverse=True)
        logs = self.opinions.logs_at(row, self.places.in_model_P[used])
        highest = float(logs.max(initial=-np.inf))
        if highest == -np.inf:
            return np.full(len(positions), -np.inf)
        parts = np.exp(logs - highest)[which] * likeness.data
        of = np.repeat(np.arange(len(positions)), np.diff(likeness.indptr))
        sums = np.bincount(of, parts, minlength=len(positions))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(sums) + highest)

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        there = allowed.over(self.places.in_model_P, len(self.places.on_sale_M))
        not_these = [_known(self.places.in_model_P[some]) for some in barred]
        found = self.opinions.best(rows, number, there, not_these)
        return [
            np.concatenate([self.places.on_sale_M[known], self._best_unknown(row, number, allowed, some)])
            for row, known, some in zip(rows, found, barred, strict=True)
        ]

    def _best_unknown(self, row: int, number: int, allowed: Allowed, barred: Ints) -> Ints:
        unknown = self.places.unknown
        unknown = unknown[allowed.may_P[unknown]]
        unknown = unknown[~is_among(unknown, barred)]
        logs = allowed.weighed(self.logs_at(row, unknown), unknown)
        is_one: Flags = logs > -np.inf
        return np.asarray(unknown[is_one][of_highest(logs[is_one], number)])


def _known(positions: Ints) -> Ints:
    return positions[positions >= 0]
