"""Small counts as classes: the chance of 0, of 1, of 2, … told by one model, and the quantiles from them.

A forecast of chances needs no form of a distribution: many zeros, even packs and long tails are learned as
they are. Wide classes hold several counts, which share the class's chance as all series' counts do.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import LEVELS_ARRAY

EDGES = np.array([0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30])
# Counts are small where 99 of 100 are below.
SMALL = 50
# A class with a smaller share of the rows joins the one below it.
LEAST_SHARE = 0.002
# Chances below this are the trees' own noise.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Classes:
    """`counts` (V,) in order, `places` (V,) the class of each, `shares` (V,) its chance within the class."""

    counts: Floats
    places: NDArray[np.intp]
    shares: Floats

    @property
    def number(self) -> int:
        return int(self.places[-1]) + 1

    def labels(self, actuals: Floats) -> NDArray[np.intp]:
        """(n,) the class of each; one between two known counts is of the lower's."""
        found = np.searchsorted(self.counts, actuals, side="right") - 1
        return np.asarray(self.places[np.maximum(found, 0)], np.intp)

    def paths(self, chances: Floats) -> Floats:
        """(R, VALUES) of (R, number): the mean, and of each level the least count that is not exceeded with
        that probability."""
        each = chances[:, self.places] * self.shares
        each = each / each.sum(axis=1, keepdims=True)
        means = each @ self.counts
        sums = np.cumsum(each, axis=1)
        places = np.stack([(sums < level - ROUNDING).sum(axis=1) for level in LEVELS_ARRAY], axis=1)
        quantiles = self.counts[np.minimum(places, len(self.counts) - 1)]
        return np.concatenate([means[:, None], quantiles], axis=1)

    def to_table(self) -> pl.DataFrame:
        return pl.DataFrame({"number": self.counts, "place": self.places, "share": self.shares})

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> "Classes":
        return cls(
            table["number"].to_numpy(),
            table["place"].to_numpy().astype(np.intp),
            table["share"].to_numpy(),
        )


def are_small_counts(grid: Grid) -> bool:
    """Whether the panel is of whole numbers, none below 0, 99 of 100 of them below SMALL."""
    known = grid.values[~np.isnan(grid.values)]
    if not grid.is_count or not len(known) or (known < 0).any() or (known % 1 != 0).any():
        return False
    return bool(np.quantile(known, 0.99) < SMALL)


def classes_of(actuals: Floats) -> Classes:
    """From the counts (n,) that are learned from."""
    counts, sizes = np.unique(actuals, return_counts=True)
    place = np.searchsorted(EDGES, counts, side="right") - 1
    shares = np.bincount(place, weights=sizes, minlength=len(EDGES)) / sizes.sum()
    joined = np.cumsum(np.concatenate([[0], (shares[1:] >= LEAST_SHARE).astype(np.intp)]))
    places = joined[place]
    # Classes that nothing fell into leave gaps in the numbering.
    places = np.unique(places, return_inverse=True)[1].astype(np.intp)
    total = np.bincount(places, weights=sizes)
    return Classes(counts.astype(np.float64), places, sizes / total[places])
