"""Tastes: what a customer buys more often than others do, where there is evidence enough."""

import numpy as np
import polars as pl
from scipy.special import betainc

from foresell.predict.customers.profiles.backdrop import Backdrop, order_values

# Orders with the value that a taste takes, and what it must exceed to be one.
LEAST_ORDERS = 3
LEAST_LIFT = 1.25
LEAST_CONFIDENCE = 0.9
# Everybody's shares count as so many (order, value) pairs beside the customer's own.
PRIOR_PAIRS = 20.0
TASTE_SCHEMA = {
    "customer_id": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "num_orders": pl.Int64,
    "share": pl.Float64,
    "usual_share": pl.Float64,
    "lift": pl.Float64,
    "confidence": pl.Float64,
}


def tastes(lines: pl.DataFrame, backdrop: Backdrop, most: int = 3) -> pl.DataFrame:
    """A row a customer and taste, strongest first, `most` of each kind: customer_id, kind, value, num_orders,
    share, usual_share, lift, confidence.

    `share` is of the customer's (order, value) pairs, `usual_share` of all customers'. `lift` is their ratio
    with everybody's shares as 20 more pairs, so that few purchases say little; `confidence` the chance that
    the customer's true share is above the usual one (Beta posterior with that prior). Strength is pairs ×
    log(lift); ties by value.
    """
    pairs = order_values(lines, backdrop.kinds)
    counted = pairs.group_by("customer_id", "kind", "value").agg(num_orders=pl.len().cast(pl.Int64))
    counted = counted.with_columns(total=pl.col("num_orders").sum().over("customer_id", "kind"))
    seen = counted.filter(pl.col("num_orders") >= LEAST_ORDERS).join(
        backdrop.shares.rename({"share": "usual_share"}), on=["kind", "value"]
    )
    drawn = (pl.col("num_orders") + PRIOR_PAIRS * pl.col("usual_share")) / (pl.col("total") + PRIOR_PAIRS)
    seen = seen.with_columns(share=pl.col("num_orders") / pl.col("total"), lift=drawn / pl.col("usual_share"))
    seen = seen.filter((pl.col("lift") >= LEAST_LIFT) & (pl.col("usual_share") < 1))
    seen = seen.with_columns(confidence=_chance_above(seen))
    strength = pl.col("num_orders") * pl.col("lift").log()
    return (
        seen.filter(pl.col("confidence") >= LEAST_CONFIDENCE)
        .with_columns(strength=strength)
        .sort("customer_id", "kind", -pl.col("strength"), "value")
        .group_by("customer_id", "kind", maintain_order=True)
        .head(most)
        .select(*TASTE_SCHEMA)
    )


def _chance_above(seen: pl.DataFrame) -> pl.Series:
    usual = seen["usual_share"].to_numpy()
    taken, total = seen["num_orders"].to_numpy(), seen["total"].to_numpy()
    above = PRIOR_PAIRS * usual + taken
    below = PRIOR_PAIRS * (1 - usual) + total - taken
    return pl.Series(1.0 - np.asarray(betainc(above, below, usual)))
