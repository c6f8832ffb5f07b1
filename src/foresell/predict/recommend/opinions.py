"""What a model thinks of products for some customers, asked of few products at a time.

A number is the logarithm of how much a product suits; −inf: no opinion. Only differences within a customer
mean anything.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from foresell.predict.recommend.rank import Floats, Ints

Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Allowed:
    """What may be found, of P products. `may_P`; `log_weight_P`: what counts for a product beside the
    opinion, finite where it may be found; None: nothing does. Shared by customers: never write to it."""

    may_P: Flags
    log_weight_P: Doubles | None = None
    _elsewhere: dict[int, "tuple[Ints, Allowed]"] = field(default_factory=dict, repr=False)

    @cached_property
    def raised(self) -> Ints:
        """Those that weigh more than 1."""
        if self.log_weight_P is None:
            return np.empty(0, np.int64)
        return np.flatnonzero(self.may_P & (self.log_weight_P > 0))

    @cached_property
    def highest_weight(self) -> float:
        """The most that counts for any product, at least 0, as a logarithm."""
        return 0.0 if self.log_weight_P is None else float(self.log_weight_P[self.raised].max(initial=0.0))

    def weighed(self, logs: Doubles, positions: Ints) -> Doubles:
        return logs if self.log_weight_P is None else logs + self.log_weight_P[positions]

    def over(self, positions: Ints, number: int) -> "Allowed":
        """The same over another catalog of `number` products: `positions` in it of this one's products, −1
        of what it lacks. Made once."""
        kept = self._elsewhere.get(id(positions))
        if kept is None or kept[0] is not positions:
            there = np.flatnonzero(positions >= 0)
            may = np.zeros(number, dtype=np.bool_)
            may[positions[there]] = self.may_P[there]
            weights = None
            if self.log_weight_P is not None:
                weights = np.zeros(number)
                weights[positions[there]] = self.log_weight_P[there]
            kept = positions, Allowed(may, weights)
            self._elsewhere[id(positions)] = kept
        return kept[1]


class Opinions(ABC):
    """Of B customers, rows from 0."""

    @abstractmethod
    def logs_at(self, row: int, positions: Ints) -> Doubles:
        """The logarithms of one customer's opinions of some products."""

    @abstractmethod
    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        """For each of the rows some positions, distinct, in any order, all of products that are allowed, not
        among the row's `barred` (ascending, few) and with an opinion: the `number` best by opinion and weight
        are among them, or all where there are fewer."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What is read of a CSR matrix whose rows ascend, without what making one of scipy's takes."""

    data: NDArray[Any]
    indices: Ints
    indptr: Ints
    shape: tuple[int, int]

    def sort_indices(self) -> None:
        """They are sorted."""

    def as_matrix(self) -> Any:
        return sparse.csr_array((self.data, self.indices, self.indptr), shape=self.shape)


@dataclass(frozen=True, eq=False)
class Sparse(Opinions):
    """`matrix`: (B, P) CSR or `Cells`, how much each product suits; what is not stored or not above 0 is no
    opinion."""

    matrix: Any

    def __post_init__(self) -> None:
        self.matrix.sort_indices()

    @classmethod
    def of_all(cls, scores_BP: Floats) -> "Sparse":
        """From scores of every product."""
        rows, columns = np.nonzero(scores_BP > 0)
        starts = np.searchsorted(rows, np.arange(len(scores_BP) + 1))
        cells = scores_BP[rows, columns], columns, starts
        return cls(sparse.csr_array(cells, shape=scores_BP.shape))

    def row(self, row: int) -> tuple[Ints, Floats]:
        """Positions, ascending, and values above 0."""
        first, last = self.matrix.indptr[row], self.matrix.indptr[row + 1]
        positions, values = self.matrix.indices[first:last], self.matrix.data[first:last]
        is_one = values > 0
        return (positions, values) if is_one.all() else (positions[is_one], values[is_one])

    def logs_at(self, row: int, positions: Ints) -> Doubles:
        return logs_among(*self.row(row), positions)

    def best(
        self, rows: Sequence[int], number: int, allowed: Allowed, barred: Sequence[Ints]
    ) -> Sequence[Ints]:
        return [
            best_among(*self.row(row), number, allowed, not_these)[0]
            for row, not_these in zip(rows, barred, strict=True)
        ]


def logs_among(known: Ints, values: Floats, positions: Ints) -> Doubles:
    """The logarithms of the values of some positions; −inf of those that are not `known`, which ascend."""
    found = np.full(len(positions), -np.inf)
    if len(known):
        places = np.minimum(known.searchsorted(positions), len(known) - 1)
        is_there = known[places] == positions
        found[is_there] = np.log(values[places[is_there]], dtype=np.float64)
    return found


def best_among(
    positions: Ints, values: Floats, number: int, allowed: Allowed, barred: Ints
) -> tuple[Ints, Doubles]:
    """Those with the highest values above 0, as `Opinions.best`, and their weighed logarithms."""
    kept = allowed.may_P[positions]
    if len(barred):
        kept &= ~is_among(positions, barred)
    positions, values = positions[kept], values[kept]
    logs = allowed.weighed(np.log(values, dtype=np.float64), positions)
    some = of_highest(logs, number)
    return positions[some].astype(np.int64), logs[some]


def of_highest(values: Doubles, number: int) -> Ints | slice:
    """Where the `number` highest values are, and all that equal the least of them; in their order."""
    if len(values) <= number:
        return slice(None)
    edge = np.partition(values, len(values) - number)[len(values) - number]
    return np.flatnonzero(values >= edge)


def is_among(positions: Ints, ascending: Ints) -> Flags:
    """Whether each position is one of some, which ascend."""
    if not len(ascending):
        return np.zeros(len(positions), dtype=np.bool_)
    places = np.minimum(ascending.searchsorted(positions), len(ascending) - 1)
    return np.asarray(ascending[places] == positions)


def cells_of(matrix: Any, rows: Ints) -> tuple[Ints, Ints]:
    """Where the cells of some rows of a CSR matrix are, one row after another, and how many each has."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[np.asarray(rows) + 1] - starts
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(int(lengths.sum())), lengths
