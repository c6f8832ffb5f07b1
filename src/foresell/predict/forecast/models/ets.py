"""Exponential smoothing: a level, with a trend or a damped one where the corrected AIC says so, and a season.

Source: Hyndman et al., Forecasting with Exponential Smoothing, 2008. Its additive forms, with weights from
a grid and a season that is taken out before and put back after (`smoothing`): all series of a panel are
smoothed at once, some hundred times as many a second as a search of each series' best weights takes.
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
from foresell.predict.forecast.smoothing.level import level_weights, smooth, together, trend_weights
from foresell.predict.forecast.smoothing.seasonal import seasonal_paths

FEWEST_VALUES = 4
# Older values than these have no say.
LONGEST = 520
WEIGHTS = together(
    level_weights((0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)),
    trend_weights((0.1, 0.25, 0.4, 0.6, 0.8, 0.99), (0.02, 0.1, 0.3), (0.8, 0.9, 0.97)),
)


@dataclass(frozen=True, slots=True)
class ETSConfig:
    """`horizon`: the longest that can be asked for."""

    horizon: int = 8
    seed: int = 0


def fit(panel: Panel, config: ETSConfig) -> FittedPaths:
    """A series of fewer than FEWEST_VALUES known values, or one that explodes, falls back to its last
    value."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        return seasonal_paths(grid, horizon, _of_levels), too_short(grid, FEWEST_VALUES)

    return fit_paths(panel, config, forecast, fallback=naive)


def _of_levels(values: Floats, horizon: int) -> tuple[Floats, Floats]:
    found = smooth(_newest(values), WEIGHTS)
    return found.means(horizon), found.deviations(horizon)


def _newest(values: Floats) -> Floats:
    """The last LONGEST columns, where every row has a known value in them; else all."""
    newest = values[:, -LONGEST:]
    return values if np.isnan(newest).all(axis=1).any() else newest


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(ETSConfig(**config), tables)


MODEL = ForecastModel("ets", ETSConfig, fit, load)
