"""Weekly series of what was sold, equal to the KPI of the same name week by week."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import WEEKDAYS, Settings
from foresell.kpis.dimensions import DIMENSIONS
from foresell.kpis.query import query_kpi

Measure = Literal["net_sales", "units"]
UNKNOWN = "(unknown)"
WHOLE_SHOP = "shop"
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WeeklySeries:
    """`frame`: series_id, date (first local day of the week), value; sorted, without gaps.

    Every series runs from its first sale to `last_week`, which is the last full week of the whole shop;
    weeks without a sale are 0. `notes` say what was left out, for the reader of a report.
    """

    frame: pl.DataFrame
    first_week: date
    last_week: date
    notes: tuple[str, ...]

    @property
    def cutoff_date(self) -> date:
        """The last day that is in the series."""
        return self.last_week + WEEK - DAY

    def until(self, last_week: date) -> "WeeklySeries":
        """The same, cut after an earlier week."""
        return WeeklySeries(
            self.frame.filter(pl.col("date") <= last_week), self.first_week, last_week, self.notes
        )


def weekly_series(
    tables: Tables,
    settings: Settings,
    measure: Measure = "net_sales",
    *,
    complete_through: date | None = None,
) -> WeeklySeries:
    """A series for each value of `settings.forecast.series_by`; weeks start on the store's week start.

    "shop" is one series of that name, and so is a store that does not know the attribute.

    `measure`: net_sales (the store's currency) or units (goods without services), as the KPIs define them.
    Products without that attribute are the series "(unknown)". Weeks that the data do not cover in full are
    dropped: those with a day of the week on which the shop ever sells, before the first or after the last
    day with an order (or after `complete_through`, where the caller knows to what day data are complete).

    Raises InputError where no full week is left, and what the KPI raises.
    """
    days = _order_days(tables)
    if not days:
        raise InputError("There are no sales to forecast", do="Import orders first.")
    first, last = _full_weeks(days, settings, complete_through)
    if first > last:
        raise InputError(
            "There is no full week of sales",
            received=f"{days[0]} to {days[-1]}",
            do="Import a longer history.",
        )
    by = _dimension(tables, settings)
    answer = query_kpi(tables, settings, measure, by=by, period="week", start=first, end=last + WEEK - DAY)
    rows = pl.DataFrame(
        {
            "series_id": [(row[by] or UNKNOWN) if by else WHOLE_SHOP for row in answer.rows],
            "date": [date.fromisoformat(row["period"]) for row in answer.rows],
            "value": [float(row["value"] or 0.0) for row in answer.rows],
        },
        schema={"series_id": pl.String, "date": pl.Date, "value": pl.Float64},
    )
    notes = _notes(days, first, last)
    if by is None and settings.forecast.series_by != WHOLE_SHOP:
        notes = (*notes, f"No {settings.forecast.series_by} is known: the whole shop is one series.")
    return WeeklySeries(_without_gaps(rows, last), first, last, notes)


def _dimension(tables: Tables, settings: Settings) -> str | None:
    """What the series are cut by; None, the whole shop, also where the store lacks what it takes."""
    by = settings.forecast.series_by
    if by == WHOLE_SHOP:
        return None
    table = DIMENSIONS[by].table
    return by if table is None or tables.has_rows(table) else None


def _order_days(tables: Tables) -> list[date]:
    orders = tables.current("orders")
    days = orders.filter(orders.local_date.notnull()).select("local_date").distinct().to_pyarrow()
    return sorted(days["local_date"].to_pylist())


def _full_weeks(days: list[date], settings: Settings, complete_through: date | None) -> tuple[date, date]:
    """The first days of the first and the last full week."""
    start_of_week = WEEKDAYS.index(settings.store.week_start)
    open_weekdays = {day.weekday() for day in days}

    def week_of(day: date) -> date:
        return day - timedelta(days=(day.weekday() - start_of_week) % 7)

    def opens(day: date, end: date) -> bool:
        return any((day + timedelta(days=i)).weekday() in open_weekdays for i in range((end - day).days))

    first, end = week_of(days[0]), (complete_through or days[-1]) + DAY
    last = week_of(end - DAY)
    is_first_cut = opens(first, days[0])
    is_last_cut = opens(end, last + WEEK)
    return first + WEEK * is_first_cut, last - WEEK * is_last_cut


def _without_gaps(rows: pl.DataFrame, last: date) -> pl.DataFrame:
    starts = rows.group_by("series_id").agg(first=pl.col("date").min())
    weeks = starts.with_columns(date=pl.date_ranges("first", pl.lit(last), interval="1w")).drop("first")
    grid = weeks.explode("date")
    return (
        grid.join(rows, on=["series_id", "date"], how="left")
        .with_columns(pl.col("value").fill_null(0.0))
        .sort("series_id", "date")
    )


def _notes(days: list[date], first: date, last: date) -> tuple[str, ...]:
    notes = []
    if days[0] < first:
        notes.append(f"The first week is not full ({days[0]} to {first - DAY}): left out.")
    if days[-1] >= last + WEEK:
        notes.append(f"The last week is not full ({last + WEEK} to {days[-1]}): left out.")
    return tuple(notes)
