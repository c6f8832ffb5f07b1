"""What a customer's past says of taste: the input of `item_knn`, `als` and `content`.

value = log(1 + Σ weight × recency), age from the customer's newest action
"""

from typing import Any

import numpy as np
import polars as pl

from foresell.predict.recommend.catalog import recency_weight
from foresell.predict.recommend.timelines import Timelines


def profile(interactions: pl.DataFrame, half_life_days: float) -> pl.DataFrame:
    """customer_id, product_id, value: of everybody, to learn from."""
    recency = recency_weight(pl.col("occurred_at").max().over("customer_id"), half_life_days)
    return (
        interactions.select("customer_id", "product_id", value=pl.col("weight") * recency)
        .group_by("customer_id", "product_id")
        .agg(pl.col("value").sum().log1p())
    )


def tastes(told: Timelines, half_life_days: float, num_products: int) -> Any:
    """(C, P) CSR: the same of who asks, to answer."""
    values = told.weight * 2.0 ** (-told.age_days / half_life_days)
    customers, products, sums = told.summed(values, num_products)
    return told.matrix(customers, products, np.log1p(sums), num_products)
