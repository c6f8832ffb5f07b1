"""How sure a share of rows is, and the difference of two, where people may have several rows.

Sources: Wilson, JASA 22, 1927 (interval of a share); Newcombe, Statistics in Medicine 17, 1998, method 10 (of
a difference); Korn and Graubard, Survey Methodology 24, 1998 (the effective number of rows, by the design
effect, in place of their number).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


@dataclass(frozen=True, slots=True)
class Rate:
    """`value`: the share; `rows`: how many independent rows would be as sure of it."""

    value: float
    rows: float

    @classmethod
    def of(cls, is_so: NDArray[np.float64], entities: NDArray[np.int64]) -> "Rate":
        """Of (n,) zeros and ones, n ≥ 1, and whose row each is."""
        number, value = len(is_so), float(is_so.mean())
        codes = np.unique(entities, return_inverse=True)[1]
        if value in (0.0, 1.0):
            # Rows that are all alike do not show how alike those of one person are: a person counts once.
            return cls(value, float(codes.max() + 1))
        by_person = np.bincount(codes, is_so - value)
        design_effect = float(by_person @ by_person) / (number * value * (1 - value))
        return cls(value, number / max(design_effect, 1.0))

    def interval(self, level: float) -> tuple[float, float]:
        z = float(ndtri((1 + level) / 2))
        middle = (self.value + z**2 / (2 * self.rows)) / (1 + z**2 / self.rows)
        spread = self.value * (1 - self.value) / self.rows + z**2 / (4 * self.rows**2)
        half = z / (1 + z**2 / self.rows) * spread**0.5
        return max(middle - half, 0.0), min(middle + half, 1.0)


def rate_gap(own: Rate, rest: Rate, level: float) -> tuple[float, float, float]:
    """own less rest, and the interval of that."""
    (low, high), (rest_low, rest_high) = own.interval(level), rest.interval(level)
    gap = own.value - rest.value
    down = float(np.hypot(own.value - low, rest_high - rest.value))
    up = float(np.hypot(high - own.value, rest.value - rest_low))
    return gap, gap - down, gap + up
