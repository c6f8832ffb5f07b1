"""What was ordered or spent in the last period will be again: the guess that any model must beat."""

import numpy as np
import polars as pl

from foresell.predict.customers.value.naive import Floats, NaiveConfig, naive_model
from foresell.predict.customers.value.summary import LAST_ORDERS, LAST_SPEND, known_columns


def again(features: pl.DataFrame, config: NaiveConfig, days: float) -> Floats:
    """Another horizon than the config's: in proportion. Money below 0 (refunds) is 0."""
    last = known_columns(features, LAST_ORDERS if config.measure == "orders" else LAST_SPEND)[:, 0]
    return np.asarray(np.maximum(last, 0.0) * days / config.horizon_days)


MODEL = naive_model("last_period", again)
