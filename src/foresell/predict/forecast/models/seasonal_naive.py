"""The value of a season ago, or the last one: the floor that every other forecaster must beat.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import (
    FittedPaths,
    Paths,
    Reasons,
    fit_paths,
    normal_paths,
    seasons_of,
)


@dataclass(frozen=True, slots=True)
class SeasonalNaiveConfig:
    """`horizon`: the longest that can be asked for. A history of two seasons is needed to use the season."""

    horizon: int = 8
    seed: int = 0


def fit(panel: Panel, config: SeasonalNaiveConfig) -> FittedPaths:
    """Normal intervals from the seasonal differences; none where there is no difference."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        seasons = seasons_of(grid)
        paths = naive(grid, horizon)[0]
        if grid.season > 1 and (seasons > 1).any():
            rows = np.flatnonzero(seasons > 1)
            paths[rows] = _repeated(grid.values[rows], grid.season, horizon)
        return paths, {}

    return fit_paths(panel, config, forecast, fallback=None)


def naive(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
    """The last known value of each series; what stands in where another model fails."""
    return _repeated(grid.values, 1, horizon), {}


def _repeated(values: Floats, season: int, horizon: int) -> Paths:
    """Each phase of the season as it was last known (where it never was: as the series was last)."""
    filled = filled_forward(values, season)
    overall = filled_forward(values, 1)[:, -1]
    steps = np.arange(horizon)
    means = filled[:, filled.shape[1] - season + steps % season]
    means = np.where(np.isnan(means), overall[:, None], means)
    differences = values[:, season:] - values[:, :-season]
    deviation = np.sqrt(_mean(differences**2))
    return normal_paths(means, deviation[:, None] * np.sqrt(steps // season + 1.0))


def filled_forward(values: Floats, season: int) -> Floats:
    """(N, T) what is unknown replaced by the value one season, two, … before; NaN where there is none."""
    filled = values.copy()
    for start in range(season, values.shape[1], season):
        now = filled[:, start : start + season]
        before = filled[:, start - season : start][:, : now.shape[1]]
        np.copyto(now, before, where=np.isnan(now))
    return filled


def _mean(numbers: Floats) -> Floats:
    """(N,) of what is known; NaN where nothing is."""
    known = (~np.isnan(numbers)).sum(axis=1)
    sums = np.nansum(numbers, axis=1)
    return np.asarray(np.divide(sums, known, out=np.full(len(numbers), np.nan), where=known > 0))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(SeasonalNaiveConfig(**config), tables)


MODEL = ForecastModel("seasonal_naive", SeasonalNaiveConfig, fit, load)
