"""Days, weeks and months: where they begin, and which of them the data cover in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.settings import WEEKDAYS, Settings
from foresell.predict.forecast.panel import EVERY, Period

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
# Periods of the main season.
SEASONS: dict[Period, int] = {"day": 7, "week": 52, "month": 12}


@dataclass(frozen=True, slots=True)
class Span:
    """The periods from that which begins on `first` to that which begins on `last`."""

    period: Period
    first: date
    last: date

    @property
    def last_day(self) -> date:
        return next_period(self.last, self.period) - DAY

    def after(self, horizon: int) -> "Span":
        """The `horizon` periods that follow."""
        first = last = next_period(self.last, self.period)
        for _ in range(horizon - 1):
            last = next_period(last, self.period)
        return Span(self.period, first, last)

    def dates(self) -> pl.Series:
        """The first day of each period."""
        return pl.date_range(self.first, self.last, EVERY[self.period], eager=True).alias("date")

    def days(self) -> pl.DataFrame:
        """date, day: a row a day, with the first day of its period."""
        days = pl.date_range(self.first, self.last_day, "1d", eager=True).alias("day")
        starts = self.dates().to_frame().sort("date")
        return days.to_frame().join_asof(starts, left_on="day", right_on="date")


def start_of(day: date, period: Period, settings: Settings) -> date:
    """The first local day of the day's period; weeks begin on the store's first day of a week."""
    if period == "day":
        return day
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=(day.weekday() - WEEKDAYS.index(settings.store.week_start)) % 7)


def next_period(start: date, period: Period) -> date:
    if period == "month":
        return date(start.year + start.month // 12, start.month % 12 + 1, 1)
    return start + (DAY if period == "day" else WEEK)


def full_periods(
    order_days: pl.Series, period: Period, settings: Settings, complete_through: date | None
) -> tuple[Span, tuple[str, ...]]:
    """The periods that the data cover in full, and a note on each that is left out.

    `order_days`: those with an order. A period is cut where a day of the week on which the shop ever sells
    lies in it before the first or after the last day (or after `complete_through`, where the caller knows to
    what day data are complete). Raises InputError where no period is left.
    """
    days: list[date] = order_days.unique().sort().to_list()
    if not days:
        raise InputError("There are no sales to forecast", do="Import orders first.")
    open_weekdays = {day.weekday() for day in days}

    def opens(day: date, end: date) -> bool:
        return any((day + DAY * i).weekday() in open_weekdays for i in range((end - day).days))

    begin, end = days[0], (complete_through or days[-1]) + DAY
    first, last = start_of(begin, period, settings), start_of(end - DAY, period, settings)
    if opens(first, begin):
        first = next_period(first, period)
    if opens(end, next_period(last, period)):
        last = start_of(last - DAY, period, settings)
    if first > last:
        raise InputError(
            f"There is no full {period} of sales",
            received=f"{days[0]} to {days[-1]}",
            do="Import a longer history.",
        )
    span = Span(period, first, last)
    return span, _left_out(days, span)


def _left_out(days: Sequence[date], span: Span) -> tuple[str, ...]:
    notes = []
    if days[0] < span.first:
        notes.append(f"The first {span.period} is not full ({days[0]} to {span.first - DAY}): left out.")
    if days[-1] > span.last_day:
        notes.append(f"The last {span.period} is not full ({span.last_day + DAY} to {days[-1]}): left out.")
    return tuple(notes)
