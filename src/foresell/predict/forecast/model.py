"""What every forecaster is: a config, a `fit`, and a fitted object that answers up to its horizon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

FORECAST = pl.Schema(
    {
        "series_id": pl.String(),
        "date": pl.Date(),
        "mean": pl.Float64(),
        "lower_80": pl.Float64(),
        "upper_80": pl.Float64(),
        "lower_95": pl.Float64(),
        "upper_95": pl.Float64(),
    }
)
VALUES = tuple(FORECAST)[2:]
FALLBACKS = pl.Schema({"series_id": pl.String(), "reason": pl.String()})


class FittedForecaster(Protocol):
    """A forecaster that has learned."""

    @property
    def config(self) -> Any: ...

    @property
    def fallbacks(self) -> pl.DataFrame:
        """series_id, reason: where the model could not be used and the last value stood in for it."""

    def forecast(self, horizon: int) -> pl.DataFrame:
        """The FORECAST frame: `horizon` weeks after the last one of each series, sorted.

        lower_95 ≤ lower_80 ≤ mean ≤ upper_80 ≤ upper_95, and none below 0 unless the history was. The
        bounds are null where a history is too short to tell. Raises InputError beyond the fitted horizon.
        """

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; `ForecastModel.load` is its inverse."""


@dataclass(frozen=True, slots=True)
class ForecastModel:
    """An entry of MODELS. `fit` takes series_id, date, value, as `series.WeeklySeries` has them."""

    name: str
    config: Callable[..., Any]
    fit: Callable[[pl.DataFrame, Any], FittedForecaster]
    load: Callable[[Mapping[str, Any], Mapping[str, pl.DataFrame]], FittedForecaster]
