"""What rules say of all products for everybody of an age, and what is popular among them: made once for a
state of rules, not for each customer."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.opinions import Allowed, Flags
from foresell.predict.recommend.rank import Floats, Ints

Doubles = NDArray[np.float64]
# Filled products are looked for so many at a time at first.
LEAST_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Ground:
    """`allowed_P`: not forbidden to everybody; `factor_P` ≥ 0; `popularity_P` in (0, 1]."""

    allowed_P: Flags
    factor_P: Floats
    popularity_P: Floats

    @cached_property
    def searched(self) -> Allowed:
        """Where opinions are asked for: what has a factor of 0 stands last, whatever its opinion."""
        if (self.factor_P == 1).all():
            return Allowed(self.allowed_P)
        may = self.allowed_P & (self.factor_P > 0)
        logs = np.log(self.factor_P, out=np.zeros(len(may)), where=self.factor_P > 0)
        return Allowed(may, logs)

    def searched_among(self, among: Ints) -> Allowed:
        """Of these positions only."""
        may = np.zeros(len(self.allowed_P), dtype=np.bool_)
        may[among] = self.searched.may_P[among]
        return Allowed(may, self.searched.log_weight_P)

    def fill_keys(self, positions: Ints) -> tuple[Flags, Doubles]:
        """Of products of which nobody has an opinion: whether they stand last, and by what they are ordered
        (higher first)."""
        factor = self.factor_P[positions].astype(np.float64)
        is_last = np.asarray(factor == 0)
        popularity = self.popularity_P[positions].astype(np.float64)
        return is_last, np.asarray(popularity * np.where(is_last, 1.0, factor))

    @cached_property
    def fill_order(self) -> Ints:
        """What is allowed, in the order in which it fills up; equal ones by position."""
        positions = np.flatnonzero(self.allowed_P)
        is_last, keys = self.fill_keys(positions)
        return positions[np.lexsort((positions, -keys, is_last))]

    def fill(self, number: int, barred: Ints) -> Ints:
        """The first `number` of the order but for some."""
        order, size = self.fill_order, max(LEAST_CHUNK, 2 * (number + len(barred)))
        some = order[:size]
        kept = some[~np.isin(some, barred)]
        return np.asarray(kept[:number])

    def prepare(self) -> None:
        _ = self.searched.raised, self.fill_order
