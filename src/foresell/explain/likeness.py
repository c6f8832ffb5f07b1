"""How unlike two customers are in their features, whatever the features' units.

Source: Gower, Biometrics 27, 1971: of each feature the difference over its range, 1 for another category;
their mean. The range is that of the middle 90%, so that one rich customer does not make all others alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.features.feature import Feature

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """`ranges`: of each feature; of a category 0."""

    described: tuple[Feature, ...]
    ranges: tuple[float, ...]

    @classmethod
    def learn(cls, observed: pl.DataFrame, described: Sequence[Feature]) -> "Likeness":
        return cls(tuple(described), tuple(_range(observed[feature.name], feature) for feature in described))

    def by_feature(self, first: pl.DataFrame, second: pl.DataFrame) -> Floats:
        """(F, m, n) from 0, the same, to 1, as far apart as can be. Unknown is like unknown alone."""
        found = np.empty((len(self.described), first.height, second.height))
        for place, (feature, width) in enumerate(zip(self.described, self.ranges, strict=True)):
            a, b = _numbers(first[feature.name], second[feature.name], feature)
            apart = np.abs(a[:, None] - b[None, :])
            is_far = (apart > 0).astype(np.float64)
            apart = np.minimum(apart / width, 1.0) if width > 0 else is_far
            is_unknown = np.isnan(a)[:, None], np.isnan(b)[None, :]
            found[place] = np.where(
                is_unknown[0] | is_unknown[1], (is_unknown[0] ^ is_unknown[1]).astype(np.float64), apart
            )
        return found

    def distances(self, first: pl.DataFrame, second: pl.DataFrame) -> Floats:
        """(m, n) the mean over features; 0 where there are none."""
        if not self.described:
            return np.zeros((first.height, second.height))
        total = np.zeros((first.height, second.height))
        for feature, width in zip(self.described, self.ranges, strict=True):
            total += Likeness((feature,), (width,)).by_feature(first, second)[0]
        return total / len(self.described)

    def only(self, names: Sequence[str]) -> "Likeness":
        kept = [place for place, feature in enumerate(self.described) if feature.name in set(names)]
        return Likeness(tuple(self.described[i] for i in kept), tuple(self.ranges[i] for i in kept))


def _range(values: pl.Series, feature: Feature) -> float:
    known = values.drop_nulls()
    if feature.kind == "category" or known.is_empty():
        return 0.0
    low, high = np.nanquantile(known.cast(pl.Float64).to_numpy(), [0.05, 0.95])
    return float(high - low)


def _numbers(first: pl.Series, second: pl.Series, feature: Feature) -> tuple[Floats, Floats]:
    """Values as numbers, NaN where unknown; categories as numbers that are equal where they are."""
    both = pl.concat([first.cast(second.dtype), second])
    if feature.kind == "category":
        both = both.rank("dense")
    numbers = both.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return numbers[: len(first)], numbers[len(first) :]
