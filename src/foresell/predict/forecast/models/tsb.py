"""For what sells now and then and may stop: how much a selling period sells, and the chance of one.

Source: Teunter, Syntetos and Babai, Intermittent demand: linking forecasting to inventory obsolescence, 2011.
The method gives no intervals: around its mean, counts are taken as negative binomial, and an amount as
nothing or as one of the amounts that sold (`counts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from foresell.predict.forecast.grid import Grid
from foresell.predict.forecast.intermittent import flat_paths, refused, smoothed_chance, smoothed_size
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, Paths, Reasons, fit_paths


@dataclass(frozen=True, slots=True)
class TSBConfig:
    """`horizon`: the longest that can be asked for; the forecast is the same for every step. The two
    smoothings, in (0, 1), are the weight of the newest selling period's size, and of whether a period sold.
    """

    horizon: int = 8
    size_smoothing: float = 0.1
    chance_smoothing: float = 0.1
    seed: int = 0


def fit(panel: Panel, config: TSBConfig) -> FittedPaths:
    """A series that ever went below 0 is not demand and falls back to its last value."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        chances = smoothed_chance(grid.values, config.chance_smoothing)
        means = chances * smoothed_size(grid.values, config.size_smoothing)
        return flat_paths(grid, means, chances, horizon), refused(grid)

    return fit_paths(panel, config, forecast, fallback=naive)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(TSBConfig(**config), tables)


MODEL = ForecastModel("tsb", TSBConfig, fit, load)
