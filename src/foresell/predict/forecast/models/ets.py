"""Exponential smoothing, its form chosen by AICc; after removing the season where there are two of them.

Source: Hyndman et al., Forecasting with Exponential Smoothing, 2008; MSTL: Bandara et al., 2021. AutoETS
takes no season longer than 24, hence the detour over MSTL for weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from statsforecast.models import MSTL, AutoETS

from foresell.predict.forecast.by_series import WIDTHS, from_library, one_by_one
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, fit_paths

FEWEST_VALUES = 8


@dataclass(frozen=True, slots=True)
class ETSConfig:
    """`horizon`: the longest that can be asked for. A history of two seasons is needed to use the season."""

    horizon: int = 8
    seed: int = 0


def fit(panel: Panel, config: ETSConfig) -> FittedPaths:
    """A series of fewer than FEWEST_VALUES, or one that explodes, falls back to its last value."""
    return fit_paths(panel, config, one_by_one(_forecast), fallback=naive)


def _forecast(values: Floats, season: int, horizon: int) -> Floats:
    if len(values) < FEWEST_VALUES:
        raise ValueError(f"a history of {len(values)} periods is too short")
    trend = AutoETS(season_length=1, model="ZZN")
    model = trend if season == 1 else MSTL(season_length=season, trend_forecaster=trend)
    return from_library(model.forecast(values, horizon, level=WIDTHS))


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(ETSConfig(**config), tables)


MODEL = ForecastModel("ets", ETSConfig, fit, load)
