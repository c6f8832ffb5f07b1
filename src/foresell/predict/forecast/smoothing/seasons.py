"""What a season adds to, or how many times it multiplies, the level of a series.

Classical decomposition, its factors pulled to none as far as chance would explain them (Miller and Williams,
Shrinkage estimators of time series seasonal factors and their effect on forecasting accuracy, 2003).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats

# A season so long that one phase of it is seen rarely is smoothed over its neighbors.
LONG_SEASON = 24
NEIGHBORS = (0.25, 0.5, 0.25)
# Of the periods of a season around a value so many must be known to tell its level.
KNOWN_SHARE = 0.9
LEAST_FACTOR, MOST_FACTOR = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class Seasons:
    """`factors` (N, season), by phase: 0 is that of the last column, 1 of the one before it, …;
    `multiplies` (N,): whether they multiply (positive series) or add."""

    factors: Floats
    multiplies: NDArray[np.bool_]

    def of(self, steps: NDArray[np.intp]) -> Floats:
        """(N, steps) the factors so many periods after the last column (0: the last one, −1: before it)."""
        return np.asarray(self.factors[:, (-steps) % self.factors.shape[1]])

    def without(self, values: Floats) -> Floats:
        """(N, T) seasonally adjusted."""
        factors = self.of(np.arange(1 - values.shape[1], 1))
        found = values - factors
        return np.divide(values, factors, out=found, where=self.multiplies[:, None])

    def restored(self, paths: Floats) -> Floats:
        """(N, horizon, …) of the periods after the last, with the season again."""
        factors = self.of(np.arange(1, paths.shape[1] + 1))
        factors = factors.reshape(*factors.shape, *(1,) * (paths.ndim - 2))
        multiplies = self.multiplies.reshape(-1, *(1,) * (paths.ndim - 1))
        return np.where(multiplies, paths * factors, paths + factors)


def seasons_of(values: Floats, season: int) -> Seasons:
    """Of (N, T) with NaN for unknown; no effect for a series of fewer than two seasons."""
    number, length = values.shape
    multiplies = np.nanmin(values, axis=1) > 0
    none = np.where(multiplies, 1.0, 0.0)
    cycles = length // season
    if season < 2 or cycles < 2:
        return Seasons(np.repeat(none[:, None], max(season, 1), axis=1), multiplies)
    level = _centered(values, season)
    away = values - level
    np.divide(away, level, out=away, where=multiplies[:, None])
    away[~np.isfinite(away)] = np.nan
    trimmed = away[:, length - cycles * season :][:, ::-1].reshape(number, cycles, season)
    seen = (~np.isnan(trimmed)).sum(axis=1)
    means = np.divide(np.nansum(trimmed, axis=1), seen, out=np.zeros((number, season)), where=seen > 0)
    noise = np.nansum((trimmed - means[:, None, :]) ** 2, axis=(1, 2))
    freedom = np.maximum((seen - 1).clip(0).sum(axis=1), 1)
    if season > LONG_SEASON:
        shifted = [np.roll(means, shift, axis=1) for shift in (-1, 0, 1)]
        means = np.average(shifted, axis=0, weights=NEIGHBORS)
    kept = _kept(means, noise / freedom, seen, season)
    effect = (means - means.mean(axis=1, keepdims=True)) * kept[:, None]
    factors = np.where(multiplies[:, None], np.clip(1 + effect, LEAST_FACTOR, MOST_FACTOR), effect)
    told = seen.min(axis=1) >= 1
    return Seasons(np.where(told[:, None], factors, none[:, None]), multiplies)


def _kept(means: Floats, noise: Floats, seen: NDArray[np.intp], season: int) -> Floats:
    """(N,) the share of the factors' variance that chance does not explain; `noise` (N,) of one value."""
    smoothing = sum(weight**2 for weight in NEIGHBORS) if season > LONG_SEASON else 1.0
    expected = smoothing * noise / np.maximum(seen.mean(axis=1), 1)
    found = means.var(axis=1)
    return np.asarray(np.clip(1 - np.divide(expected, found, out=np.ones(len(means)), where=found > 0), 0, 1))


def _centered(values: Floats, season: int) -> Floats:
    """(N, T) the mean of the season around each value; NaN where too little of it is known."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.pad(np.nan_to_num(values), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(known, ((0, 0), (1, 0))), axis=1)
    half, length = season // 2, values.shape[1]
    places = np.arange(length)

    def over(first: NDArray[np.intp], last: NDArray[np.intp]) -> Floats:
        low, high = np.clip(first, 0, length), np.clip(last + 1, 0, length)
        seen = counts[:, high] - counts[:, low]
        total = sums[:, high] - sums[:, low]
        enough = (seen >= KNOWN_SHARE * season) & (first >= 0) & (last < length)
        return np.asarray(np.divide(total, seen, out=np.full(values.shape, np.nan), where=enough))

    if season % 2:
        return over(places - half, places + half)
    before, after = over(places - half, places + half - 1), over(places - half + 1, places + half)
    return np.asarray((before + after) / 2)
