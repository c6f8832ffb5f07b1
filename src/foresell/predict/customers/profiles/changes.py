"""What changed in a customer's last 90 days, where it is no matter of chance."""

from datetime import date, timedelta
from math import exp

import polars as pl

from foresell.predict.customers.profiles.backdrop import Backdrop, order_values
from foresell.predict.customers.profiles.profile import Change
from foresell.predict.customers.profiles.worth import RECENT_DAYS

# Kind → what it is.
CHANGES: dict[str, str] = {
    "orders_more": "orders more often than in the 90 days before",
    "orders_less": "orders less often than in the 90 days before",
    "category_new": "buys a category that was never bought before",
    "category_left": "no longer buys a category",
}
LEAST_NEW_ORDERS = 3
# A category is left where so small a chance of no purchase is left by the rate of before.
CHANCE = 0.01
MOST = 3


def changes(
    lines: pl.DataFrame, trend: dict[str, object], backdrop: Backdrop, today: date
) -> tuple[Change, ...]:
    """The notable changes of one customer. `trend`: their row of `worth.worth`.

    A category is new with 3 orders in the last 90 days and none before (after 90 days at least); it is left
    when the last 90 days have none and, at the rate of before, there was less than a chance of 1 in 100 of
    that (Poisson). At most 3 of each, the strongest first; ties by name.
    """
    middle = today - timedelta(days=RECENT_DAYS)
    found = []
    kind = {"rising": "orders_more", "falling": "orders_less"}.get(str(trend.get("trend")))
    if kind:
        before, after = (float(str(trend[name])) for name in ("earlier_orders", "recent_orders"))
        found.append(Change(kind, middle + timedelta(days=1), None, before, after))
    first = lines["date"].min()
    if not isinstance(first, date) or first > middle:
        return tuple(found)
    counted = _categories(lines, backdrop, middle)
    days_before = max((middle - first).days + 1, 1)
    new = counted.filter((pl.col("before") == 0) & (pl.col("after") >= LEAST_NEW_ORDERS))
    if days_before >= RECENT_DAYS:
        for row in new.sort(-pl.col("after"), "value").head(MOST).iter_rows(named=True):
            found.append(Change("category_new", row["first"], row["value"], 0.0, float(row["after"])))
    left = counted.filter(pl.col("after") == 0).sort(-pl.col("before"), "value")
    for row in left.head(MOST).iter_rows(named=True):
        if exp(-row["before"] * RECENT_DAYS / days_before) < CHANCE:
            found.append(Change("category_left", row["last"], row["value"], float(row["before"]), 0.0))
    return tuple(found)


def _categories(lines: pl.DataFrame, backdrop: Backdrop, middle: date) -> pl.DataFrame:
    pairs = order_values(lines, backdrop.kinds.filter(pl.col("kind") == "category"))
    is_after = pl.col("date") > middle
    return pairs.group_by("value").agg(
        before=(~is_after).sum().cast(pl.Int64),
        after=is_after.sum().cast(pl.Int64),
        first=pl.col("date").min(),
        last=pl.col("date").max(),
    )
