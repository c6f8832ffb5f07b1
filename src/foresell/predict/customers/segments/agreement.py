"""How alike two ways to divide the same customers are.

Source: Hubert and Arabie, Comparing partitions, Journal of Classification 2, 1985.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresell.contracts.errors import InputError

Labels = Sequence[Any] | NDArray[Any]


def adjusted_rand(one: Labels, other: Labels) -> float:
    """1: the same groups, whatever they are called; 0: as alike as by chance; below 0: less than that.

    Both name a group for each customer, in one order. Two divisions that both have a single group, or both a
    group for everyone, are the same. Raises InputError where the lengths differ or there are no customers.
    """
    if len(one) != len(other) or not len(one):
        raise InputError(
            "Two divisions must be of the same customers", received=f"{len(one)} and {len(other)} customers"
        )
    table = contingency(one, other)
    together = _pairs(table).sum()
    rows, columns = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    everyone = _pairs(np.array([len(one)], np.float64)).sum()
    expected = rows * columns / everyone if everyone else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def contingency(one: Labels, other: Labels) -> NDArray[np.float64]:
    """How many are in each group of the one (rows, sorted by name) and of the other (columns)."""
    _, rows = np.unique(np.asarray(one), return_inverse=True)
    _, columns = np.unique(np.asarray(other), return_inverse=True)
    table = np.zeros((int(rows.max()) + 1, int(columns.max()) + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def _pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts * (counts - 1) / 2
