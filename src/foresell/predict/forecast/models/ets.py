"""Exponential smoothing, its form chosen by AICc; after removing the season where there are two of them.

Source: Hyndman et al., Forecasting with Exponential Smoothing, 2008; MSTL: Bandara et al., 2021. AutoETS
takes no season longer than 24, hence the detour over MSTL for weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from statsforecast.models import MSTL, AutoETS

from foresell.predict.forecast.model import ForecastModel
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.paths import (
    LEVELS,
    FittedPaths,
    Floats,
    Path,
    fit_paths,
    from_library,
    season_of,
)

FEWEST_VALUES = 8


@dataclass(frozen=True, slots=True)
class ETSConfig:
    """`horizon`: the longest that can be asked for. A history of two seasons is needed to use the season."""

    horizon: int = 8
    season_length: int = 52


def fit(series: pl.DataFrame, config: ETSConfig) -> FittedPaths:
    """A series of fewer than FEWEST_VALUES, or one that explodes, falls back to its last value."""

    def forecast(values: Floats, horizon: int) -> Path:
        if len(values) < FEWEST_VALUES:
            raise ValueError(f"a history of {len(values)} weeks is too short")
        if np.ptp(values) == 0:
            return naive(values, horizon)
        season = season_of(values, config.season_length)
        trend = AutoETS(season_length=1, model="ZZN")
        model = trend if season == 1 else MSTL(season_length=season, trend_forecaster=trend)
        return from_library(model.forecast(values, horizon, level=list(LEVELS)))

    return fit_paths(series, config, forecast, fallback=naive)


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> FittedPaths:
    return FittedPaths.load(ETSConfig(**config), tables)


MODEL = ForecastModel("ets", ETSConfig, fit, load)
