"""The value of a year ago, or the last one: the floor that every other forecaster must beat.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., sections 5.2 and 5.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from statsforecast.models import SeasonalNaive

from foresell.predict.forecast.model import ForecastModel
from foresell.predict.forecast.paths import (
    LEVELS,
    FittedPaths,
    Floats,
    Path,
    fit_paths,
    from_library,
    season_of,
)


@dataclass(frozen=True, slots=True)
class SeasonalNaiveConfig:
    """`horizon`: the longest that can be asked for. A history of two seasons is needed to use the season."""

    horizon: int = 8
    season_length: int = 52


def fit(series: pl.DataFrame, config: SeasonalNaiveConfig) -> FittedPaths:
    """Normal intervals from the seasonal differences; none for a single value."""

    def forecast(values: Floats, horizon: int) -> Path:
        return naive(values, horizon, season_of(values, config.season_length))

    return fit_paths(series, config, forecast, fallback=None)


def naive(values: Floats, horizon: int, season: int = 1) -> Path:
    return from_library(SeasonalNaive(season_length=season).forecast(values, horizon, level=list(LEVELS)))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> FittedPaths:
    return FittedPaths.load(SeasonalNaiveConfig(**config), tables)


MODEL = ForecastModel("seasonal_naive", SeasonalNaiveConfig, fit, load)
