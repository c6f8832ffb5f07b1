"""Silence that is no chance: days on which nothing was sold although much would have been expected.

Such days tell nothing of demand: a place was shut, its records are missing, or a product was not on the
shelf. Days of the week on which a place never sells, and holidays, are expected to bring nothing.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import polars as pl

# A silence in which this much was expected has a chance of e^-9 under a Poisson process, 1 in 8,000.
EVIDENCE = 9.0
# Days on each side of a silence that say what was expected; the smaller of the two rates counts.
NEAR_DAYS = 28
# It is also so many times as long as the pauses between sales that most do not exceed: who only sells on the
# first of a month is not silent in between.
TIMES_USUAL_PAUSE = 1.5
MOST = 0.8
# No day of the week brings more than all of a week: what `_likely` may spare.
DAYS_OF_WEEK = 7


def silent_days(sales: pl.DataFrame, keys: Sequence[str], holidays: Collection[date]) -> pl.DataFrame:
    """`keys` (one at least), day: each day of each silence, between two days of sales.

    `sales`: keys, date, amount (orders or units, > 0), a row a key and day with any. The expectation of a
    silence is a rate a day × the weights of its days of the week, holidays 0; the rate is that of NEAR_DAYS
    up to it or after it, whichever is lower, so that neither growth nor decline looks like one.
    """
    runs = _likely(_runs(sales.sort(*keys, "date"), keys))
    days = runs.with_columns(day=pl.date_ranges("first_day", "last_day")).explode("day")
    weights = weekday_weights(sales, keys)
    days = days.with_columns(weekday=pl.col("day").dt.weekday()).join(
        weights, on=[*keys, "weekday"], how="left", nulls_equal=True
    )
    is_holiday = pl.col("day").is_in(list(holidays))
    expected = pl.when(is_holiday).then(0.0).otherwise(pl.col("rate") * pl.col("weight").fill_null(0.0))
    run = [*keys, "first_day"]
    return days.filter(expected.sum().over(run) >= EVIDENCE).select(*keys, "day")


def weekday_weights(sales: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """`keys`, weekday (1 Monday … 7), weight: a day's usual amount as a multiple of the key's mean day."""
    by_day = sales.group_by(*keys, weekday=pl.col("date").dt.weekday()).agg(weight=pl.col("amount").sum())
    whole = pl.col("weight").sum().over(keys)
    return by_day.with_columns(weight=pl.col("weight") * DAYS_OF_WEEK / whole)


def _runs(sales: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """keys, first_day, last_day, rate: the stretches of days without a sale between two days with one that
    are longer than usual."""
    near = timedelta(days=NEAR_DAYS)
    before = sales.rolling("date", period=near, group_by=keys).agg(before=pl.col("amount").sum())
    after = sales.rolling("date", period=near, offset=timedelta(0), closed="left", group_by=keys)
    both = before.with_columns(after.agg(after=pl.col("amount").sum())["after"]).with_columns(
        next=pl.col("date").shift(-1).over(keys), after=pl.col("after").shift(-1).over(keys)
    )
    pause = (pl.col("next") - pl.col("date")).dt.total_days()
    usual = pause.quantile(MOST, "lower").over(keys)
    return both.filter(pause > TIMES_USUAL_PAUSE * usual).select(
        *keys,
        first_day=pl.col("date").dt.offset_by("1d"),
        last_day=pl.col("next").dt.offset_by("-1d"),
        rate=pl.min_horizontal("before", "after") / NEAR_DAYS,
    )


def _likely(runs: pl.DataFrame) -> pl.DataFrame:
    """Without those that could not hold enough evidence whatever their days of the week."""
    num_days = (pl.col("last_day") - pl.col("first_day")).dt.total_days() + 1
    most = pl.col("rate") * (num_days + DAYS_OF_WEEK)
    return runs.filter(most >= EVIDENCE)
