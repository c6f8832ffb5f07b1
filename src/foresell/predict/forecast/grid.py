"""A panel as arrays: a row a series, a column a period, every series ending in the last column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.forecast.panel import EVERY, Panel, Period

Floats = NDArray[np.float64]
DAYS: dict[Period, int] = {"day": 1, "week": 7}
UNKNOWN = "no value of it is known: not forecast"


@dataclass(frozen=True, eq=False)
class Grid:
    """`ids` (N,) in order; `values` (N, T): NaN is unknown or before the first known value; `lasts` (N,): the
    date of each series' last period. `notes`: what had to be mended, by series_id. Every row has a value that
    is known.
    """

    ids: NDArray[np.str_]
    values: Floats
    lasts: NDArray[np.datetime64]
    period: Period
    season: int
    is_count: bool
    notes: dict[str, str]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Grid":
        """Those rows."""
        return Grid(
            self.ids[rows],
            self.values[rows],
            self.lasts[rows],
            self.period,
            self.season,
            self.is_count,
            self.notes,
        )

    @property
    def lengths(self) -> NDArray[np.intp]:
        """(N,) periods from the first known value to the end."""
        known = ~np.isnan(self.values)
        return np.asarray(self.values.shape[1] - known.argmax(axis=1), np.intp)

    def history(self, row: int) -> Floats:
        """One series from its first known value on, what is unknown within drawn as a line between the known
        (after the last known: as that)."""
        values = self.values[row]
        known = np.flatnonzero(~np.isnan(values))
        return np.asarray(np.interp(np.arange(known[0], len(values)), known, values[known]))

    def dates(self, steps: Sequence[int] | NDArray[np.intp]) -> NDArray[np.datetime64]:
        """(N, steps) the dates so many periods after each series' last one (0: the last one)."""
        ahead = np.asarray(steps, np.int64)
        if self.period != "month":
            return np.asarray(self.lasts[:, None] + ahead[None, :] * DAYS[self.period])
        months = self.lasts.astype("datetime64[M]")
        days = (self.lasts - months.astype("datetime64[D]")).astype(np.int64)
        wanted = months[:, None] + ahead[None, :]
        length = (wanted + 1).astype("datetime64[D]") - wanted.astype("datetime64[D]")
        within = np.minimum(days[:, None], length.astype(np.int64) - 1)
        return np.asarray(wanted.astype("datetime64[D]") + within)


def grid_of(panel: Panel) -> Grid:
    """The panel's values.

    Of several rows of one series and date the last counts, and a note says so; dates that are left out are
    unknown. A series without a known value has a note and no row. Raises InputError where there is no series
    at all, or where dates do not lie a period apart.
    """
    frame, notes = _once(panel.frame.select("series_id", "date", "value"))
    known = frame.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
    if panel.frame.is_empty():
        raise InputError("There is no series to forecast", do="Import a longer history.")
    blank = frame.select("series_id").unique().join(known, on="series_id", how="anti")
    notes.update(dict.fromkeys(blank["series_id"], UNKNOWN))
    ends = frame.group_by("series_id", maintain_order=True).agg(last=pl.col("date").max())
    ends = ends.join(known.select("series_id").unique(), on="series_id", how="semi", maintain_order="left")
    ids = ends["series_id"].to_numpy().astype(np.str_)
    lasts = ends["last"].to_numpy().astype("datetime64[D]")
    rows, back = places(known, ends, panel.period)
    length = int(back.max()) + 1 if len(back) else 0
    values = np.full((len(ids), length), np.nan)
    values[rows, length - 1 - back] = known["value"].to_numpy()
    return Grid(ids, values, lasts, panel.period, panel.season, panel.is_count, notes)


def places(
    frame: pl.DataFrame, ends: pl.DataFrame, period: Period
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each row of `frame` (series_id, date) its row in `ends` (series_id, last) and how many periods it
    lies before that last one; every series of `frame` is in `ends`.

    Raises InputError where dates of a series do not lie whole periods apart.
    """
    found = frame.select("series_id", "date").join(
        ends.with_row_index("row"), on="series_id", how="left", maintain_order="left"
    )
    last, date = pl.col("last"), pl.col("date")
    if period == "month":
        months = (last.dt.year() - date.dt.year()).cast(pl.Int64) * 12 + last.dt.month() - date.dt.month()
        placed = found.select("row", "series_id", back=months, off=pl.lit(0))
    else:
        days = (last - date).dt.total_days()
        placed = found.select("row", "series_id", back=days // DAYS[period], off=days % DAYS[period])
    odd = placed.filter(pl.col("off") != 0)
    if odd.height:
        raise InputError(
            f"The dates of a series do not lie whole periods ({EVERY[period]}) apart",
            received=f"series {odd['series_id'][0]}",
            do="Give the first day of each period, or another period.",
        )
    return placed["row"].to_numpy().astype(np.intp), placed["back"].to_numpy().astype(np.intp)


def _once(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """The rows in order, one a series and date, and notes on the series that had more."""
    ordered = frame.sort("series_id", "date", maintain_order=True)
    again = (pl.col("series_id") == pl.col("series_id").shift(-1)) & (
        pl.col("date") == pl.col("date").shift(-1)
    )
    twice = ordered.select(again.fill_null(False)).to_series()
    if not twice.any():
        return ordered, {}
    doubled = ordered.filter(twice).group_by("series_id").len()
    notes = {
        series_id: f"{number} dates came more than once: the last value of each counts"
        for series_id, number in doubled.iter_rows()
    }
    return ordered.filter(~twice), notes
