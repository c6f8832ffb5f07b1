"""Where ids stand among others."""

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


def places(ascending: pl.Series, wanted: pl.Series) -> "NDArray[np.int64]":
    """Where each wanted id (String) is among distinct ones that ascend by code point; −1: nowhere, or null.

    Each takes the logarithm of all: for few among many, where a join would read all of them.
    """
    if not len(ascending) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = ascending.search_sorted(wanted).clip(upper_bound=len(ascending) - 1)
    is_there = (ascending.gather(found) == wanted).fill_null(value=False)
    return np.where(is_there.to_numpy(), found.cast(pl.Int64).to_numpy(), -1)


def place(ascending: pl.Series, wanted: str) -> int:
    """As `places`, of one id: in microseconds, where a query of a frame takes longer than all else."""
    found = bisect_left(ascending, wanted)
    return found if found < len(ascending) and ascending[found] == wanted else -1
