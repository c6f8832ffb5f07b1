"""What a customer's past says of taste: the input of `item_knn` and `als`."""

import polars as pl

from foresell.predict.recommend.catalog import recency_weight


def profile(interactions: pl.DataFrame, half_life_days: float) -> pl.DataFrame:
    """customer_id, product_id, value = log(1 + Σ weight × recency); age from the customer's newest."""
    recency = recency_weight(pl.col("occurred_at").max().over("customer_id"), half_life_days)
    return (
        interactions.select("customer_id", "product_id", value=pl.col("weight") * recency)
        .group_by("customer_id", "product_id")
        .agg(pl.col("value").sum().log1p())
    )
