"""The newest values and how they are spread: as many of them as would have told most of late.

A distribution as well as a mean: the quantiles are those of the values in the window. Of intermittent
demand that is hard to beat: on car_parts (see benchmarks/quality/forecasting) as good as the best published
network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.forecast.counts import quantiles_of_sorted, whole_quantiles_of_sorted
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import LEVELS_ARRAY, NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel, Period
from foresell.predict.forecast.paths import FittedPaths, Paths, Reasons, fit_paths

# Whole weeks of days, so that every day of the week counts alike.
WINDOWS: dict[Period, tuple[int, ...]] = {
    "day": (14, 28, 56, 91, 182, 364),
    "week": (4, 8, 13, 26, 52),
    "month": (3, 6, 12, 15, 24),
}
NUM_ORIGINS = 3
# One series' few newest values choose by chance.
OTHERS = 4.0
# Fewer values than these tell no distribution.
FEWEST_VALUES = 2


@dataclass(frozen=True, slots=True)
class MovingAverageConfig:
    """`horizon`: the longest that can be asked for; the forecast is the same for every step. `window`:
    periods; 0: chosen for each series among WINDOWS."""

    horizon: int = 8
    window: int = 0
    seed: int = 0


def fit(panel: Panel, config: MovingAverageConfig) -> FittedPaths:
    """The window with the least quantile loss from the newest NUM_ORIGINS origins, half a horizon apart;
    equal ones and histories too short for any origin: the longest. A series of one value falls back to it."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        windows = (config.window,) if config.window else WINDOWS[grid.period]
        best = _best(grid, windows, horizon)
        flat = np.empty((len(grid), 1 + len(LEVELS_ARRAY)))
        for place, window in enumerate(windows):
            rows = best == place
            flat[rows] = _told(grid.values[rows, -window:], grid.is_count)
        silent = np.isnan(flat[:, 0])
        flat[silent] = _told(grid.values[silent], grid.is_count)
        reasons: Reasons = {}
        for row in np.flatnonzero((~np.isnan(grid.values)).sum(axis=1) < FEWEST_VALUES):
            reasons[int(row)] = "one value tells no distribution: the last value"
        return np.repeat(flat[:, None, :], horizon, axis=1), reasons

    return fit_paths(panel, config, forecast, fallback=naive)


def _best(grid: Grid, windows: tuple[int, ...], horizon: int) -> Floats:
    """(N,) the place of the window of each series."""
    values, length = grid.values, grid.values.shape[1]
    losses = np.zeros((len(windows), len(grid)))
    for back in range(NUM_ORIGINS):
        end = length - horizon - back * max(1, horizon // 2)
        if end < 1:
            break
        coming = values[:, end : end + horizon]
        for place, window in enumerate(windows):
            quantiles = _told(values[:, max(0, end - window) : end], grid.is_count)[:, 1:]
            losses[place] += _pinball(quantiles, coming)
    sized = losses / np.maximum(np.nanmean(np.abs(values), axis=1), 1e-12)
    told = np.isfinite(sized)
    usual = np.where(told, sized, 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    backward = (sized + OTHERS * usual[:, None])[::-1].argmin(axis=0)
    return np.asarray(len(windows) - 1 - backward)


def _told(window: Floats, is_count: bool) -> Floats:
    """(n, VALUES) mean and quantiles of what is known in the window; where nothing is: NaN."""
    ordered = np.sort(window, axis=1)
    number = (~np.isnan(window)).sum(axis=1)
    if is_count:
        quantiles = whole_quantiles_of_sorted(ordered, number)
    else:
        quantiles = quantiles_of_sorted(ordered, number, np.tile(LEVELS_ARRAY, (len(window), 1)))
    means = np.divide(np.nansum(window, axis=1), number, out=np.full(len(window), np.nan), where=number > 0)
    found = np.concatenate([means[:, None], quantiles], axis=1)
    return np.where(number[:, None] > 0, found, np.nan)


def _pinball(quantiles: Floats, actuals: Floats) -> Floats:
    """(N,) summed over levels and known actuals; infinite where nothing was told."""
    short = actuals[:, :, None] - quantiles[:, None, :]
    losses = np.maximum(LEVELS_ARRAY * short, (LEVELS_ARRAY - 1) * short)
    untold = np.isnan(quantiles[:, 0])
    return np.where(untold, np.inf, np.nansum(losses, axis=(1, 2)))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(MovingAverageConfig(**config), tables)


MODEL = ForecastModel("moving_average", MovingAverageConfig, fit, load)
