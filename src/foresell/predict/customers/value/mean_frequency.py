"""As often as so far, each time for as much as so far: mean order value × orders a day × days."""

import numpy as np
import polars as pl

from foresell.predict.customers.value.history import AGE, FREQUENCY
from foresell.predict.customers.value.naive import Floats, NaiveConfig, naive_model
from foresell.predict.customers.value.summary import known_columns


def at_the_same_rate(features: pl.DataFrame, config: NaiveConfig, days: float) -> Floats:
    """All orders, the first included, over the time since the first one, which counts as the days ahead where
    it is shorter: two orders in a week are no hundred a year."""
    repeats, age, value = known_columns(features, FREQUENCY, AGE, "mean_day_value").T
    orders = (repeats + 1) * days / np.maximum(age, days)
    return np.asarray(orders * (1.0 if config.measure == "orders" else np.maximum(value, 0.0)))


MODEL = naive_model("mean_frequency", at_the_same_rate)
