"""Forecast paths of whole panels: guarded against nonsense, kept as a table.

A forecaster without regressors keeps its paths up to the horizon of its config, not the innards of a
library's model: they are what it will ever be asked for, and they are plain tables.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from foresell.contracts.errors import InputError
from foresell.predict.forecast.grid import Floats, Grid, grid_of
from foresell.predict.forecast.model import FALLBACKS, FORECAST, LEVELS_ARRAY, VALUES
from foresell.predict.forecast.panel import Panel

# (N, horizon, VALUES)
Paths = Floats
# Row of the grid → why the model could not be used there.
Reasons = dict[int, str]
Forecast = Callable[[Grid, int], tuple[Paths, Reasons]]

# A forecast beyond these many times the largest value ever seen is an explosion, not a forecast.
MEAN_LIMIT = 3.0
BOUND_LIMIT = 10.0
# A series that never changed in so many periods is not expected to.
FEWEST_TO_STAY = 3
NORMAL = np.asarray(ndtri(LEVELS_ARRAY))


@dataclass(frozen=True)
class FittedPaths:
    """The fitted forecaster of every model without regressors. `paths`: FORECAST and `step`."""

    config: Any
    paths: pl.DataFrame
    fallbacks: pl.DataFrame

    def forecast(self, horizon: int, future: pl.DataFrame | None = None) -> pl.DataFrame:
        del future
        check_horizon(horizon, self.config.horizon)
        return self.paths.filter(pl.col("step") <= horizon).select(FORECAST.names())

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"paths": self.paths, "fallbacks": self.fallbacks}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {}

    @classmethod
    def load(cls, config: Any, tables: Mapping[str, pl.DataFrame]) -> "FittedPaths":
        return cls(config, tables["paths"], tables["fallbacks"])


def check_horizon(horizon: int, longest: int) -> None:
    """Raises InputError unless 1 ≤ horizon ≤ longest."""
    if not 1 <= horizon <= longest:
        raise InputError(
            "The horizon is not one that the model was fitted for",
            received=horizon,
            do=f"Ask for 1 to {longest} periods, or fit again with a longer horizon.",
        )


def fit_paths(panel: Panel, config: Any, model: Forecast, fallback: Forecast | None) -> FittedPaths:
    """Run `model` on the panel; series that it fails on or where it explodes get `fallback`, and a reason.

    `config` has a `horizon`. Raises InputError where there is no series.
    """
    grid = grid_of(panel)
    paths, reasons = guarded(grid, config.horizon, model, fallback)
    frame = paths_frame(grid, paths)
    return FittedPaths(config, frame, fallbacks_frame(grid, reasons))


def guarded(
    grid: Grid, horizon: int, model: Forecast, fallback: Forecast | None, *, may_stay: bool = True
) -> tuple[Paths, Reasons]:
    """The model's paths, in order and within bounds; the fallback's where they cannot be used. With
    `may_stay` a series that had one value only, of FEWEST_TO_STAY or more, keeps it."""
    if not len(grid):
        return np.empty((0, horizon, len(VALUES))), {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # libraries warn of numerics that are judged here
        paths, reasons = model(grid, horizon)
        reasons = {**_nonsense(paths, grid.values), **reasons}
        if fallback is not None and reasons:
            rows = np.array(sorted(reasons))
            paths = paths.copy()
            paths[rows], _ = fallback(grid.take(rows), horizon)
        if may_stay:
            paths = np.where(_stays(grid.values)[:, None, None], _newest(grid.values)[:, None, None], paths)
        clamped, cut = within_bounds(paths, grid.values)
    return clamped, {**cut, **reasons}


def _stays(values: Floats) -> NDArray[np.bool_]:
    number = (~np.isnan(values)).sum(axis=1)
    return np.asarray((np.nanmax(values, axis=1) == np.nanmin(values, axis=1)) & (number >= FEWEST_TO_STAY))


def _newest(values: Floats) -> Floats:
    """(N,) the last known value."""
    place = values.shape[1] - 1 - (~np.isnan(values))[:, ::-1].argmax(axis=1)
    return np.asarray(values[np.arange(len(values)), place])


def _nonsense(paths: Paths, values: Floats) -> Reasons:
    """Why a path cannot be used, of those that cannot."""
    largest = np.nanmax(np.abs(values), axis=1)
    means = paths[:, :, 0]
    is_odd = ~np.isfinite(means).all(axis=1)
    is_huge = ~is_odd & (np.abs(means).max(axis=1) > MEAN_LIMIT * largest)
    reasons = dict.fromkeys(map(int, np.flatnonzero(is_odd)), "the forecast is not a number")
    text = f"the forecast exceeds {MEAN_LIMIT:g} times the largest value ever seen"
    return {**reasons, **dict.fromkeys(map(int, np.flatnonzero(is_huge)), text)}


def within_bounds(paths: Paths, values: Floats) -> tuple[Paths, Reasons]:
    """Quantiles in their order, nothing below 0 (or the lowest value ever seen, where that was below), and no
    quantile farther out than BOUND_LIMIT times the largest value ever seen; where one was, the reason.

    The mean is left where it is but for the floor: of a skewed forecast it may lie beyond any quantile.
    """
    floor = np.minimum(0.0, np.nanmin(values, axis=1))[:, None, None]
    limit = BOUND_LIMIT * np.nanmax(np.abs(values), axis=1)[:, None, None]
    quantiles = paths[:, :, 1:]
    too_far = (np.abs(quantiles) > limit).any(axis=(1, 2))
    text = f"the interval exceeded {BOUND_LIMIT:g} times the largest value ever seen and was cut there"
    ordered = np.maximum.accumulate(np.clip(quantiles, np.maximum(floor, -limit), limit), axis=2)
    kept = np.concatenate([np.maximum(paths[:, :, :1], floor), ordered], axis=2)
    return kept, dict.fromkeys(map(int, np.flatnonzero(too_far)), text)


def paths_frame(grid: Grid, paths: Paths) -> pl.DataFrame:
    """FORECAST and `step` (from 1) of (N, horizon, VALUES); NaN becomes null."""
    number, horizon, _ = paths.shape
    steps = np.arange(1, horizon + 1)
    columns = {
        "series_id": pl.Series(grid.ids.tolist(), dtype=pl.String).gather(
            np.repeat(np.arange(number), horizon)
        ),
        "date": grid.dates(steps).ravel(),
        **{name: paths[:, :, place].ravel() for place, name in enumerate(VALUES)},
    }
    frame = pl.DataFrame(columns, schema_overrides={"date": pl.Date()}).cast(FORECAST)
    return frame.with_columns(
        pl.col(VALUES).fill_nan(None), step=pl.Series(np.tile(steps, number), dtype=pl.Int64)
    )


def fallbacks_frame(grid: Grid, reasons: Reasons, more: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The reasons with the notes of the grid and `more` of both by series_id, a row each, by series."""
    rows = [(str(grid.ids[row]), reason) for row, reason in reasons.items()]
    told = [*grid.notes.items(), *rows, *(more or {}).items()]
    return pl.DataFrame(told, schema=FALLBACKS, orient="row").sort("series_id", "reason")


def too_short(grid: Grid, fewest: int) -> Reasons:
    """The series with fewer known values than `fewest`."""
    number = (~np.isnan(grid.values)).sum(axis=1)
    text = f"fewer than {fewest} values: the last value"
    return dict.fromkeys(map(int, np.flatnonzero(number < fewest)), text)


def normal_paths(means: Floats, deviations: Floats) -> Paths:
    """(N, horizon, VALUES) of normal distributions; both (N, horizon)."""
    quantiles = means[:, :, None] + deviations[:, :, None] * NORMAL
    return np.concatenate([means[:, :, None], quantiles], axis=2)


def seasons_of(grid: Grid) -> NDArray[np.intp]:
    """(N,) the season where a history holds two of them, else 1: one cannot tell season from chance."""
    return np.where(grid.lengths >= 2 * grid.season, grid.season, 1)
