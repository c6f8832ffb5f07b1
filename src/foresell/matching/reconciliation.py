"""Purchase events against orders: which are the same sale, and where the two disagree.

Orders are the truth about money; a gap here means that visits, funnels and attribution miss sales, or count
what was none. Orders sold over a counter, and those outside the days that have purchase events, are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import MatchingSettings

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

# Sold over a counter: no browser sends an event.
OFFLINE_CHANNELS = ("store", "phone", "marketplace")
# Two amounts that were rounded apart.
TOLERANCE = 0.02
FLAGS = ("tracked", "missing", "orphan", "doubled", "cancelled", "refunded", "other_amount")
MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Reconciliation:
    """`rows`: a row an order, and a row a purchase event without one. Columns: local_date, source, order_id
    (of an orphan: what its event says), tied_by (order_id, likeness; null: nothing), and FLAGS:

    tracked       the order has a purchase event
    missing       it counts, and has none
    orphan        an event of no order
    doubled       the order's event was sent again
    cancelled     the order was cancelled or a test, and has an event
    refunded      money was given back, and it has an event
    other_amount  the event gives another amount, where the currency is the same
    """

    rows: "polars.DataFrame"

    def as_record(self) -> dict[str, object]:
        """Counts and `tracked_rate` (of the orders that should be) in all, by source and by day; examples."""
        return {
            "total": _counts(self.rows, [])[0],
            "by_source": self.by_source(),
            "by_day": _counts(self.rows, ["local_date"]),
            "examples": self.examples(),
        }

    def by_source(self) -> list[dict[str, Any]]:
        return _counts(self.rows, ["source"])

    def examples(self) -> dict[str, list[str]]:
        """Flag → ids of such orders, the smallest first; every flag but `tracked`."""
        import polars as pl

        found = {}
        for flag in FLAGS[1:]:
            ids = self.rows.filter(pl.col(flag))["order_id"].drop_nulls().unique().sort()
            found[flag] = ids.head(MAX_EXAMPLES).to_list()
        return found


def is_online(orders: Any) -> Any:
    """The condition that a browser or app may have sent an event of the order."""
    return orders.channel.fill_null("").notin(OFFLINE_CHANNELS)


def is_cancelled(orders: Any) -> Any:
    """The condition that an order counts nowhere."""
    by_status = (orders.status == "cancelled").fill_null(False)
    return by_status | orders.cancelled_at.notnull() | orders.is_test.fill_null(False)


def is_same_value(values: Iterable[Any], total: Any, shipping: Any, tax: Any) -> Any:
    """Whether any of an event's values is the order's total, that without shipping, or the goods alone.

    Expressions of Ibis or polars alike; unknown shipping and tax are 0.
    """
    same: Any = False
    for value in values:
        for target in (total, total - shipping - tax, total - shipping):
            same = same | ((value - target).abs() <= TOLERANCE)
    return same


def reconcile(tables: Tables, settings: MatchingSettings) -> Reconciliation:
    """Tie every purchase event to its order: by order id, else one to one, the closest in time first, to an
    order of the same customer and value within `event_window_minutes`."""
    import polars as pl

    purchases = _purchases(tables)
    orders = _orders(tables, purchases)
    by_id = orders.join(purchases, on="order_id").with_columns(tied_by=pl.lit("order_id"))
    awaited = pl.col("counts") & pl.col("is_online") & pl.col("in_span")
    missing = orders.filter(awaited).join(by_id, on="order_id", how="anti")
    orphans = purchases.join(by_id, on="unit", how="anti")
    alike = _alike(missing, orphans, timedelta(minutes=settings.event_window_minutes))
    orphans = orphans.join(alike, on="unit", how="anti")
    parts = [
        _tied(pl.concat([by_id, alike], how="diagonal")),
        _flagged(missing.join(alike, on="order_id", how="anti"), missing=True),
        _flagged(orphans.rename({"event_source": "source", "event_date": "local_date"}), orphan=True),
    ]
    return Reconciliation(pl.concat(parts).sort("local_date", "source", "order_id", nulls_last=True))


def _tied(rows: "polars.DataFrame") -> "polars.DataFrame":
    import polars as pl

    values = [pl.col("value_sum"), pl.col("value_most")]
    same = is_same_value(values, pl.col("total"), pl.col("shipping"), pl.col("tax"))
    is_comparable = (pl.col("event_currency") == pl.col("currency")).fill_null(True)
    return _flagged(
        rows,
        tracked=True,
        doubled=pl.col("most_copies") > 1,
        cancelled=~pl.col("counts"),
        refunded=pl.col("is_refunded"),
        other_amount=(is_comparable & ~same).fill_null(False),
    )


def _flagged(rows: "polars.DataFrame", **flags: Any) -> "polars.DataFrame":
    """The columns of a reconciliation; flags that are not given are false."""
    import polars as pl

    tied_by = pl.col("tied_by") if "tied_by" in rows.columns else pl.lit(None, pl.String)
    told = {flag: flags.get(flag, False) for flag in FLAGS}
    values = [v.alias(flag) if isinstance(v, pl.Expr) else pl.lit(v).alias(flag) for flag, v in told.items()]
    return rows.select("local_date", "source", "order_id", tied_by.alias("tied_by"), *values)


def _purchases(tables: Tables) -> "polars.DataFrame":
    """Purchases as events tell them, a row a sale: those of one order id, else of one session and moment.

    `most_copies`: how often the same product of it was sent. `value_sum`, `value_most`: whether each event
    gives the order's value or its item's.
    """
    import ibis
    import polars as pl

    events = tables.current("events")
    sent = events.filter(events.event_name == "purchase")
    moment = sent.session_id + "@" + sent.occurred_at.cast("string")
    sent = sent.mutate(
        unit=ibis.coalesce("o:" + sent.order_id, "s:" + moment, "e:" + sent.event_id),
        money=sent.value.cast("float64"),
    )
    copies = sent.group_by("unit", "product_id").agg(copies=sent.count())
    copies = copies.group_by("unit").agg(most_copies=copies.copies.max())
    told = sent.group_by("unit").agg(
        order_id=sent.order_id.min(),
        event_customer=sent.customer_id.min(),
        occurred_at=sent.occurred_at.min(),
        event_date=sent.local_date.min(),
        event_source=sent.source.min(),
        event_currency=sent.currency.min(),
        value_sum=sent.money.sum(),
        value_most=sent.money.max(),
    )
    rows: pl.DataFrame = told.inner_join(copies, "unit").to_polars()
    return rows.with_columns(pl.col("occurred_at").cast(pl.Datetime("us", "UTC")))


def _orders(tables: Tables, purchases: "polars.DataFrame") -> "polars.DataFrame":
    """Orders, with `counts` (neither cancelled nor a test), `is_online`, `in_span` (of the days that have
    purchase events) and `is_refunded`."""
    import polars as pl

    orders = tables.current("orders")
    refunds = tables.current("refunds")
    given_back = refunds.filter(refunds.order_id.notnull()).select(refunded_id="order_id").distinct()
    joined = orders.left_join(given_back, orders.order_id == given_back.refunded_id)
    rows: pl.DataFrame = _heads(joined).to_polars()
    first, last = purchases["event_date"].min(), purchases["event_date"].max()
    in_span = pl.lit(False) if first is None else pl.col("local_date").is_between(first, last)
    return rows.with_columns(pl.col("created_at").cast(pl.Datetime("us", "UTC")), in_span.alias("in_span"))


def _heads(orders: "ir.Table") -> "ir.Table":
    return orders.select(
        "order_id",
        "source",
        "local_date",
        "created_at",
        "customer_id",
        "currency",
        counts=~is_cancelled(orders),
        is_online=is_online(orders),
        is_refunded=orders.refunded_id.notnull() | (orders.status == "refunded").fill_null(False),
        total=orders.total_amount.cast("float64"),
        shipping=orders.shipping_amount.cast("float64").fill_null(0.0),
        tax=orders.tax_amount.cast("float64").fill_null(0.0),
    )


def _alike(
    orders: "polars.DataFrame", purchases: "polars.DataFrame", window: timedelta
) -> "polars.DataFrame":
    """Orders and purchases of the same customer and value close in time, one to one."""
    import polars as pl

    known = orders.drop_nulls("customer_id")
    pairs = known.join(purchases, left_on="customer_id", right_on="event_customer", suffix="_event")
    apart = (pl.col("created_at") - pl.col("occurred_at")).abs()
    values = [pl.col("value_sum"), pl.col("value_most")]
    same = is_same_value(values, pl.col("total"), pl.col("shipping"), pl.col("tax"))
    pairs = pairs.with_columns(apart.alias("apart")).filter(same & (pl.col("apart") <= window))
    pairs = pairs.sort("apart", "order_id", "unit")
    held = _first_of_each(pairs.select("order_id", "unit").rows())
    chosen = pl.DataFrame(held, {"order_id": pl.String, "unit": pl.String}, orient="row")
    pairs = pairs.join(chosen, on=["order_id", "unit"], how="semi")
    return pairs.with_columns(tied_by=pl.lit("likeness"))


def _first_of_each(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    taken: tuple[set[str], set[str]] = (set(), set())
    held = []
    for left, right in pairs:
        if left not in taken[0] and right not in taken[1]:
            taken[0].add(left)
            taken[1].add(right)
            held.append((left, right))
    return held


def _counts(rows: "polars.DataFrame", by: Sequence[str]) -> list[dict[str, Any]]:
    import polars as pl

    told = [
        pl.col("orphan").not_().sum().alias("orders"),
        *(pl.col(flag).sum() for flag in FLAGS),
        pl.col("tied_by").eq("likeness").sum().alias("tied_by_likeness"),
    ]
    # Orders that were cancelled need no event: they are in neither part of the rate.
    good = (pl.col("tracked") & ~pl.col("cancelled")).sum()
    rate = (good / (good + pl.col("missing").sum())).alias("tracked_rate")
    counted = rows.group_by(by).agg(*told, rate).sort(by) if by else rows.select(*told, rate)
    ready = counted.with_columns(pl.col("tracked_rate").fill_nan(None).round(6))
    return [
        {name: str(v) if name == "local_date" else v for name, v in row.items()} for row in ready.to_dicts()
    ]
