"""Regressors of days: holidays and the days around them, and whatever columns the table `calendar` has."""

import json
from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.predict.forecast.periods import DAY, Span

HOLIDAY_COLUMNS = ("holidays", "before_holidays", "after_holidays")


def holiday_columns(holidays: Collection[date], span: Span, lead_days: int, lag_days: int) -> pl.DataFrame:
    """date and HOLIDAY_COLUMNS: days of the period that are a holiday; that are none, but have one within
    `lead_days` after them; or else within `lag_days` before them. A day counts once."""
    days = span.days()
    is_holiday = pl.col("day").is_in(list(holidays))
    ahead = _near(holidays, -lead_days, -1)
    past = _near(holidays, 1, lag_days)
    is_before = ~is_holiday & pl.col("day").is_in(list(ahead))
    is_after = ~is_holiday & ~pl.col("day").is_in(list(ahead)) & pl.col("day").is_in(list(past))
    counts = {
        name: marks.sum().cast(pl.Float64)
        for name, marks in zip(HOLIDAY_COLUMNS, (is_holiday, is_before, is_after), strict=True)
    }
    return days.group_by("date").agg(**counts).sort("date")


def calendar_columns(tables: Tables, country: str | None, span: Span) -> pl.DataFrame:
    """date, and each number that `calendar.regressors` has for days of that country (or of no country): its
    mean over the period's days that have it; sorted. Without any: no column but date."""
    dates = span.dates().to_frame()
    if not tables.has_rows("calendar"):
        return dates
    calendar = tables.current("calendar")
    told = calendar.filter(calendar.regressors.notnull() & calendar.date.between(span.first, span.last_day))
    rows = told.select("date", "country", "regressors").to_pyarrow().to_pylist()
    values = [
        {"day": row["date"], "name": name, "number": float(number)}
        for row in rows
        if country is None or row["country"] in (None, "", country)
        for name, number in _numbers(row["regressors"])
    ]
    if not values:
        return dates
    schema = {"day": pl.Date, "name": pl.String, "number": pl.Float64}
    named = pl.DataFrame(values, schema=schema).join(span.days(), on="day")
    means = named.group_by("date", "name").agg(pl.col("number").mean()).sort("name")
    wide = means.pivot("name", index="date", values="number")
    return dates.join(wide, on="date", how="left").sort("date")


def _near(holidays: Collection[date], first: int, last: int) -> set[date]:
    """The days from `first` to `last` after a holiday."""
    return {day + timedelta(days=step) for day in holidays for step in range(first, last + 1)}


def _numbers(text: str) -> list[tuple[str, float]]:
    try:
        named = json.loads(text)
    except json.JSONDecodeError:
        return []
    if not isinstance(named, dict):
        return []
    return [(name, value) for name, value in named.items() if isinstance(value, int | float)]


def around(span: Span, days: int) -> tuple[date, date]:
    """The span's days and so many on each side: what holidays must be known of it."""
    return span.first - days * DAY, span.last_day + days * DAY
