"""A panel with its regressors as arrays, for models that look at many series at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.forecast.grid import DAYS, Grid, grid_of, places
from foresell.predict.forecast.panel import Panel

Numbers = NDArray[np.float32]
# Of a regressor whose future is not known, so many of the newest periods tell what is usual.
USUAL_PERIODS = 8


@dataclass(frozen=True, eq=False)
class Knowledge:
    """`known` (K, N, T + horizon), `lagged` (L, N, T), `static` (N, S) as numbers, categories by their
    place in `vocabulary`; NaN is unknown. `assumed`: series_id → the known regressors whose future had to
    be assumed.
    """

    grid: Grid
    horizon: int
    known: Numbers
    lagged: Numbers
    static: Numbers
    names: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    vocabulary: Mapping[str, tuple[str, ...]]
    assumed: Mapping[str, tuple[str, ...]]

    @cached_property
    def running(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """(N, T + 1) each: the sum and the number of the known values before a column."""
        padded = np.pad(self.grid.values, ((0, 0), (1, 0)))
        return np.nancumsum(padded, axis=1), np.cumsum(~np.isnan(padded), axis=1, dtype=np.int32)


def knowledge_of(
    panel: Panel,
    horizon: int,
    future: pl.DataFrame | None = None,
    vocabulary: Mapping[str, tuple[str, ...]] | None = None,
) -> Knowledge:
    """What the panel knows, with `future` in the place of the panel's where it is given.

    A known regressor that is missing in the future gets the median of its last season of periods (of
    USUAL_PERIODS, where a season is shorter). A category that `vocabulary` (None: that of the panel) does not
    have is unknown. Raises InputError for a regressor that is not of numbers.
    """
    grid = grid_of(panel)
    ends = pl.DataFrame(
        {"series_id": grid.ids.tolist(), "last": grid.lasts}, schema_overrides={"last": pl.Date}
    )
    length = grid.values.shape[1]
    _check_numbers(panel)
    past = _spread(panel.frame, ends, panel, (*panel.known, *panel.lagged), length, 0)
    number = len(panel.known)
    ahead = _spread(panel.future if future is None else future, ends, panel, panel.known, 0, horizon)
    known = np.concatenate([past[:number], ahead], axis=2)
    assumed = _assume(known, length, max(panel.season, USUAL_PERIODS), grid, panel.known)
    static, words = _static(panel.static, ends, vocabulary)
    names = (panel.known, panel.lagged, tuple(words))
    return Knowledge(grid, horizon, known, past[number:], static, names, words_only(words), assumed)


def _check_numbers(panel: Panel) -> None:
    for name in panel.regressors:
        kind = panel.frame.schema.get(name)
        if kind is None or not (kind.is_numeric() or kind == pl.Boolean):
            raise InputError(
                f"The regressor '{name}' is not a column of numbers",
                received=kind or "no such column",
                do="Give numbers, or true and false.",
            )


def _spread(
    frame: pl.DataFrame, ends: pl.DataFrame, panel: Panel, names: tuple[str, ...], length: int, horizon: int
) -> Numbers:
    """(names, N, length + horizon): each column where its dates lie; columns that are not there are NaN."""
    planes = np.full((len(names), ends.height, length + horizon), np.nan, np.float32)
    there = [name for name in names if name in frame.columns]
    if not there or frame.is_empty():
        return planes
    rows = frame.select("series_id", "date", *there).join(
        ends, on="series_id", how="semi", maintain_order="left"
    )
    row, back = places(rows, ends, panel.period)
    column = length - 1 - back
    inside = (column >= 0) & (column < length + horizon)
    for place, name in enumerate(names):
        if name in there:
            values = rows[name].cast(pl.Float32).to_numpy()
            planes[place, row[inside], column[inside]] = values[inside]
    return planes


def _assume(
    known: Numbers, length: int, periods: int, grid: Grid, names: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Fills the unknown future in place; which regressors of which series."""
    found: dict[str, list[str]] = {}
    for name, plane in zip(names, known, strict=True):
        missing = np.isnan(plane[:, length:])
        rows = np.flatnonzero(missing.any(axis=1))
        if not len(rows):
            continue
        recent = plane[rows, max(0, length - periods) : length]
        usual = np.zeros(len(rows), np.float32)
        told = ~np.isnan(recent).all(axis=1)
        usual[told] = np.nanmedian(recent[told], axis=1)
        plane[rows, length:] = np.where(missing[rows], usual[:, None], plane[rows, length:])
        for row in rows:
            found.setdefault(str(grid.ids[row]), []).append(name)
    return {series_id: tuple(missed) for series_id, missed in found.items()}


def _static(
    static: pl.DataFrame, ends: pl.DataFrame, vocabulary: Mapping[str, tuple[str, ...]] | None
) -> tuple[Numbers, dict[str, tuple[str, ...] | None]]:
    """(N, S), and each column's words; None: numbers. Columns of vectors are left out."""
    if static.width <= 1:
        return np.empty((ends.height, 0), np.float32), {}
    rows = ends.select("series_id").join(
        static.unique("series_id", keep="last"), on="series_id", how="left", maintain_order="left"
    )
    columns: list[Numbers] = []
    words: dict[str, tuple[str, ...] | None] = {}
    for name in rows.columns[1:]:
        column = rows[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            words[name] = None
            columns.append(column.cast(pl.Float32).fill_null(np.nan).to_numpy())
        elif column.dtype == pl.String:
            told = tuple(sorted(column.drop_nulls().unique())) if vocabulary is None else vocabulary[name]
            words[name] = told
            codes = column.replace_strict(list(told), range(len(told)), default=None, return_dtype=pl.Float32)
            columns.append(codes.fill_null(np.nan).to_numpy())
    return np.column_stack(columns) if columns else np.empty((ends.height, 0), np.float32), words


def words_only(words: Mapping[str, tuple[str, ...] | None]) -> dict[str, tuple[str, ...]]:
    return {name: told for name, told in words.items() if told is not None}


def target_dates(grid: Grid, offsets: NDArray[np.int64], rows: NDArray[np.intp]) -> NDArray[np.datetime64]:
    """The dates that lie `offsets` periods after the last one of the series `rows`; of a shape."""
    lasts = grid.lasts[rows]
    if grid.period == "month":
        return np.asarray((lasts.astype("datetime64[M]") + offsets).astype("datetime64[D]"))
    return np.asarray(lasts + offsets * DAYS[grid.period])
