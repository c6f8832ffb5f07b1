"""Forecasts whose quantiles are set to what held in windows of the past, by step and class of series."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.conformal import Offsets, half_width, offsets_of, recalibrated
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import QUANTILES, VALUES

# Classes of series: by how wide their intervals are for their size, in equal numbers.
NUM_CLASSES = 3
# Errors of fewer series tell no class apart.
FEWEST_SERIES = 60
# Steps are put together until a group has so many errors.
FEWEST_ERRORS = 100


@dataclass(frozen=True, eq=False)
class Widths:
    """`limits` (classes − 1,): the relative widths that part the classes; `offsets`: a group a class and
    step."""

    limits: Floats
    horizon: int
    offsets: Offsets

    def applied(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """A FORECAST frame with the quantiles set; a row with a null, or of no width, stays as it is."""
        if forecasts.is_empty():
            return forecasts
        steps = forecasts.select(pl.int_range(pl.len()).over("series_id")).to_series().to_numpy()
        values = forecasts.select(VALUES).to_numpy()[:, None, :].astype(np.float64)
        groups = _groups(_relative(forecasts), self.limits, steps, self.horizon)
        found = recalibrated(values, self.offsets, groups[:, None])[:, 0, 1:]
        floor = np.minimum(0.0, np.nanmin(values, axis=(1, 2), initial=0.0))
        found = np.maximum(found, floor[:, None])
        columns = [pl.Series(name, found[:, place]).fill_nan(None) for place, name in enumerate(QUANTILES)]
        return forecasts.with_columns(columns)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        columns = {"mean": self.offsets.means, **dict(zip(QUANTILES, self.offsets.table.T, strict=True))}
        return {
            "width_offsets": pl.DataFrame(columns),
            "width_limits": pl.DataFrame({"limit": self.limits}, schema={"limit": pl.Float64}),
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> "Widths | None":
        if "width_offsets" not in tables:
            return None
        table = tables["width_offsets"]
        limits = tables["width_limits"]["limit"].to_numpy()
        offsets = Offsets(table.select(QUANTILES).to_numpy(), table["mean"].to_numpy())
        return cls(limits, table.height // (len(limits) + 1), offsets)


def learn_widths(results: pl.DataFrame, horizon: int) -> Widths:
    """From FORECAST columns with `step` (from 1) and `value`, of one or more windows."""
    told = results.drop_nulls(["value", *QUANTILES]).sort("series_id", "date")
    relative = _relative(told)
    limits = np.empty(0)
    if told["series_id"].n_unique() >= FEWEST_SERIES:
        limits = np.unique(np.quantile(relative, np.arange(1, NUM_CLASSES) / NUM_CLASSES))
    half = half_width(told.select(VALUES).to_numpy()[:, None, :])[:, 0]
    missed = (told["value"] - told["q0.5"]).to_numpy()
    errors = np.divide(missed, half, out=np.full(len(half), np.nan), where=half > 0)
    groups = _groups(relative, limits, told["step"].to_numpy() - 1, horizon)
    tables, means = [], []
    for place in range(len(limits) + 1):
        own = (groups >= place * horizon) & (groups < (place + 1) * horizon)
        offsets = offsets_of(errors[own], groups[own] - place * horizon, horizon, fewest=FEWEST_ERRORS)
        tables.append(offsets.table)
        means.append(offsets.means)
    return Widths(limits, horizon, Offsets(np.concatenate(tables), np.concatenate(means)))


def _relative(forecasts: pl.DataFrame) -> Floats:
    """(n,) half the 80% interval over the size of the median."""
    half = (forecasts["q0.9"] - forecasts["q0.1"]).to_numpy().astype(np.float64) / 2
    size = np.abs(forecasts["q0.5"].to_numpy().astype(np.float64))
    return np.asarray(np.nan_to_num(half) / np.maximum(np.nan_to_num(size) + np.nan_to_num(half), 1e-12))


def _groups(relative: Floats, limits: Floats, steps: NDArray[np.int64], horizon: int) -> NDArray[np.intp]:
    return np.asarray(np.searchsorted(limits, relative, side="right") * horizon + steps, np.intp)
