"""CDNOW's files as order days, and their examples at a week."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from foresell.predict.customers.examples import Examples
from foresell.predict.customers.value.examples import examples_of
from foresell.predict.customers.value.summary import summarize

START = date(1997, 1, 1)
MASTER, SAMPLE, SUMMARY = (
    "CDNOW_master.txt",
    "CDNOW_sample.txt",
    "cdnow_customers_summary_with_transactions.csv",
)


def order_days(file: Path) -> pl.DataFrame:
    """ORDER_DAYS of the master or the sample: the last four words of a line are the customer's id in that
    file, the day, the number of CDs and their value. A line that is no transaction ends the run."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="ascii").splitlines(), 1):
        words = line.split()
        if not words or words[0] == "customer_id":
            continue
        if len(words) not in (4, 5):
            raise SystemExit(f"{file}, line {number}: {len(words)} words, not 4 or 5")
        rows.append((words[-4], _day(words[-3]), float(words[-1]), float(words[-2])))
    frame = pl.DataFrame(
        rows,
        {"customer_id": pl.String, "date": pl.Date, "amount": pl.Float64, "units": pl.Float64},
        orient="row",
    )
    return (
        frame.group_by("customer_id", "date").agg(pl.col("amount", "units").sum()).sort("customer_id", "date")
    )


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def at_week(week: int) -> date:
    """The first day after so many weeks."""
    return START + timedelta(weeks=week)


def features_at(days: pl.DataFrame, week: int, horizon_weeks: int) -> pl.DataFrame:
    return summarize(days, at_week(week) - timedelta(days=1), 7 * horizon_weeks)


def examples_at(days: pl.DataFrame, week: int, horizon_weeks: int, measure: str = "orders") -> Examples:
    """Everybody who ordered in the first `week` weeks; labels: order days, or money, in the weeks after."""
    since, until = at_week(week), at_week(week + horizon_weeks)
    later = days.filter(pl.col("date").is_between(since, until, closed="left"))
    amount = pl.len().cast(pl.Float64) if measure == "orders" else pl.col("amount").sum()
    amounts = later.group_by("customer_id").agg(amount=amount)
    cutoff = datetime(since.year, since.month, since.day, tzinfo=UTC)
    return examples_of(features_at(days, week, horizon_weeks), amounts, cutoff)
