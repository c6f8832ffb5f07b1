"""For what has just begun, or has not sold yet: how products like it began.

The launches that the panel saw, the nearest in content first (`likeness`: what Panel.static says of a
series), each the more the nearer; in the size of what the series has sold so far, where it has. Source of
the idea: Goodwin, Dyussekeneva and Meeran, The use of analogies in forecasting the annual sales of new
electronics products, 2013.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats, Grid, grid_of
from foresell.predict.forecast.likeness import content_vectors
from foresell.predict.forecast.model import LEVELS_ARRAY, NO_WEIGHTS, VALUES, ForecastModel, Weights
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import (
    FittedPaths,
    Paths,
    Reasons,
    fallbacks_frame,
    guarded,
    paths_frame,
)

OWN_HISTORY = "it has a history of its own: the last value"
NO_LAUNCH = "no launch of another series was seen: the last value"
# How fast nearness counts less: a likeness so much smaller has 1 / e of the weight.
NEARNESS = 0.15
# What the launches say of a size counts as so many periods beside the series' own.
PRIOR_PERIODS = 2.0


@dataclass(frozen=True, slots=True)
class AnalogConfig:
    """`horizon`: the longest that can be asked for. A series with fewer than `mature` known values is new;
    `neighbors` launches tell of it."""

    horizon: int = 8
    mature: int = 8
    neighbors: int = 30
    seed: int = 0


def fit(panel: Panel, config: AnalogConfig) -> FittedPaths:
    """New series and, from the panel's last period on, those of Panel.static without any row get launch
    curves. A series with a history of its own falls back to its last value, as all do where no launch was
    seen: that of a series that began after the first period of the panel and has sold for two periods
    since."""
    unsold = _unsold(panel)
    grid = grid_of(panel)
    all_series = [*grid.ids.tolist(), *unsold]
    vectors = content_vectors(panel.static, all_series)
    launches = _launches(grid, config)
    number = (~np.isnan(grid.values)).sum(axis=1)

    def forecast(own: Grid, horizon: int) -> tuple[Paths, Reasons]:
        paths = np.full((len(own), horizon, len(VALUES)), np.nan)
        is_new = number < config.mature
        reasons: Reasons = dict.fromkeys(map(int, np.flatnonzero(~is_new)), OWN_HISTORY)
        for row in np.flatnonzero(is_new):
            told = _told(own.values[row], int(row), vectors, launches, config)
            if told is None:
                reasons[int(row)] = NO_LAUNCH
            else:
                paths[row] = told
        return paths, reasons

    paths, reasons = guarded(grid, config.horizon, forecast, naive)
    fallbacks = fallbacks_frame(grid, reasons)
    frame = paths_frame(grid, paths)
    if unsold and len(launches.rows) and len(grid):
        first = len(grid)
        told = [_told(np.empty(0), first + i, vectors, launches, config) for i in range(len(unsold))]
        blank = _unsold_grid(grid, unsold)
        new = np.stack([one for one in told if one is not None])
        frame = pl.concat([frame, paths_frame(blank, new)]).sort("series_id", "date")
        fallbacks = fallbacks.filter(~pl.col("series_id").is_in(unsold))
    return FittedPaths(config, frame, fallbacks)


@dataclass(frozen=True, eq=False)
class _Launches:
    """`rows` (M,) of the grid; `curves` (M, ages): what each sold so many periods after its start."""

    rows: NDArray[np.intp]
    curves: Floats


def _unsold(panel: Panel) -> list[str]:
    told = panel.frame.filter(pl.col("value").is_not_null())
    found = panel.static.join(told, on="series_id", how="anti")["series_id"].unique().sort()
    return [str(name) for name in found]


def _unsold_grid(grid: Grid, unsold: list[str]) -> Grid:
    """Series that have no value, at the end of the panel."""
    lasts = np.full(len(unsold), grid.lasts.max())
    return replace(grid, ids=np.array(unsold), values=np.zeros((len(unsold), 1)), lasts=lasts, notes={})


def _launches(grid: Grid, config: AnalogConfig) -> _Launches:
    """Series whose start is seen, and two periods after it."""
    if not len(grid):
        return _Launches(np.empty(0, np.intp), np.empty((0, 1)))
    longest = int(grid.lengths.max())
    dates = grid.dates(np.arange(1 - longest, 1))
    begun = dates[np.arange(len(grid)), longest - grid.lengths]
    rows = np.flatnonzero((begun > begun.min()) & (grid.lengths >= 3))
    ages = config.mature + config.horizon
    length = grid.values.shape[1]
    places = (length - grid.lengths[rows])[:, None] + np.arange(ages)
    curves = grid.values[rows[:, None], np.minimum(places, length - 1)]
    curves[places >= length] = np.nan
    return _Launches(rows, curves)


def _told(
    values: Floats, row: int, vectors: NDArray[np.float32], launches: _Launches, config: AnalogConfig
) -> Floats | None:
    """(horizon, VALUES) of one series; None without a launch of another one."""
    others = launches.rows != row
    if not others.any():
        return None
    alike = vectors[launches.rows[others]] @ vectors[row]
    nearest = np.argsort(-alike, kind="stable")[: config.neighbors]
    curves = launches.curves[others][nearest]
    weights = np.exp((alike[nearest] - alike[nearest[0]]) / NEARNESS).astype(np.float64)
    known = np.flatnonzero(~np.isnan(values))
    own = values[known[0] :] if len(known) else np.empty(0)
    age = len(own)
    scaled = curves * _scales(own, curves, weights)[:, None]
    coming = scaled[:, age : age + config.horizon]
    coming = _carried(coming, scaled)
    told = np.empty((config.horizon, len(VALUES)))
    for step in range(config.horizon):
        told[step] = _weighted(coming[:, step], weights)
    return told


def _scales(own: Floats, curves: Floats, weights: Floats) -> Floats:
    """(K,) what brings each launch to the size of what the series has sold at the same ages; the fewer
    those are, the more a launch keeps its own size."""
    seen = curves[:, : len(own)]
    both = ~np.isnan(seen) & ~np.isnan(own)[None, :]
    usual = float(np.average(np.nanmean(curves, axis=1), weights=weights)) if len(curves) else 0.0
    mine = np.where(both, own[None, :] if len(own) else seen, 0.0).sum(axis=1)
    theirs = np.where(both, seen, 0.0).sum(axis=1)
    prior = PRIOR_PERIODS * max(usual, 1e-9)
    return np.asarray((mine + prior) / (theirs + prior))


def _carried(coming: Floats, scaled: Floats) -> Floats:
    """What a launch did not live to see: its last known value."""
    filled = coming.copy()
    known = ~np.isnan(scaled)
    last = scaled[np.arange(len(scaled)), scaled.shape[1] - 1 - known[:, ::-1].argmax(axis=1)]
    for step in range(filled.shape[1]):
        before = filled[:, step - 1] if step else last
        filled[:, step] = np.where(np.isnan(filled[:, step]), before, filled[:, step])
    return filled


def _weighted(values: Floats, weights: Floats) -> Floats:
    """(VALUES,) the weighted mean and quantiles, linear between the middles of the values' shares."""
    order = np.argsort(values, kind="stable")
    shares = weights[order] / weights.sum()
    middles = np.cumsum(shares) - shares / 2
    quantiles = np.interp(LEVELS_ARRAY, middles, values[order])
    return np.concatenate([[np.average(values, weights=weights)], quantiles])


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(AnalogConfig(**config), tables)


MODEL = ForecastModel("analog", AnalogConfig, fit, load)
