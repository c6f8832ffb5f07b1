"""What every forecaster is: a config, a `fit`, and a fitted object that answers up to its horizon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.panel import Panel

# The quantiles that every forecast tells.
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
QUANTILES = tuple(f"q{level:g}" for level in LEVELS)
VALUES = ("mean", *QUANTILES)
MEDIAN = "q0.5"
# The bounds of the 80% and 95% intervals among the quantiles.
BOUNDS = {"lower_80": "q0.1", "upper_80": "q0.9", "lower_95": "q0.025", "upper_95": "q0.975"}
FORECAST = pl.Schema({"series_id": pl.String(), "date": pl.Date(), **dict.fromkeys(VALUES, pl.Float64())})
FALLBACKS = pl.Schema({"series_id": pl.String(), "reason": pl.String()})
Weights = Mapping[str, NDArray[Any]]
NO_WEIGHTS: Weights = {}
LEVELS_ARRAY = np.array(LEVELS)
# The share of chance that each level's quantile stands for, where a mean is taken of the quantiles.
SHARES = np.diff([0.0, *((LEVELS_ARRAY[1:] + LEVELS_ARRAY[:-1]) / 2), 1.0])


class Fitted(Protocol):
    """A forecaster that has learned."""

    @property
    def config(self) -> Any: ...

    @property
    def fallbacks(self) -> pl.DataFrame:
        """series_id, reason: where the model could not be used as it is, and what was done instead."""

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        """The FORECAST frame: `horizon` periods after the last one of each series, sorted.

        Quantiles do not fall along LEVELS, and none is below 0 unless the history was. They are null where a
        history is too short to tell. A series without a known value is not in it but for models that need
        none. `future`: the known regressors as `Panel.future` has them, for another future than the panel's;
        models without regressors ignore it. Raises InputError beyond the fitted horizon.
        """

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; `ForecastModel.load` is its inverse."""

    def to_weights(self) -> dict[str, NDArray[Any]]:
        """What of it is arrays; empty for most."""


@dataclass(frozen=True, slots=True)
class ForecastModel:
    """An entry of MODELS. Configs are frozen dataclasses with `horizon` and `seed`; `load` takes a config as
    an artifact keeps it."""

    name: str
    config: Callable[..., Any]
    fit: Callable[[Panel, Any], Fitted]
    load: Callable[[Mapping[str, Any], Mapping[str, pl.DataFrame], Weights], Fitted]


def with_intervals(forecasts: pl.DataFrame) -> pl.DataFrame:
    """A FORECAST frame with the columns of BOUNDS added."""
    return forecasts.with_columns(pl.col(quantile).alias(name) for name, quantile in BOUNDS.items())
