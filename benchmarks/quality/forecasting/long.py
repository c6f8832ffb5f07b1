"""A long file as panels: what was known at an origin, and what came after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from foresell.predict.forecast.panel import EVERY, Panel, Period

# What is not dated by days, weeks or months is laid out on days from here on, in its own order.
FIRST_DAY = date(1970, 1, 1)
# A median distance between times, in days, up to which they are days, and weeks.
LONGEST_DAY, LONGEST_WEEK = 1, 7
# Whole numbers are counts of things where 99 of 100 are below.
SMALL = 50


@dataclass(frozen=True)
class LongFile:
    """`frame`: series_id, date, value and the regressors; every period of a series from its first to its last
    has a row. `dated`: whether dates are the file's own."""

    frame: pl.DataFrame
    static: pl.DataFrame
    period: Period
    season: int
    known: tuple[str, ...]
    lagged: tuple[str, ...]
    is_count: bool
    dated: bool

    @property
    def dates(self) -> list[date]:
        return self.frame["date"].unique().sort().to_list()

    def panel(self, last: date, horizon: int) -> Panel:
        """What was known after the period `last`; the known regressors of the `horizon` periods after it."""
        past = self.frame.filter(pl.col("date") <= last)
        started = past.filter(pl.col("value").is_not_null()).group_by("series_id")
        past = past.join(started.agg(first=pl.col("date").min()), on="series_id", maintain_order="left")
        past = past.filter(pl.col("date") >= pl.col("first")).drop("first")
        return Panel(
            past,
            self.period,
            self.season,
            known=self.known,
            lagged=self.lagged,
            future=self.ahead(last, horizon).select("series_id", "date", *self.known),
            static=self.static.join(past.select("series_id").unique(), on="series_id", how="semi"),
            is_count=self.is_count,
        )

    def actuals(self, last: date, horizon: int) -> pl.DataFrame:
        """series_id, date, value after the period `last`, of the series that had begun."""
        begun = self.frame.filter(pl.col("date") <= last, pl.col("value").is_not_null())
        ahead = self.ahead(last, horizon).select("series_id", "date", "value")
        return ahead.join(begun.select("series_id").unique(), on="series_id", how="semi")

    def ahead(self, last: date, horizon: int) -> pl.DataFrame:
        dates = [day for day in self.dates if day > last][:horizon]
        return self.frame.filter(pl.col("date").is_in(dates))


def read(
    path: Path,
    season: int,
    period: Period | None,
    known: Sequence[str] | None,
    static: Sequence[str],
    counts: bool | None,
) -> LongFile:
    """`known`: regressors whose future is known; None: none. Columns that never change within a series are
    static, the others that are not named are lagged: only their past is known. `period` and `counts`: None
    reads them off the data."""
    table = pl.read_csv(path, try_parse_dates=True) if path.suffix == ".csv" else pl.read_parquet(path)
    missing = {"series_id", "time", "y", *(known or ()), *static} - set(table.columns)
    if missing:
        raise SystemExit(f"{path} has no column {', '.join(sorted(missing))}")
    table = table.with_columns(pl.col("series_id").cast(pl.String), pl.col("y").cast(pl.Float64))
    table = table.with_columns(pl.col("y").fill_nan(None)).filter(pl.col("time").is_not_null())
    dates, found, dated = _dates(table, period)
    table = table.with_columns(date=dates).drop("time").rename({"y": "value"})
    others = [name for name in table.columns if name not in ("series_id", "date", "value")]
    fixed = [*static, *_fixed(table, [name for name in others if name not in (*static, *(known or ()))])]
    moving = [name for name in others if name not in fixed]
    told = tuple(known or ())
    frame = _without_gaps(table.select("series_id", "date", "value", *moving), found)
    return LongFile(
        frame,
        table.select("series_id", *fixed).unique("series_id", keep="first").sort("series_id"),
        found,
        season,
        told,
        tuple(name for name in moving if name not in told and table[name].dtype.is_numeric()),
        _are_counts(table["value"]) if counts is None else counts,
        dated,
    )


def _dates(table: pl.DataFrame, period: Period | None) -> tuple[pl.Series, Period, bool]:
    """The dates, what lies between them, and whether they are the file's own."""
    time = table["time"]
    if time.dtype.is_integer():
        found: Period = period or "day"
        days = {"day": 1, "week": 7, "month": 0}[found]
        if found == "month":
            months = pl.lit(FIRST_DAY).dt.offset_by(pl.format("{}mo", pl.col("time")))
            return table.select(date=months).to_series(), found, False
        dates = pl.lit(FIRST_DAY) + pl.duration(days=days * pl.col("time"))
        return table.select(date=dates.cast(pl.Date)).to_series(), found, False
    if time.dtype not in (pl.Date, pl.Datetime):
        time = time.cast(pl.String).str.to_datetime()
    distance = _distance(table.with_columns(time=time))
    if distance < timedelta(days=LONGEST_DAY):
        places = time.rank("dense").cast(pl.Int64) - 1
        laid_out = pl.select(pl.lit(FIRST_DAY) + pl.duration(days=places)).to_series()
        return laid_out.cast(pl.Date), "day", False
    if period is None:
        period = "day" if distance.days < LONGEST_WEEK else "week" if distance.days < 28 else "month"
    return time.cast(pl.Date), period, True


def _distance(table: pl.DataFrame) -> timedelta:
    steps = table.sort("series_id", "time").select(
        pl.col("time").cast(pl.Datetime("us")).diff().over("series_id")
    )
    median = steps.to_series().drop_nulls().median()
    if not isinstance(median, timedelta):
        raise SystemExit("No series has two times: there is nothing to learn from")
    return median


def _fixed(table: pl.DataFrame, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    most = table.group_by("series_id").agg(pl.col(names).n_unique()).select(pl.col(names).max()).row(0)
    return [name for name, number in zip(names, most, strict=True) if number == 1]


def _without_gaps(table: pl.DataFrame, period: Period) -> pl.DataFrame:
    every = EVERY[period]
    ends = table.group_by("series_id").agg(first=pl.col("date").min(), last=pl.col("date").max())
    grid = ends.with_columns(date=pl.date_ranges("first", "last", interval=every)).drop("first", "last")
    key = ["series_id", "date"]
    return grid.explode("date").join(table, on=key, how="left").sort(key)


def _are_counts(values: pl.Series) -> bool:
    known = values.drop_nulls()
    whole = bool(((known >= 0) & (known % 1 == 0)).all())
    return whole and float(known.quantile(0.99) or 0.0) < SMALL
