"""Rhythm: how often a customer buys, how long the pause is now, and when the next order is due by habit."""

from datetime import date

import polars as pl

LEAST_GAPS = 3
# Most days of the usual gap → what it is called.
RHYTHMS: dict[int, str] = {
    3: "several_a_week",
    10: "weekly",
    18: "every_two_weeks",
    45: "monthly",
    120: "quarterly",
}
RARELY = "rarely"
# Within this factor of the usual gap, a gap is usual.
NEAR = 2.0
# A pause is late beyond nine in ten of a customer's gaps, silent beyond the longest by half.
LATE_SHARE, SILENT_FACTOR = 0.9, 1.5


def rhythms(lines: pl.DataFrame, today: date) -> pl.DataFrame:
    """A row a customer: customer_id, num_orders, num_days (with an order), first_date, last_date, days_since,
    and of customers with 3 gaps between order days and more (others: null):

        usual_gap       median days between order days; gap_low, gap_high its quartiles
        rhythm          in words (RHYTHMS)
        regularity      share of gaps within a factor 2 of the usual one
        next_date       the last order plus the usual gap; next_from, next_to plus its quartiles
        pause           on_time, late (longer than nine in ten gaps), silent (longer than any by half)
        shorter_share   share of gaps shorter than the pause now

    `today`: the last local day that is known, to which the pause is counted.
    """
    days = lines.select("customer_id", "date").unique().sort("customer_id", "date")
    gap = pl.col("date").diff().over("customer_id").dt.total_days().cast(pl.Float64)
    gaps = days.with_columns(gap=gap).drop_nulls("gap")
    since = days.group_by("customer_id").agg(
        num_days=pl.len().cast(pl.Int64), first_date=pl.col("date").min(), last_date=pl.col("date").max()
    )
    since = since.with_columns(days_since=(pl.lit(today) - pl.col("last_date")).dt.total_days())
    orders = lines.group_by("customer_id").agg(num_orders=pl.col("order_id").n_unique().cast(pl.Int64))
    usual = _usual(gaps.join(since.select("customer_id", "days_since"), on="customer_id"))
    found = since.join(orders, on="customer_id").join(usual, on="customer_id", how="left")
    last = pl.col("last_date")
    return found.with_columns(
        next_date=last + pl.duration(days=pl.col("usual_gap").round()),
        next_from=last + pl.duration(days=pl.col("gap_low").round()),
        next_to=last + pl.duration(days=pl.col("gap_high").round()),
    ).sort("customer_id")


def _usual(gaps: pl.DataFrame) -> pl.DataFrame:
    median = pl.col("gap").median()
    found = (
        gaps.group_by("customer_id")
        .agg(
            num_gaps=pl.len().cast(pl.Int64),
            usual_gap=median,
            gap_low=pl.col("gap").quantile(0.25, "linear"),
            gap_high=pl.col("gap").quantile(0.75, "linear"),
            longest=pl.col("gap").max(),
            regularity=pl.col("gap").is_between(median / NEAR, median * NEAR).mean(),
            shorter_share=(pl.col("gap") < pl.col("days_since")).mean(),
            days_since=pl.col("days_since").first(),
        )
        .filter(pl.col("num_gaps") >= LEAST_GAPS)
    )
    rhythm: pl.Expr = pl.lit(RARELY)
    for most, name in reversed(RHYTHMS.items()):
        rhythm = pl.when(pl.col("usual_gap") <= most).then(pl.lit(name)).otherwise(rhythm)
    is_late = (pl.col("shorter_share") >= LATE_SHARE) & (pl.col("days_since") > pl.col("usual_gap"))
    is_silent = pl.col("days_since") > SILENT_FACTOR * pl.col("longest")
    short = pl.when(is_late).then(pl.lit("late")).otherwise(pl.lit("on_time"))
    pause = pl.when(is_silent).then(pl.lit("silent")).otherwise(short)
    return found.with_columns(rhythm=rhythm, pause=pause).drop("days_since")
