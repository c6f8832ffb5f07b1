"""At what price level a customer buys, and whether discounts move them against others with the same goods."""

import numpy as np
import polars as pl
from scipy.special import ndtr, stdtr, stdtrit

from foresell.predict.customers.profiles.backdrop import Backdrop, log_price

LEAST_LINES = 10
LEAST_ORDERS = 3
# A level is high from a quarter of the category's spread above its mean price on.
HIGH = 0.25
# A difference of share from which on discounts are said to matter.
MATTERS = 0.05
LEVELS = ("low", "middle", "high")


def price_levels(lines: pl.DataFrame, backdrop: Backdrop) -> pl.DataFrame:
    """A row a customer with 10 priced lines and more: customer_id, level (low, middle, high), distance (mean,
    in standard deviations of the log price within its category), error, num_lines, confidence (the chance of
    that level, given distance and error).

    Errors are of lines as if independent; services and categories with fewer than 20 lines are left out.
    """
    known = backdrop.products.filter("is_good").select("product_id", "log_spread", usual="log_price")
    seen = lines.join(known.drop_nulls(), on="product_id").with_columns(price=log_price()).drop_nulls("price")
    distance = (pl.col("price") - pl.col("usual")) / pl.col("log_spread")
    found = (
        seen.group_by("customer_id")
        .agg(distance=distance.mean(), spread=distance.std(), num_lines=pl.len().cast(pl.Int64))
        .filter(pl.col("num_lines") >= LEAST_LINES)
        .sort("customer_id")
    )
    error = (found["spread"] / found["num_lines"].sqrt()).to_numpy().clip(1e-9)
    middle = found["distance"].to_numpy()
    below, above = ndtr((-HIGH - middle) / error), 1 - ndtr((HIGH - middle) / error)
    chances = np.column_stack([below, 1 - below - above, above])
    level = (middle > -HIGH).astype(np.int64) + (middle > HIGH)
    return found.select("customer_id", "distance", "num_lines").with_columns(
        level=pl.Series([LEVELS[one] for one in level], dtype=pl.String),
        error=pl.Series(error),
        confidence=pl.Series(chances[np.arange(len(level)), level], dtype=pl.Float64),
    )


def discount_leanings(lines: pl.DataFrame, backdrop: Backdrop, level: float = 0.95) -> pl.DataFrame:
    """A row a customer with 10 lines in 3 orders and more: customer_id, share (of lines bought on discount),
    expected (of the same goods, as everybody buys them), difference, lower, upper, num_lines, num_orders,
    leaning (seeks, indifferent, avoids), confidence.

    The interval is Student's, over orders: what is in one basket hangs together (cluster-robust; Liang and
    Zeger, Biometrika 73, 1986). `leaning` needs an interval without 0 and a difference of 5 points;
    `confidence` is the chance that the difference has its sign, of indifferent that it is within 5 points.
    """
    known = backdrop.products.filter("is_good").select("product_id", "expected")
    seen = lines.join(known, on="product_id").with_columns(
        is_discounted=(pl.col("discount") > 0).cast(pl.Float64)
    )
    orders = seen.group_by("customer_id", "order_id").agg(
        lines=pl.len().cast(pl.Float64),
        discounted=pl.col("is_discounted").sum(),
        expected=pl.col("expected").sum(),
    )
    rest = pl.col("discounted") - pl.col("expected")
    found = (
        orders.with_columns(rest=rest)
        .group_by("customer_id")
        .agg(
            num_lines=pl.col("lines").sum().cast(pl.Int64),
            num_orders=pl.len().cast(pl.Int64),
            share=pl.col("discounted").sum() / pl.col("lines").sum(),
            expected=pl.col("expected").sum() / pl.col("lines").sum(),
            squares=(pl.col("rest") ** 2).sum(),
            crosses=(pl.col("rest") * pl.col("lines")).sum(),
            sizes=(pl.col("lines") ** 2).sum(),
        )
        .filter((pl.col("num_lines") >= LEAST_LINES) & (pl.col("num_orders") >= LEAST_ORDERS))
        .sort("customer_id")
        .with_columns(difference=pl.col("share") - pl.col("expected"))
    )
    return _with_leaning(found, level)


def _with_leaning(found: pl.DataFrame, level: float) -> pl.DataFrame:
    gap, num = found["difference"].to_numpy(), found["num_orders"].to_numpy()
    squares = found["squares"].to_numpy() - 2 * gap * found["crosses"].to_numpy()
    squares = np.maximum(squares + gap**2 * found["sizes"].to_numpy(), 0.0) * num / (num - 1)
    error = np.maximum(np.sqrt(squares) / found["num_lines"].to_numpy(), 1e-9)
    half = stdtrit(num - 1, (1 + level) / 2) * error
    sign = stdtr(num - 1, np.abs(gap) / error)
    within = stdtr(num - 1, (MATTERS - gap) / error) - stdtr(num - 1, (-MATTERS - gap) / error)
    leaning = np.where(
        (gap - half > 0) & (gap >= MATTERS),
        "seeks",
        np.where((gap + half < 0) & (gap <= -MATTERS), "avoids", "indifferent"),
    )
    return found.drop("squares", "crosses", "sizes").with_columns(
        lower=pl.Series(gap - half),
        upper=pl.Series(gap + half),
        leaning=pl.Series(leaning, dtype=pl.String),
        confidence=pl.Series(np.where(leaning == "indifferent", within, sign)),
    )
