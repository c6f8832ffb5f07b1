"""Value so far: what a customer brought, among all customers, and whether it grows."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.special import betainc

from foresell.predict.customers.profiles.backdrop import QUANTILES, Backdrop

RECENT_DAYS = 90
# Share of customers with lower net sales, from which on → what it is called; the largest first.
VALUES: dict[float, str] = {0.9: "top_tenth", 0.75: "top_quarter", 0.25: "middle", 0.0: "lowest_quarter"}
TREND_CONFIDENCE = 0.95
LEAST_REFUNDS, MUCH_REFUNDED = 2, 2.0


def worth(lines: pl.DataFrame, refunds: pl.DataFrame, backdrop: Backdrop, today: date) -> pl.DataFrame:
    """A row a customer who bought: customer_id, gross_sales, discount, refunded, net_sales (less refunds),
    num_orders, average_order (of net sales before refunds), below_share (of customers with lower net sales),
    value (VALUES), num_refunds, refunded_share, and usual_refunded (everybody's share).

    And of those whose first order is 180 days ago and more (others: null): recent_orders, earlier_orders (of
    the last 90 days and the 90 before), trend (rising, steady, falling), trend_confidence: the chance that
    the rate of orders is higher now, or lower (Beta posterior of the recent share with prior 1/2, 1/2), of
    steady that neither is certain.
    """
    back = refunds.group_by("customer_id").agg(
        refunded=pl.col("amount").sum(), num_refunds=pl.len().cast(pl.Int64)
    )
    found = (
        lines.group_by("customer_id")
        .agg(
            gross_sales=pl.col("gross").sum(),
            discount=pl.col("discount").sum(),
            sold=pl.col("net").sum(),
            num_orders=pl.col("order_id").n_unique().cast(pl.Int64),
        )
        .join(back, on="customer_id", how="left")
        .with_columns(pl.col("refunded", "num_refunds").fill_null(0))
        .sort("customer_id")
    )
    sold = pl.col("sold")
    found = found.with_columns(
        net_sales=sold - pl.col("refunded"),
        average_order=sold / pl.col("num_orders"),
        refunded_share=pl.when(sold > 0).then(pl.col("refunded") / sold),
        usual_refunded=pl.lit(backdrop.refunded),
    )
    found = found.with_columns(
        below_share=pl.Series(np.interp(found["net_sales"].to_numpy(), backdrop.net_sales, QUANTILES))
    )
    value = pl.lit("")
    for least, name in reversed(VALUES.items()):
        value = pl.when(pl.col("below_share") >= least).then(pl.lit(name)).otherwise(value)
    return (
        found.with_columns(value=value).drop("sold").join(_trend(lines, today), on="customer_id", how="left")
    )


def _trend(lines: pl.DataFrame, today: date) -> pl.DataFrame:
    middle, start = today - timedelta(days=RECENT_DAYS), today - timedelta(days=2 * RECENT_DAYS)
    orders = lines.group_by("customer_id", "order_id").agg(pl.col("date").min())
    day = pl.col("date")
    found = (
        orders.group_by("customer_id")
        .agg(
            first=day.min(),
            recent_orders=(day > middle).sum().cast(pl.Int64),
            earlier_orders=((day > start) & (day <= middle)).sum().cast(pl.Int64),
        )
        .filter(pl.col("first") <= start, pl.col("recent_orders") + pl.col("earlier_orders") > 0)
        .drop("first")
    )
    recent, earlier = found["recent_orders"].to_numpy(), found["earlier_orders"].to_numpy()
    rising = 1.0 - np.asarray(betainc(recent + 0.5, earlier + 0.5, 0.5))
    trend = np.where(
        rising >= TREND_CONFIDENCE, "rising", np.where(rising <= 1 - TREND_CONFIDENCE, "falling", "steady")
    )
    lower = np.minimum(rising, 1 - rising)
    sure = np.where(trend == "steady", 2 * lower, 1 - lower)
    return found.with_columns(
        trend=pl.Series(trend, dtype=pl.String), trend_confidence=pl.Series(sure, dtype=pl.Float64)
    )
