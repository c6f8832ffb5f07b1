"""Examples of value: at each cutoff, what is known of each customer, and what they then ordered or spent."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import after
from foresell.kpis.scope import Scope
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.value.model import Measure, checked_measure
from foresell.predict.customers.value.summary import (
    VALUE_FEATURES,
    CutScope,
    bought_days,
    last_day,
    order_days,
    refunds_of,
    summarize,
)

HOUR = timedelta(hours=1)
NAMES = [feature.name for feature in VALUE_FEATURES]


def value_features(
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    horizon_days: float,
    *,
    whole: Scope | None = None,
) -> pl.DataFrame:
    """customer_id and VALUE_FEATURES as of `cutoff`, a row a customer with an order before it, sorted.

    Raises InputError as `order_days` does.
    """
    days = order_days(tables, settings, cutoff, whole=whole)
    return summarize(days, last_day(cutoff, settings), horizon_days)


def value_examples(
    tables: Tables,
    settings: Settings,
    cutoffs: Sequence[datetime],
    horizon_days: float,
    measure: Measure = "spend",
) -> Examples:
    """Of every cutoff, all customers with an order before it; labels: their measure in the horizon after it.

    Raises InputError where a cutoff has no order before it, a horizon ends after the last order that is known
    (its label would be too small), or no cutoff is given.
    """
    checked_measure(measure)
    _, until = history(tables, settings)
    parts, whole = [], Scope(tables, settings)
    for cutoff in cutoffs:
        _refuse_unknown_future(cutoff, horizon_days, until)
        features = value_features(tables, settings, cutoff, horizon_days, whole=whole)
        amounts = future_amounts(tables, settings, cutoff, horizon_days, whole=whole)
        parts.append(examples_of(features, amounts.select("customer_id", amount=measure), cutoff))
    return together(parts)


def examples_of(features: pl.DataFrame, amounts: pl.DataFrame, cutoff: datetime) -> Examples:
    """`features`: customer_id and VALUE_FEATURES; `amounts`: customer_id, amount, of those who ordered after
    `cutoff`; nobody else did."""
    joined = features.select("customer_id").join(
        amounts, on="customer_id", how="left", maintain_order="left", validate="m:1"
    )
    keys = features.select(entity_id="customer_id", cutoff_at=pl.lit(cutoff).cast(pl.Datetime("us", "UTC")))
    labels = joined["amount"].cast(pl.Float64).fill_null(0.0).to_numpy()
    return Examples(keys, features.select(NAMES), np.asarray(labels, np.float64), VALUE_FEATURES)


def future_amounts(
    tables: Tables,
    settings: Settings,
    cutoff: datetime,
    horizon_days: float,
    *,
    whole: Scope | None = None,
) -> pl.DataFrame:
    """customer_id, orders, spend in [cutoff, cutoff + horizon), as known at its end; who ordered only.

    `orders`: local days with an order. `spend`: of those days, less the refunds of the window, those of
    earlier orders included where they name the customer; never below 0.
    """
    later = after(tables, settings, cutoff, timedelta(days=horizon_days))
    scope = CutScope(later, settings, whole=whole or Scope(tables, settings))
    days = bought_days(scope)
    found = days.group_by("customer_id").agg(orders=pl.len().cast(pl.Float64), spend=pl.col("amount").sum())
    if scope.has_rows("refunds"):
        back = refunds_of(scope).group_by("customer_id").agg(refunded=pl.col("amount").sum())
        found = found.join(back, on="customer_id", how="left").with_columns(
            spend=pl.col("spend") - pl.col("refunded").fill_null(0.0)
        )
    return found.select("customer_id", "orders", spend=pl.col("spend").clip(lower_bound=0.0)).sort(
        "customer_id"
    )


def history(tables: Tables, settings: Settings) -> tuple[datetime, datetime]:
    """The local midnights (UTC) before the first and after the last day with a customer's order.

    Raises InputError where there is none.
    """
    orders = tables.current("orders")
    orders = orders.filter(orders.customer_id.notnull(), orders.local_date.notnull())
    days = orders.aggregate(first=orders.local_date.min(), last=orders.local_date.max()).to_pyarrow()
    first, last = days["first"][0].as_py(), days["last"][0].as_py()
    if first is None:
        raise InputError("No order has a customer", do="Import orders with customer_id.")
    return midnight(first, settings), midnight(last + timedelta(days=1), settings)


def midnight(day: date, settings: Settings) -> datetime:
    """The first moment of a local day, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(settings.store.time_zone)).astimezone(UTC)


def _refuse_unknown_future(cutoff: datetime, horizon_days: float, until: datetime) -> None:
    if not horizon_days > 0:
        raise InputError("A horizon must be above 0 days", received=horizon_days)
    # A horizon in days of 24 hours may end an hour beside midnight where clocks change.
    if cutoff + timedelta(days=horizon_days) > until + HOUR:
        raise InputError(
            "The horizon ends after the last order that is known",
            received=f"{cutoff.isoformat()} and {horizon_days:g} days; orders end before {until.isoformat()}",
            do="Choose an earlier cutoff or a shorter horizon.",
        )
