"""For what sells now and then: how much a selling period sells over how long one waits for it.

Source: Croston, Forecasting and stock control for intermittent demands, 1972, with the correction of its bias
by Syntetos and Boylan, 2005. It never forgets what stopped selling; `tsb` does. Intervals as those of `tsb`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.forecast.grid import Grid
from foresell.predict.forecast.intermittent import flat_paths, refused, smoothed_interval, smoothed_size
from foresell.predict.forecast.model import NO_WEIGHTS, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import FittedPaths, Paths, Reasons, fit_paths


@dataclass(frozen=True, slots=True)
class CrostonConfig:
    """`horizon`: the longest that can be asked for; the forecast is the same for every step. `smoothing`, in
    (0, 1): the weight of the newest selling period's size, and of the newest wait.
    """

    horizon: int = 8
    smoothing: float = 0.1
    seed: int = 0


def fit(panel: Panel, config: CrostonConfig) -> FittedPaths:
    """A series that ever went below 0 is not demand and falls back to its last value."""

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        wait = smoothed_interval(grid.values, config.smoothing)
        # A series that sells in every period is not intermittent: nothing to correct.
        correction = np.where(wait > 1, 1 - config.smoothing / 2, 1.0)
        means = correction * smoothed_size(grid.values, config.smoothing) / wait
        chances = np.minimum(1.0, correction / wait)
        return flat_paths(grid, means, chances, horizon), refused(grid)

    return fit_paths(panel, config, forecast, fallback=naive)


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(CrostonConfig(**config), tables)


MODEL = ForecastModel("croston", CrostonConfig, fit, load)
