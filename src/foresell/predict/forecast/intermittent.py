"""How much a selling period sells, and how often one does: smoothed for all series of a panel at once."""

import numpy as np

from foresell.predict.forecast.counts import dispersions_of, negative_binomial, zero_inflated
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.paths import Paths, Reasons

BELOW_ZERO = "it fell below 0, which demand does not"


def flat_paths(grid: Grid, means: Floats, chances: Floats, horizon: int) -> Paths:
    """(N, horizon, VALUES), every step alike: the mean, and the quantiles of `counts.negative_binomial` for
    counts, of `counts.zero_inflated` for amounts."""
    if grid.is_count:
        quantiles = negative_binomial(means, dispersions_of(np.maximum(grid.values, 0.0)))
    else:
        quantiles = zero_inflated(grid.values, means, chances)
    one = np.concatenate([means[:, None], quantiles], axis=1)
    return np.repeat(one[:, None, :], horizon, axis=1)


def refused(grid: Grid) -> Reasons:
    """The series that are not demand."""
    below = np.flatnonzero(np.nanmin(grid.values, axis=1) < 0)
    return dict.fromkeys(map(int, below), BELOW_ZERO)


def smoothed_chance(values: Floats, smoothing: float) -> Floats:
    """(N,) the chance that a period sells, smoothed from the first known period on; unknown ones say
    nothing."""
    chance = np.full(len(values), np.nan)
    for column in values.T:
        known = ~np.isnan(column)
        sold = (column > 0).astype(np.float64)
        moved = chance + smoothing * (sold - chance)
        chance = np.where(known, np.where(np.isnan(chance), sold, moved), chance)
    return np.asarray(np.nan_to_num(chance))


def smoothed_size(values: Floats, smoothing: float) -> Floats:
    """(N,) of the periods that sold, from the first one on; 0 where none did."""
    size = np.full(len(values), np.nan)
    for column in values.T:
        sold = column > 0
        moved = size + smoothing * (column - size)
        size = np.where(sold, np.where(np.isnan(size), column, moved), size)
    return np.asarray(np.nan_to_num(size))


def smoothed_interval(values: Floats, smoothing: float) -> Floats:
    """(N,) periods between two that sold, the first counted from the start of the history; 1 where
    none did."""
    interval = np.full(len(values), np.nan)
    waited = np.zeros(len(values))
    for column in values.T:
        known = ~np.isnan(column)
        waited = waited + known
        sold = column > 0
        moved = interval + smoothing * (waited - interval)
        interval = np.where(sold, np.where(np.isnan(interval), waited, moved), interval)
        waited = np.where(sold, 0.0, waited)
    return np.where(np.isnan(interval), 1.0, interval)
