"""Which product of a history speaks for a recommendation: the one without which its chance falls most.

Source: Lei et al., Distribution-free predictive inference for regression, JASA 2018 (leave one covariate
out), taken to a history: the model itself is asked again, so a reason is what the model was moved by.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foresell.behavior.sequences import ARRAYS, Sequences
from foresell.predict.recommend.rank import Floats, Ints

# Of a customer's newest actions, the products that are tried; of older ones no shopper wants to hear.
NEWEST_TRIED = 10
LEAST_CHANCE = np.float32(1e-12)


@dataclass(frozen=True)
class Variants:
    """Histories of customers (rows 0 …, in that order), each first whole (removed 0), then without all of one
    product.

    sequences   of V variants
    owners      (V,) rows of the customers
    removed     (V,) indices of products
    """

    sequences: Sequences
    owners: Ints
    removed: Ints

    def between(self, first: int, last: int) -> "Variants":
        sequences = replace(self.sequences, offsets=self.sequences.offsets[first : last + 1])
        return Variants(sequences, self.owners[first:last], self.removed[first:last])


# Variants → (V, P) chances, 0 of what cannot be.
ChancesOfVariants = Callable[[Variants], Floats]


def variants(sequences: Sequences, customers: Ints, most_actions: int) -> Variants:
    """Of each customer (a row of `sequences`): the history itself, then one without each of the products of
    its NEWEST_TRIED last actions, the newest first. `most_actions`: the newest that the model can see."""
    owners, removed = [], []
    for row, customer in enumerate(customers):
        begin, end = sequences.offsets[customer], sequences.offsets[customer + 1]
        newest = sequences.product[max(begin, end - NEWEST_TRIED) : end][::-1]
        tried = [0, *dict.fromkeys(int(product) for product in newest if product)]
        owners += [row] * len(tried)
        removed += tried
    of, without = np.asarray(owners, np.int64), np.asarray(removed, np.int64)
    return Variants(_cut(sequences, customers[of], without, most_actions), of, without)


def _cut(sequences: Sequences, customers: Ints, removed: Ints, most_actions: int) -> Sequences:
    """Copies of the customers' newest actions, each without those with its removed product."""
    ends = sequences.offsets[customers + 1]
    begins = np.maximum(sequences.offsets[customers], ends - most_actions)
    lengths = ends - begins
    which = np.repeat(np.arange(len(customers)), lengths)
    actions = np.repeat(begins - np.cumsum(lengths) + lengths, lengths) + np.arange(int(lengths.sum()))
    kept = (sequences.product[actions] != removed[which]) | (removed[which] == 0)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(which[kept], minlength=len(customers)))])
    arrays: dict[str, Any] = {name: getattr(sequences, name)[actions[kept]] for name in ARRAYS}
    return Sequences(offsets.astype(np.int64), **arrays)


def named(found: Variants, rows: Ints, products: Ints, chances_of: ChancesOfVariants, at_once: int) -> Ints:
    """(R,) for each customer (a row of `found`) and product (a position): the position of the product without
    which its chance falls most (the newer of equals); −1 where it falls without none.

    `at_once`: variants that `chances_of` is given together.
    """
    order = np.argsort(rows, kind="stable")
    places = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])
    asked_CM = np.zeros((int(found.owners[-1]) + 1, int(places.max()) + 1), np.int64)
    asked_CM[rows[order], places] = products[order]
    pieces = [
        _log_chances(found.between(first, min(first + at_once, len(found.owners))), asked_CM, chances_of)
        for first in range(0, len(found.owners), at_once)
    ]
    log_chances_VM, starts = np.concatenate(pieces), np.flatnonzero(found.removed == 0)
    best_CM = largest_falls(log_chances_VM, starts)
    because = np.empty(len(rows), np.int64)
    because[order] = found.removed[best_CM[rows[order], places]] - 1
    return because


def largest_falls(log_chances: Floats, starts: Ints) -> Ints:
    """For each group of rows, the first of which is the whole history's, the row (of all) whose log chance
    falls most below that one's: the earlier of equals, so the first itself where none falls. (V,) or (V, M),
    groups beginning at `starts`, gives (C,) or (C, M)."""
    lengths = np.diff(starts, append=len(log_chances))
    falls = log_chances[starts].repeat(lengths, axis=0) - log_chances
    is_largest = falls == np.maximum.reduceat(falls, starts, axis=0).repeat(lengths, axis=0)
    numbers = np.arange(len(falls)).reshape(-1, *[1] * (falls.ndim - 1))
    found: Ints = np.minimum.reduceat(np.where(is_largest, numbers, len(falls)), starts, axis=0)
    return found


def _log_chances(some: Variants, asked_CM: Ints, chances_of: ChancesOfVariants) -> Floats:
    chances_VP = chances_of(some)
    found: Floats = np.take_along_axis(chances_VP, asked_CM[some.owners], axis=1)
    return np.log(np.maximum(found, LEAST_CHANCE))
