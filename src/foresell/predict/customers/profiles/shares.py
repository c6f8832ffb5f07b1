"""Which channel and device a customer uses most."""

import numpy as np
import polars as pl
from scipy.special import betainc

LEAST_TIMES = 3
LEAST_CONFIDENCE = 0.8


def channels(lines: pl.DataFrame) -> pl.DataFrame:
    """customer_id, value, times (orders), share: a row a channel; orders without channel are left out."""
    orders = lines.select("customer_id", "order_id", value="channel").unique().drop_nulls("value")
    return _with_shares(orders.group_by("customer_id", "value").agg(times=pl.len().cast(pl.Int64)))


def devices(visits: pl.DataFrame) -> pl.DataFrame:
    """customer_id, value, times (visits), share: a row a device. `visits`: `lines.read_devices`."""
    return _with_shares(visits.select("customer_id", value="device", times=pl.col("visits").cast(pl.Int64)))


def preferred(used: pl.DataFrame) -> pl.DataFrame:
    """A row a customer who uses one more than all others together: customer_id, value, times, share, and
    confidence, the chance of that (Beta posterior with prior 1/2, 1/2; at least 0.8)."""
    total = (pl.col("times") / pl.col("share")).round()
    first = (
        used.sort("customer_id", -pl.col("times"), "value")
        .group_by("customer_id", maintain_order=True)
        .first()
        .with_columns(total=total)
        .filter(pl.col("times") >= LEAST_TIMES)
    )
    times, others = first["times"].to_numpy(), (first["total"] - first["times"]).to_numpy()
    sure = 1.0 - np.asarray(betainc(times + 0.5, others + 0.5, 0.5))
    found = first.with_columns(confidence=pl.Series(sure, dtype=pl.Float64))
    return found.filter(pl.col("confidence") >= LEAST_CONFIDENCE).drop("total")


def _with_shares(counted: pl.DataFrame) -> pl.DataFrame:
    share = pl.col("times") / pl.col("times").sum().over("customer_id")
    return counted.with_columns(share=share).sort("customer_id", -pl.col("times"), "value")
