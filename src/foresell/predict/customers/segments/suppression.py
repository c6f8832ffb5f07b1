"""Counts that tell nothing of few people: small ones are hidden, and enough others that none can be told
back.

Of a table that is published with its totals, a cell that is hidden alone in its row is the total less the
rest. So cells are hidden until every hidden one is left open by all sums together, and no sum of hidden cells
is small (complementary suppression: Cox, Journal of the American Statistical Association 75, 1980).
"""

import numpy as np
from numpy.typing import NDArray

from foresell.contracts.errors import InputError

LEAST_PEOPLE = 10
Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]
TOLERANCE = 1e-9


def hidden_cells(counts: Counts, k: int = LEAST_PEOPLE) -> Mask:
    """Which cells of a table (R, C) of counts must be hidden where its row, column and grand totals are
    known.

    Hidden are counts from 1 to k − 1 (a 0 tells of nobody), and then those that help most, the smallest first
    (ties: by row and column), as many as it takes that no hidden cell follows from the totals and no row or
    column hides fewer than k people together. A table of fewer than k people is hidden whole. Raises
    InputError for counts below 0 and k below 2.
    """
    if k < 2 or (counts < 0).any():
        raise InputError("Counts must not be negative, and k at least 2", received=f"k = {k}")
    if counts.sum() < k:
        return np.ones_like(counts, np.bool_)
    hidden: Mask = (counts > 0) & (counts < k)
    while hidden.any() and not hidden.all():
        needed = _needed(counts, hidden, k)
        if not needed.any():
            break
        # A row whose other cells are all 0 can only be hidden with its zeros.
        wanted = needed * ~hidden
        if (some := wanted * (counts > 0)).any():
            wanted = some
        elif not wanted.any():
            wanted = (~hidden).astype(np.int64)
        sizes = np.where(wanted == wanted.max(), counts, np.iinfo(np.int64).max)
        hidden[np.unravel_index(int(sizes.argmin()), sizes.shape)] = True
    return hidden


def _needed(counts: Counts, hidden: Mask, k: int) -> Counts:
    """How much it would help to hide each cell: 1 for its row and 1 for its column where something is hidden
    alone, or is small together; without such a line, 1 for those in which something can be told back."""
    covered = np.where(hidden, counts, 0)
    short = [
        (hidden.sum(axis=axis) == 1) | ((covered.sum(axis=axis) > 0) & (covered.sum(axis=axis) < k))
        for axis in (1, 0)
    ]
    if not any(one.any() for one in short):
        told = _told_back(hidden)
        short = [told.any(axis=1), told.any(axis=0)]
    rows, columns = (one.astype(np.int64) for one in short)
    return np.asarray(rows[:, None] + columns)


def _told_back(hidden: Mask) -> Mask:
    """The hidden cells that the sums over rows and columns determine: those that are 0 in all directions in
    which hidden cells may move without changing a sum."""
    places = np.argwhere(hidden)
    told = np.zeros_like(hidden)
    if not len(places):
        return told
    num_rows, num_columns = hidden.shape
    sums = np.zeros((num_rows + num_columns, len(places)))
    sums[places[:, 0], np.arange(len(places))] = 1
    sums[num_rows + places[:, 1], np.arange(len(places))] = 1
    _, values, directions = np.linalg.svd(sums, full_matrices=True)
    rank = int((values > TOLERANCE).sum())
    free = np.abs(directions[rank:]).max(axis=0, initial=0.0) > TOLERANCE
    told[tuple(places.T)] = ~free
    return told
