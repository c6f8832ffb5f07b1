"""For each product, the few others that it leads to: the sparse matrix under `transition` and `item_knn`."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.rank import Floats, Ints

# Products multiplied out at once: about 16 bytes each.
CELLS_AT_ONCE = 12_000_000

# Strengths of a block's cells, from their sums, rows and columns.
Strength = Callable[[Floats, Ints, Ints], Floats]


@dataclass(frozen=True)
class Neighbors:
    """`matrix`: products × products (CSR, float32); cell (i, j) is how strongly i leads to j, above 0."""

    matrix: Any
    reason_code: str

    def to_table(self, catalog: Catalog) -> pl.DataFrame:
        cells = self.matrix.tocoo()
        return pl.DataFrame(
            {
                "product_id": catalog.product_ids.gather(cells.row),
                "neighbor_id": catalog.product_ids.gather(cells.col),
                "strength": cells.data,
            }
        )

    @classmethod
    def from_table(cls, rows: pl.DataFrame, catalog: Catalog, reason_code: str) -> "Neighbors":
        left = catalog.with_positions(rows.select("product_id"))["product"].to_numpy()
        right = catalog.with_positions(rows.select(product_id="neighbor_id"))["product"].to_numpy()
        shape = (catalog.size, catalog.size)
        return cls(sparse.csr_array((rows["strength"].to_numpy(), (left, right)), shape=shape), reason_code)

    def score(self, profiles: Any) -> Floats:
        """Each product's sum over the profile of value × strength."""
        scores: Floats = (profiles @ self.matrix).toarray()
        return scores

    def explain(self, profiles: Any, products: Ints) -> tuple[NDArray[np.str_], Ints]:
        """The product of each row's profile that added most to its score; ties to the first product_id."""
        leading_to = self._transposed[products]
        parts = sparse.csr_array(profiles.multiply(leading_to))
        parts.sum_duplicates()
        because = argmax_of_rows(parts)
        codes = np.where(because == products, "buy_again", self.reason_code)
        return np.where(because < 0, "popular", codes), because

    @cached_property
    def _transposed(self) -> Any:
        return sparse.csr_array(self.matrix.T)


def argmax_of_rows(cells: Any) -> Ints:
    """The column of each row's largest cell (the first of equals); −1 for an empty row."""
    best = np.full(cells.shape[0], -1, dtype=np.int64)
    filled = np.diff(cells.indptr) > 0
    if not filled.any():
        return best
    starts = cells.indptr[:-1][filled]
    largest = np.maximum.reduceat(cells.data, starts)
    rows = np.repeat(np.flatnonzero(filled), np.diff(cells.indptr)[filled])
    is_largest = cells.data == np.repeat(largest, np.diff(cells.indptr)[filled])
    rows, columns = rows[is_largest], cells.indices[is_largest]
    first = np.unique(rows, return_index=True)[1]
    best[rows[first]] = columns[first]
    return best


def nearest(left: Any, right: Any, num_neighbors: int, strength: Strength) -> Any:
    """The `num_neighbors` strongest cells of each row of `strength(left @ right)`, as CSR.

    `left`: products × contexts, `right`: contexts × products, both CSR. Cells that are not above 0 are
    dropped; equal cells: the lower column wins. The product is made a block of rows at a time, one on each
    core.
    """
    if not left.shape[0]:
        return sparse.csr_array((0, right.shape[1]), dtype=np.float32)

    def strongest(rows: slice) -> Any:
        return _strongest(left[rows] @ right, rows, num_neighbors, strength)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        blocks = list(pool.map(strongest, _blocks(left, right)))
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def _blocks(left: Any, right: Any) -> Iterator[slice]:
    """Slices of rows whose products have at most CELLS_AT_ONCE terms (or a single row)."""
    terms = np.cumsum(left.astype(bool).astype(np.int64) @ np.diff(right.indptr))
    start = 0
    while start < left.shape[0]:
        done = terms[start - 1] if start else 0
        end = int(np.searchsorted(terms, done + CELLS_AT_ONCE, side="right"))
        yield slice(start, max(end, start + 1))
        start = max(end, start + 1)


def _strongest(block: Any, rows: slice, num_neighbors: int, strength: Strength) -> Any:
    counts = np.diff(block.indptr)
    row_of = np.repeat(np.arange(block.shape[0], dtype=np.int32), counts)
    values = strength(block.data, row_of + rows.start, block.indices).astype(np.float32)
    edges = np.zeros(block.shape[0], np.float32)
    for row in np.flatnonzero(counts > num_neighbors):
        own = values[block.indptr[row] : block.indptr[row + 1]]
        edges[row] = np.partition(own, len(own) - num_neighbors)[len(own) - num_neighbors]
    kept = (values > 0) & (values >= np.repeat(edges, counts))
    cells = values[kept], (row_of[kept], block.indices[kept])
    found = sparse.csr_array(cells, shape=block.shape)
    return _first_of_equals(found, edges, num_neighbors)


def _first_of_equals(found: Any, edges: Floats, most: int) -> Any:
    """At most `most` cells of each row: those above its edge, and of those at it the lowest columns."""
    found.sort_indices()
    counts = np.diff(found.indptr)
    if counts.max(initial=0) <= most:
        return found
    row_of = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    is_above = found.data > edges[row_of]
    room = most - np.bincount(row_of[is_above], minlength=len(counts))
    equals = np.concatenate([[0], np.cumsum(~is_above)])
    place = equals[1:] - equals[found.indptr[:-1]][row_of]
    kept = is_above | (place <= room[row_of])
    cells = found.data[kept], (row_of[kept], found.indices[kept])
    return sparse.csr_array(cells, shape=found.shape)
