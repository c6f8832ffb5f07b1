"""Forecast paths: made series by series, guarded against nonsense, kept as a table.

A fitted forecaster keeps its paths up to the horizon of its config, not the innards of a library's model:
they are what it will ever be asked for, and they are plain tables.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.forecast.model import FALLBACKS, FORECAST, VALUES

Floats = NDArray[np.float64]
# VALUES of each step: horizon × 5.
Path = Floats
# History, horizon → path.
Forecast = Callable[[Floats, int], Path]

LEVELS = (80, 95)
# A forecast beyond these many times the largest value ever seen is an explosion, not a forecast.
MEAN_LIMIT = 3.0
BOUND_LIMIT = 10.0


@dataclass(frozen=True)
class FittedPaths:
    """The fitted forecaster of every model here."""

    config: Any
    paths: pl.DataFrame
    fallbacks: pl.DataFrame

    def forecast(self, horizon: int) -> pl.DataFrame:
        if not 1 <= horizon <= self.config.horizon:
            raise InputError(
                "The horizon is not one that the model was fitted for",
                received=horizon,
                do=f"Ask for 1 to {self.config.horizon} weeks, or fit again with a longer horizon.",
            )
        return self.paths.filter(pl.col("step") <= horizon).select(FORECAST.names())

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"paths": self.paths, "fallbacks": self.fallbacks}

    @classmethod
    def load(cls, config: Any, tables: Mapping[str, pl.DataFrame]) -> "FittedPaths":
        return cls(config, tables["paths"], tables["fallbacks"])


def fit_paths(series: pl.DataFrame, config: Any, model: Forecast, fallback: Forecast | None) -> FittedPaths:
    """Run `model` on each series; where it fails or explodes, `fallback`, and record the reason.

    `config` has a `horizon`. Raises InputError where there is no series.
    """
    if series.is_empty():
        raise InputError("There is no series to forecast", do="Import a longer history.")
    frames, reasons = [], []
    for (series_id,), history in series.sort("series_id", "date").group_by("series_id", maintain_order=True):
        values = history["value"].to_numpy()
        path, reason = _guarded(values, config.horizon, model, fallback)
        last = history["date"][-1]
        dates = [last + timedelta(weeks=step) for step in range(1, config.horizon + 1)]
        frames.append(_frame(str(series_id), dates, path))
        if reason:
            reasons.append({"series_id": str(series_id), "reason": reason})
    return FittedPaths(config, pl.concat(frames), pl.DataFrame(reasons, schema=FALLBACKS))


def _frame(series_id: str, dates: list[Any], path: Path) -> pl.DataFrame:
    columns = {"series_id": [series_id] * len(dates), "date": dates}
    values = {name: path[:, i] for i, name in enumerate(VALUES)}
    steps = pl.Series("step", range(1, len(dates) + 1), dtype=pl.Int64)
    frame = pl.DataFrame({**columns, **values}, schema=FORECAST)
    return frame.with_columns(steps, pl.col(VALUES).fill_nan(None))


def _guarded(
    values: Floats, horizon: int, model: Forecast, fallback: Forecast | None
) -> tuple[Path, str | None]:
    path, reason = _attempt(values, horizon, model)
    if reason is None or fallback is None:
        return _ordered(path, values), reason
    stand_in, _ = _attempt(values, horizon, fallback)
    return _ordered(stand_in, values), reason


def _attempt(values: Floats, horizon: int, model: Forecast) -> tuple[Path, str | None]:
    """The model's path, and why it cannot be used (None: it can)."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # statsforecast warns of numerics that are judged here
            path = model(values, horizon)
    except Exception as error:  # noqa: BLE001 - a library's failure on one series must not lose the others
        return np.full((horizon, len(VALUES)), np.nan), f"failed: {error}"
    return path, _nonsense(path, values)


def _nonsense(path: Path, values: Floats) -> str | None:
    largest = float(np.abs(values).max())
    if not np.isfinite(path[:, 0]).all():
        return "the forecast is not a number"
    if np.abs(path[:, 0]).max() > MEAN_LIMIT * largest:
        return f"the forecast exceeds {MEAN_LIMIT:g} times the largest value ever seen"
    bounds = path[:, 1:]
    if len(values) > 2 and not np.isfinite(bounds).all():
        return "the interval is not a number"
    if np.nanmax(np.abs(bounds), initial=0.0) > BOUND_LIMIT * largest:
        return f"the interval exceeds {BOUND_LIMIT:g} times the largest value ever seen"
    return None


def _ordered(path: Path, values: Floats) -> Path:
    """Nothing below 0 (or the lowest value ever seen, where that was below); bounds in their order."""
    floor = min(0.0, float(values.min()))
    mean, lower_80, upper_80, lower_95, upper_95 = np.maximum(path, floor).T
    lower_80, upper_80 = np.minimum(lower_80, mean), np.maximum(upper_80, mean)
    lower_95, upper_95 = np.minimum(lower_95, lower_80), np.maximum(upper_95, upper_80)
    return np.column_stack([mean, lower_80, upper_80, lower_95, upper_95])


def from_library(answer: Mapping[str, Floats]) -> Path:
    """statsforecast's answer as a path."""
    names = ("mean", "lo-80", "hi-80", "lo-95", "hi-95")
    return np.column_stack([np.asarray(answer[name], dtype=np.float64) for name in names])


def season_of(values: Floats, season_length: int) -> int:
    """The season where the history holds two of them, else 1: one year cannot tell season from chance."""
    return season_length if len(values) >= 2 * season_length else 1
