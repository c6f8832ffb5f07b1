"""A customer's orders in a row of numbers: how many, when, how regular, how much.

    days = order_days(tables, settings, cutoff)           a row a customer and local day with an order
    summarize(days, until, horizon_days)                  a row a customer: VALUE_FEATURES

Several orders of one local day are one, as in the literature. The clock of a customer starts on the day of
the first order and stops on the last full or begun day before the cutoff.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.feature import Feature
from foresell.kpis.order_facts import counted_orders, paid_back, sold_lines
from foresell.kpis.scope import Scope
from foresell.predict.customers.value.history import AGE, FREQUENCY, MONEY, RECENCY

if TYPE_CHECKING:
    import ibis.expr.types as ir

ORDER_DAYS = pl.Schema(
    {"customer_id": pl.String(), "date": pl.Date(), "amount": pl.Float64(), "units": pl.Float64()}
)
WINDOWS = (30, 91, 182)
LAST_ORDERS, LAST_SPEND = "order_days_in_last_period", "spend_in_last_period"


def _features() -> tuple[Feature, ...]:
    days, money, orders, items = "days", "money", "orders", "items"
    plain = (
        (FREQUENCY, "days with an order after the first", "首单之后的下单天数", orders),
        (RECENCY, "days from the first order to the last", "首单到末单的天数", days),
        (AGE, "days since the first order", "距首单的天数", days),
        (MONEY, "mean value of an order day after the first", "首单之后每个下单日的平均金额", money),
        ("days_since_last", "days since the last order", "距末单的天数", days),
        (
            "idle_share",
            "share of the time since the first order that is after the last",
            "末单之后时间占比",
            "share",
        ),
        ("idle_in_gaps", "days since the last order, in usual gaps", "距末单天数相当于几个平均间隔", "times"),
        ("mean_gap", "mean days between orders", "平均下单间隔", days),
        ("longest_gap", "longest time between orders", "最长下单间隔", days),
        ("shortest_gap", "shortest time between orders", "最短下单间隔", days),
        ("last_gap", "days between the last two orders", "最近两单间隔", days),
        ("gap_spread", "how much the days between orders vary", "下单间隔的波动", days),
        ("spend", "all that was spent", "累计消费", money),
        ("mean_day_value", "mean value of an order day", "每个下单日的平均金额", money),
        ("first_day_value", "value of the first order day", "首单日金额", money),
        ("last_day_value", "value of the last order day", "末单日金额", money),
        ("largest_day_value", "value of the largest order day", "最大下单日金额", money),
        ("mean_day_units", "mean items of an order day", "每个下单日的平均件数", items),
        ("first_day_units", "items of the first order day", "首单日件数", items),
        (LAST_ORDERS, "days with an order in the last period", "上一周期的下单天数", orders),
        (LAST_SPEND, "spent in the last period", "上一周期的消费", money),
    )
    windows = [
        (
            f"order_days_{window}d",
            f"days with an order in the last {window} days",
            f"近{window}天下单天数",
            orders,
        )
        for window in WINDOWS
    ] + [
        (f"spend_{window}d", f"spent in the last {window} days", f"近{window}天消费", money)
        for window in WINDOWS
    ]
    return tuple(Feature(*one) for one in (*plain, *windows))


VALUE_FEATURES: tuple[Feature, ...] = _features()


@dataclass(frozen=True)
class CutScope(Scope):
    """A question put to a shop's tables cut in time. What the `whole` shop has none of, no cut of it has, so
    that is asked once and not at every cutoff."""

    whole: Scope | None = None

    def has_rows(self, table: str) -> bool:
        return self.whole.has_rows(table) if self.whole else super().has_rows(table)

    def has_values(self, table: str, column: str) -> bool:
        return self.whole.has_values(table, column) if self.whole else super().has_values(table, column)

    def has_foreign_money(self, table: str) -> bool:
        return self.whole.has_foreign_money(table) if self.whole else super().has_foreign_money(table)


def order_days(
    tables: Tables, settings: Settings, cutoff: datetime, *, whole: Scope | None = None
) -> pl.DataFrame:
    """ORDER_DAYS as known at `cutoff`, sorted: a row a customer and local day with an order that counts.

    `amount`: net of discounts and refunds, without tax and shipping, in the store's currency; a refund is
    taken off its order's day, one without an order off the last order day before it. `units`: null where
    unknown. Orders of nobody are left out. `whole`: the uncut shop, where several cutoffs are asked for.

    Raises InputError where no customer has an order before `cutoff`, or an exchange rate is missing.
    """
    scope = CutScope(asof(tables, settings, cutoff), settings, whole=whole or Scope(tables, settings))
    days = bought_days(scope)
    if days.is_empty():
        raise InputError(
            "No customer has an order before the cutoff",
            received=cutoff.isoformat(),
            do="Choose a later cutoff, or import earlier orders.",
        )
    return _less_refunds(days, scope)


def bought_days(scope: Scope) -> pl.DataFrame:
    """ORDER_DAYS of the scope's tables, before refunds; sorted."""
    orders = counted_orders(scope)
    orders = orders.filter(orders.customer_id.notnull(), orders.date.notnull())
    heads = orders.group_by("customer_id", "date").agg(num_orders=orders.count())
    lines = sold_lines(scope)
    lines = lines.filter(lines.customer_id.notnull())
    sold = lines.group_by(sold_to="customer_id", sold_on="date").agg(
        exact=lines.line_amount.sum(), spread=lines.spread.sum(), units=lines.quantity.sum()
    )
    joined = heads.left_join(sold, [heads.customer_id == sold.sold_to, heads.date == sold.sold_on])
    amount = joined.exact.cast("float64").fill_null(0.0) - joined.spread.fill_null(0.0)
    return _collected(joined.select("customer_id", "date", amount=amount, units=joined.units))


