"""How sure a score is: percentile bootstrap intervals over users or series.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAMPLES = 1_000
# Draws held at once: 32 MB.
DRAWS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its interval; NaN where there was nothing to take it from."""

    value: float
    lower: float
    upper: float


def bootstrap_mean(values: ArrayLike, *, seed: int, level: float = 0.95) -> Interval:
    """The mean over units and its interval; NaN values are left out."""
    numbers = np.asarray(values, dtype=np.float64)
    return bootstrap_ratio(numbers, np.ones_like(numbers), seed=seed, level=level)


def bootstrap_ratio(
    numerators: ArrayLike, denominators: ArrayLike, *, seed: int, level: float = 0.95, root: bool = False
) -> Interval:
    """Σ numerators / Σ denominators over units (its square root with `root`), resampling whole units.

    Units with a NaN in either are left out. The interval is the `level` percentile interval of SAMPLES
    resamples, the same for the same seed and order. A zero sum of denominators gives NaN.
    """
    pairs = np.column_stack([np.asarray(numerators, dtype=np.float64), np.asarray(denominators, np.float64)])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    if not len(pairs):
        return Interval(np.nan, np.nan, np.nan)
    tail = (1 - level) / 2
    ratios = _ratio(_resampled_sums(pairs, seed), root)
    usable = ratios[~np.isnan(ratios)]
    lower, upper = np.quantile(usable, [tail, 1 - tail]) if len(usable) else (np.nan, np.nan)
    return Interval(float(_ratio(pairs.sum(axis=0), root)), float(lower), float(upper))


def _resampled_sums(pairs: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """SAMPLES × 2: the sums over as many units as there are, drawn with replacement."""
    random = np.random.default_rng(seed)
    sums = np.empty((SAMPLES, 2))
    at_once = max(1, DRAWS_AT_ONCE // len(pairs))
    for start in range(0, SAMPLES, at_once):
        end = min(start + at_once, SAMPLES)
        drawn = random.integers(len(pairs), size=(end - start, len(pairs)))
        sums[start:end] = np.column_stack([pairs[:, 0][drawn].sum(axis=1), pairs[:, 1][drawn].sum(axis=1)])
    return sums


def _ratio(sums: NDArray[np.float64], root: bool) -> NDArray[np.float64]:
    top, bottom = sums[..., 0], sums[..., 1]
    ratio = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)
    return np.asarray(np.sqrt(ratio) if root else ratio)
