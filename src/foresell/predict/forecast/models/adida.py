"""For what sells now and then: summed over as many periods as one waits for a sale, smoothed, and shared out.

Source: Nikolopoulos et al., An aggregate-disaggregate intermittent demand approach (ADIDA), 2011. Intervals
as those of `tsb`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.intermittent import flat_paths, refused, smoothed_chance
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, Paths, Reasons, fit_paths

CHANCE_SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class ADIDAConfig:
    """`horizon`: the longest that can be asked for; the forecast is the same for every step. `smoothing`, in
    (0, 1): the weight of the newest sum.
    """

    horizon: int = 8
    smoothing: float = 0.2
    seed: int = 0


def fit(panel: Panel, config: ADIDAConfig) -> FittedPaths:
    """A series that ever went below 0 is not demand and falls back to its last value."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        waits = _waits(grid)
        means = np.zeros(len(grid))
        for wait in np.unique(waits):
            rows = waits == wait
            means[rows] = _smoothed(grid.values[rows], int(wait), config.smoothing)
        chances = np.maximum(smoothed_chance(grid.values, CHANCE_SMOOTHING), 1e-9)
        return flat_paths(grid, means, chances, horizon), refused(grid)

    return fit_paths(panel, config, forecast, fallback=naive)


def _waits(grid: Grid) -> Floats:
    """(N,) periods a sale, rounded; at most half the history, 1 where nothing sold."""
    sold = (grid.values > 0).sum(axis=1)
    found = np.where(sold > 0, np.round(grid.lengths / np.maximum(sold, 1)), 1)
    return np.asarray(np.clip(found, 1, np.maximum(grid.lengths // 2, 1)))


def _smoothed(values: Floats, wait: int, smoothing: float) -> Floats:
    """(n,) a period: exponential smoothing of the means of `wait` known periods each, counted from the
    end."""
    number = values.shape[1] // wait
    blocks = values[:, values.shape[1] - number * wait :].reshape(len(values), number, wait)
    known = (~np.isnan(blocks)).sum(axis=2)
    means = np.divide(
        np.nansum(blocks, axis=2), known, out=np.full(known.shape, np.nan), where=known > wait // 2
    )
    level = np.full(len(values), np.nan)
    for column in means.T:
        moved = np.where(np.isnan(level), column, level + smoothing * (column - level))
        level = np.where(np.isnan(column), level, moved)
    return np.asarray(np.where(np.isnan(level), np.nanmean(values, axis=1), level))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(ADIDAConfig(**config), tables)


MODEL = ForecastModel("adida", ADIDAConfig, fit, load)