def _collected(table: "ir.Table") -> pl.DataFrame:
    frame: pl.DataFrame = table.to_polars()
    return frame.select(pl.col(name).cast(of) for name, of in ORDER_DAYS.items()).sort("customer_id", "date")


def refunds_of(scope: Scope) -> pl.DataFrame:
    """customer_id, date (of the refund), order_date (null: without an order), amount; sorted by date."""
    back = paid_back(scope)
    orders = counted_orders(scope).select(known_order="order_id", order_date="date")
    joined = back.left_join(orders, back.order_id == orders.known_order)
    joined = joined.filter(joined.customer_id.notnull(), joined.date.notnull())
    sums = joined.group_by("customer_id", "date", "order_date").agg(
        amount=joined.amount.sum().cast("float64")
    )
    frame: pl.DataFrame = sums.to_polars()
    return frame.sort("date", "customer_id", "order_date")


def _less_refunds(days: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    if not scope.has_rows("refunds"):
        return days
    back = refunds_of(scope).with_columns(on=pl.coalesce("order_date", "date")).sort("on", "customer_id")
    dates = days.select("customer_id", "date").sort("date", "customer_id")
    placed = back.select("customer_id", "on", "amount").join_asof(
        dates.with_columns(on=pl.col("date")), on="on", by="customer_id", check_sortedness=False
    )
    taken = placed.group_by("customer_id", "date").agg(refunded=pl.col("amount").sum())
    joined = days.join(taken, on=["customer_id", "date"], how="left", maintain_order="left")
    return joined.select(
        "customer_id", "date", amount=pl.col("amount") - pl.col("refunded").fill_null(0.0), units="units"
    )


def last_day(cutoff: datetime, settings: Settings) -> date:
    """The local day of the last moment before `cutoff`."""
    local = (cutoff - timedelta(microseconds=1)).astimezone(ZoneInfo(settings.store.time_zone))
    return local.date()


def summarize(days: pl.DataFrame, until: date, horizon_days: float) -> pl.DataFrame:
    """customer_id and VALUE_FEATURES as Float64, a row a customer with an order, sorted by customer_id.

    `days`: ORDER_DAYS, any order, a customer and date once (`units` may be missing); those after `until`,
    the last day that is known, are left out. `horizon_days`: the length of "the last period". Null: what
    takes a second order, or units.

    Raises InputError where a customer and date stand twice, or there is no order by `until`.
    """
    known = _checked(days, until)
    gap = pl.col("date").diff().over("customer_id").dt.total_days()
    known = known.with_columns(
        gap=gap,
        age=(pl.lit(until) - pl.col("date")).dt.total_days(),
        is_repeat=pl.col("date") > pl.col("date").min().over("customer_id"),
    )
    rows = known.group_by("customer_id", maintain_order=True).agg(
        _totals() + _in_windows((*WINDOWS, horizon_days))
    )
    idle = pl.col("days_since_last")
    rows = rows.with_columns(
        (pl.col(AGE) - idle).alias(RECENCY),
        idle_share=pl.when(pl.col(AGE) > 0).then(idle / pl.col(AGE)).otherwise(0.0),
        idle_in_gaps=idle / pl.col("mean_gap"),
    )
    return rows.select("customer_id", *(pl.col(one.name).cast(pl.Float64) for one in VALUE_FEATURES))


def _checked(days: pl.DataFrame, until: date) -> pl.DataFrame:
    if "units" not in days.columns:
        days = days.with_columns(units=pl.lit(None, pl.Float64))
    if days.select("customer_id", "date").is_duplicated().any():
        raise InputError("A customer and day stand twice", do="Add up the orders of a customer's day first.")
    known = days.filter(pl.col("date") <= until).sort("customer_id", "date")
    if known.is_empty():
        raise InputError("No customer has an order by then", received=until, do="Choose a later day.")
    return known


def _totals() -> list[pl.Expr]:
    amount, gap = pl.col("amount"), pl.col("gap")
    return [
        pl.col("is_repeat").sum().alias(FREQUENCY),
        pl.col("age").max().alias(AGE),
        amount.filter(pl.col("is_repeat")).mean().alias(MONEY),
        pl.col("age").min().alias("days_since_last"),
        gap.mean().alias("mean_gap"),
        gap.max().alias("longest_gap"),
        gap.min().alias("shortest_gap"),
        gap.last().alias("last_gap"),
        gap.std().alias("gap_spread"),
        amount.sum().alias("spend"),
        amount.mean().alias("mean_day_value"),
        amount.first().alias("first_day_value"),
        amount.last().alias("last_day_value"),
        amount.max().alias("largest_day_value"),
        pl.col("units").mean().alias("mean_day_units"),
        pl.col("units").first().alias("first_day_units"),
    ]


def _in_windows(windows: tuple[float, ...]) -> list[pl.Expr]:
    """Of each window; the last one is the period."""
    names = [(f"order_days_{window}d", f"spend_{window}d") for window in WINDOWS] + [
        (LAST_ORDERS, LAST_SPEND)
    ]
    found = []
    for window, (orders, spend) in zip(windows, names, strict=True):
        is_in = pl.col("age") < window
        found += [is_in.sum().alias(orders), pl.col("amount").filter(is_in).sum().alias(spend)]
    return found


def known_columns(features: pl.DataFrame, *names: str) -> NDArray[np.float64]:
    """(n, len(names)) numbers; null: NaN. Raises InputError naming a column that is missing."""
    if missing := [name for name in names if name not in features.columns]:
        raise InputError(
            "Features of value are missing",
            received=", ".join(features.columns) or "no columns",
            do=f"Add {', '.join(missing)}; `value.summary` makes them.",
        )
    return np.asarray(features.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy())
