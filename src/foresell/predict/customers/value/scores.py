"""What customers are worth, as rows of the table `scores`."""

import json
from datetime import datetime

import polars as pl

from foresell.predict.customers.value.model import Measure

VALUE, ALIVE, ORDERS = "value", "alive", "orders"


def score_rows(
    customers: pl.Series,
    outlook: pl.DataFrame,
    *,
    measure: Measure,
    currency: str,
    model: str,
    cutoff_at: datetime,
    horizon_days: float,
    made_at: datetime,
) -> pl.DataFrame:
    """Rows of `contracts.results.scores`, by task and customer, in the order given.

    The task `value` (of orders: `orders`): the mean with its 80% interval, in `currency` (orders); `reasons`
    has the median and, where the model says them, the chances of any order and of being alive. The task
    `alive`, where the model knows it: the chance that the customer has not left for good, without a horizon.
    """
    told = outlook.select("median", "probability_any", "probability_alive").rename(
        {"probability_any": "chance_of_an_order", "probability_alive": "chance_to_be_alive"}
    )
    reasons = [
        json.dumps({name: round(number, 4) for name, number in row.items() if number is not None})
        for row in told.iter_rows(named=True)
    ]
    about = {
        "model": pl.lit(model),
        "is_chosen": pl.lit(None, pl.Boolean),
        "cutoff_at": pl.lit(cutoff_at).cast(pl.Datetime("us", "UTC")),
        "made_at": pl.lit(made_at).cast(pl.Datetime("us", "UTC")),
    }
    amounts = outlook.select(
        customer_id=customers,
        score="mean",
        lower="lower_80",
        upper="upper_80",
        task=pl.lit(VALUE if measure == "spend" else ORDERS),
        unit=pl.lit(currency if measure == "spend" else "orders"),
        reasons=pl.Series(reasons, dtype=pl.String),
        horizon_days=pl.lit(float(horizon_days)),
        **about,
    )
    if outlook["probability_alive"].null_count():
        return amounts
    alive = outlook.select(
        customer_id=customers,
        score="probability_alive",
        lower=pl.lit(None, pl.Float64),
        upper=pl.lit(None, pl.Float64),
        task=pl.lit(ALIVE),
        unit=pl.lit("probability"),
        reasons=pl.lit(None, pl.String),
        horizon_days=pl.lit(None, pl.Float64),
        **about,
    )
    return pl.concat([amounts, alive])
