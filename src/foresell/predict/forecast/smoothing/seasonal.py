"""A model of levels with the season taken out before and put back after, where that would have told more of
late."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.training import judging_columns
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.paths import NORMAL, Paths
from foresell.predict.forecast.smoothing.seasons import Seasons, seasons_of

# Values without a season (N, T), horizon → means and deviations (N, horizon).
OfLevels = Callable[[Floats, int], tuple[Floats, Floats]]
# What served all series counts so many times what served this one.
OTHERS = 1.0


def seasonal_paths(grid: Grid, horizon: int, model: OfLevels) -> Paths:
    """(N, horizon, VALUES), normal around the model's means.

    Each series with or without its season, whichever had the smaller absolute errors at the judging origins
    (`boosting.training`), what served the others counted in; equal ones, and series of fewer than two
    seasons: without. Where no origin can judge, series of two seasons have one.
    """
    plain = _paths(grid.values, horizon, model, None)
    if grid.season < 2 or grid.values.shape[1] < 2 * grid.season:
        return plain
    long_enough = grid.lengths >= 2 * grid.season
    seasonal = _paths(grid.values, horizon, model, seasons_of(grid.values, grid.season))
    is_better = long_enough & _is_better(grid, horizon, model)
    return np.where(is_better[:, None, None], seasonal, plain)


def _paths(values: Floats, horizon: int, model: OfLevels, seasons: Seasons | None) -> Paths:
    adjusted = values if seasons is None else seasons.without(values)
    means, deviations = model(adjusted, horizon)
    quantiles = means[:, :, None] + deviations[:, :, None] * NORMAL
    paths = np.concatenate([means[:, :, None], quantiles], axis=2)
    return paths if seasons is None else seasons.restored(paths)


def _is_better(grid: Grid, horizon: int, model: OfLevels) -> NDArray[np.bool_]:
    length, number = grid.values.shape[1], len(grid)
    errors = np.zeros((2, number))
    for origin in judging_columns(length, horizon):
        past = grid.values[:, : origin + 1]
        came = grid.values[:, origin + 1 : origin + 1 + horizon]
        usable = np.flatnonzero(~np.isnan(past).all(axis=1))
        if not len(usable) or past.shape[1] < 2 * grid.season:
            continue
        for place, seasons in enumerate((None, seasons_of(past[usable], grid.season))):
            told = _paths(past[usable], horizon, model, seasons)[:, :, 0]
            errors[place, usable] += np.nansum(np.abs(told - came[usable]), axis=1)
    if not errors.any():
        return np.ones(number, np.bool_)
    relative = errors / np.maximum(errors.mean(axis=0), 1e-12)
    judged = errors.any(axis=0)
    usual = relative[:, judged].mean(axis=1)
    told = relative + OTHERS * usual[:, None]
    return np.asarray(told[1] < told[0])
