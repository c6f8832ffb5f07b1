"""How sure a difference is that was measured on pairs, such as two lives of the same simulated customers.

Source: Law, Simulation Modeling and Analysis, 2015, section 10.2 (paired t, Welch) and 11.2 (common random
numbers).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from foresell.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Means of both, second less first with its interval over pairs, and how many times wider the interval
    would be if the pairs were not known (None where both intervals are points)."""

    first: float
    second: float
    difference: Interval
    times_narrower: float | None


def paired_difference(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> PairedDifference:
    """`first` and `second`: (n,) values of the same n units, n ≥ 2. Student's t with n − 1 degrees of
    freedom; the unpaired interval is Welch's. ValueError for fewer, or for different numbers."""
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    number = len(before)
    if number < 2 or before.shape != after.shape:
        raise ValueError("two values at least, as many of one as of the other")
    tail = (1 + level) / 2
    change = after - before
    half = float(stdtrit(number - 1, tail)) * float(change.std(ddof=1)) / number**0.5
    unpaired = _welch_half(before, after, tail)
    middle = float(change.mean())
    return PairedDifference(
        first=float(before.mean()),
        second=float(after.mean()),
        difference=Interval(middle, middle - half, middle + half),
        times_narrower=unpaired / half if half > 0 else None,
    )


def _welch_half(before: np.ndarray, after: np.ndarray, tail: float) -> float:
    number = len(before)
    of_means = np.array([before.var(ddof=1), after.var(ddof=1)]) / number
    together = float(of_means.sum())
    if together == 0:
        return 0.0
    freedom = (number - 1) / float(((of_means / together) ** 2).sum())
    return float(stdtrit(freedom, tail) * np.sqrt(together))
