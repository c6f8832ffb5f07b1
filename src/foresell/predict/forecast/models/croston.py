"""For what sells now and then: how much a selling week sells, and the chance of one, smoothed apart.

Source: Croston, 1972, in the form of Teunter, Syntetos and Babai, Intermittent demand: linking forecasting to
inventory obsolescence, 2011. Croston's own form never forgets what stopped selling, and is biased. The method
gives no intervals; these are the quantiles of a week that either sells nothing or as much as one of the
weeks that sold, with the chance that makes the forecast its mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from statsforecast.models import TSB

from foresell.predict.forecast.model import ForecastModel
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.paths import FittedPaths, Floats, Path, fit_paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTILES = (0.1, 0.9, 0.025, 0.975)


@dataclass(frozen=True, slots=True)
class CrostonConfig:
    """`horizon`: the longest that can be asked for; the forecast is the same for every step. The two
    smoothings, in (0, 1), are the weight of the newest selling week's size, and of whether a week sold.
    """

    horizon: int = 8
    size_smoothing: float = 0.2
    chance_smoothing: float = 0.2


def fit(series: pl.DataFrame, config: CrostonConfig) -> FittedPaths:
    """A series that ever went below 0 is not demand and falls back to its last value."""
    model = TSB(alpha_d=config.size_smoothing, alpha_p=config.chance_smoothing)
    return fit_paths(
        series, config, lambda values, horizon: _forecast(model, values, horizon), fallback=naive
    )


def _forecast(model: Any, values: Floats, horizon: int) -> Path:
    if (values < 0).any():
        raise ValueError("demand below 0")
    sold = values[values > 0]
    mean = float(model.forecast(values, 1)["mean"][0])
    if not len(sold) or mean <= 0:
        return np.zeros((horizon, 5))
    chance = _smoothed_chance(values > 0, model.alpha_p)
    sizes = sold * mean / (chance * sold.mean())
    return np.tile([mean, *_quantiles(sizes, chance)], (horizon, 1))


def _smoothed_chance(has_sold: "NDArray[np.bool_]", smoothing: float) -> float:
    """The chance that a week sells: exponentially smoothed from the first week on."""
    chance = float(has_sold[0])
    for week in has_sold[1:]:
        chance += smoothing * (float(week) - chance)
    return chance


def _quantiles(sizes: Floats, chance: float) -> list[float]:
    """Of 0 with probability 1 − chance, else one of the sizes."""
    return [
        0.0 if level <= 1 - chance else float(np.quantile(sizes, (level - 1 + chance) / chance))
        for level in QUANTILES
    ]


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> FittedPaths:
    return FittedPaths.load(CrostonConfig(**config), tables)


MODEL = ForecastModel("croston", CrostonConfig, fit, load)
