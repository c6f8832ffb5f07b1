"""ARIMA, its orders chosen by AICc, each series by itself; seasons of more than 24 periods taken out before.

Source: Hyndman and Khandakar, Automatic time series forecasting: the forecast package for R, 2008
(statsforecast's AutoARIMA). Some seconds a hundred series: for panels of some hundreds, not thousands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from statsforecast.models import AutoARIMA

from foresell.predict.forecast.by_series import WIDTHS, from_library, one_by_one
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, fit_paths
from foresell.predict.forecast.smoothing.seasons import LONG_SEASON, seasons_of

FEWEST_VALUES = 8
# Older values than these have no say: the search takes longer the more there are.
LONGEST = 156


@dataclass(frozen=True, slots=True)
class ARIMAConfig:
    """`horizon`: the longest that can be asked for. A history of two seasons is needed to use the season."""

    horizon: int = 8
    seed: int = 0


def fit(panel: Panel, config: ARIMAConfig) -> FittedPaths:
    """A series of fewer than FEWEST_VALUES, or one that explodes, falls back to its last value."""
    return fit_paths(panel, config, one_by_one(_forecast), fallback=naive)


def _forecast(values: Floats, season: int, horizon: int) -> Floats:
    if len(values) < FEWEST_VALUES:
        raise ValueError(f"a history of {len(values)} periods is too short")
    if season <= LONG_SEASON:
        kept = values[-max(LONGEST, 2 * season) :]
        model = AutoARIMA(season_length=season, approximation=True)
        return from_library(model.forecast(kept, horizon, level=WIDTHS))
    seasons = seasons_of(values[None, :], season)
    adjusted = seasons.without(values[None, :])[0, -LONGEST:]
    told = from_library(AutoARIMA(season_length=1).forecast(adjusted, horizon, level=WIDTHS))
    return np.asarray(seasons.restored(told[None])[0])


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(ARIMAConfig(**config), tables)


MODEL = ForecastModel("arima", ARIMAConfig, fit, load)
