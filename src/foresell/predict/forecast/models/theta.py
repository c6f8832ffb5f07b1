"""Half the trend of a line, on a level that follows the newest values; with the season where there is one.

Source: Assimakopoulos and Nikolopoulos, The theta model, 2000, in the form of Hyndman and Billah, Unmasking
the Theta method, 2003: exponential smoothing with a drift of half the slope of a line through the series.
All series at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, Paths, Reasons, fit_paths, too_short
from foresell.predict.forecast.smoothing.level import level_weights, smooth
from foresell.predict.forecast.smoothing.seasonal import seasonal_paths

FEWEST_VALUES = 4
WEIGHTS = level_weights((0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99))


@dataclass(frozen=True, slots=True)
class ThetaConfig:
    """`horizon`: the longest that can be asked for."""

    horizon: int = 8
    seed: int = 0


def fit(panel: Panel, config: ThetaConfig) -> FittedPaths:
    """A series of fewer than FEWEST_VALUES known values falls back to its last value."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        return seasonal_paths(grid, horizon, _of_levels), too_short(grid, FEWEST_VALUES)

    return fit_paths(panel, config, forecast, fallback=naive)


def _of_levels(values: Floats, horizon: int) -> tuple[Floats, Floats]:
    """The level stands behind a line by what it has not yet caught up with: the drift starts there."""
    found = smooth(values, WEIGHTS)
    number = (~np.isnan(values)).sum(axis=1)
    behind = (1 - (1 - found.weight) ** number) / found.weight
    drift = _slope(values) / 2
    steps = np.arange(horizon)[None, :]
    return found.level[:, None] + drift[:, None] * (steps + behind[:, None]), found.deviations(horizon)


def _slope(values: Floats) -> Floats:
    """(N,) of the line through what is known; 0 for one value."""
    known = ~np.isnan(values)
    time = np.arange(values.shape[1], dtype=np.float64)[None, :]
    count = known.sum(axis=1)
    middle = (known * time).sum(axis=1) / count
    away = (time - middle[:, None]) * known
    bottom = (away**2).sum(axis=1)
    top = (away * np.nan_to_num(values)).sum(axis=1)
    return np.asarray(np.divide(top, bottom, out=np.zeros(len(values)), where=bottom > 0))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(ThetaConfig(**config), tables)


MODEL = ForecastModel("theta", ThetaConfig, fit, load)
