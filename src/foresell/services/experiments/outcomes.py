"""What customers did after a moment of their own, and before it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.services.experiments.declaration import Metric

if TYPE_CHECKING:
    import polars as pl

CLICK = "select_item"
BEFORE = "_before"
FROM_ORDERS: tuple[Metric, ...] = ("revenue", "conversion", "orders", "units")


def known_until(tables: Tables, metrics: Sequence[Metric]) -> datetime | None:
    """When the last of what these are made of happened: nothing is known of what came later. None:
    nothing."""
    needed = [("orders", "created_at")] if set(metrics) & set(FROM_ORDERS) else []
    needed += [("events", "occurred_at")] if "clicks" in metrics else []
    newest = [tables.current(name)[column].max().to_pyarrow().as_py() for name, column in needed]
    return None if None in newest else min(one.astimezone(UTC) for one in newest)


def measured(
    tables: Tables,
    settings: Settings,
    people: "pl.DataFrame",
    metrics: Sequence[Metric],
    *,
    after: timedelta,
    before: timedelta,
) -> "pl.DataFrame":
    """`people` (customer_id, distinct, and at, in UTC) with METRIC and METRIC_before for each metric.

    From `at` (inclusive) for `after`, and the `before` that ends there. revenue: what was bought, after
    discounts, without tax, before refunds, in the store's currency. conversion: 1 with an order, else 0.
    clicks: products selected. Nothing done is 0. InputError for a missing exchange rate.
    """
    import polars as pl

    facts = []
    if set(metrics) & set(FROM_ORDERS):
        facts.append(_orders(tables, settings, people, before))
    if "clicks" in metrics:
        facts.append(_clicks(tables, people))
    told = people
    for rows in facts:
        own = rows.join(people, on="customer_id")
        is_after = (pl.col("done_at") >= pl.col("at")) & (pl.col("done_at") < pl.col("at") + after)
        is_before = (pl.col("done_at") < pl.col("at")) & (pl.col("done_at") >= pl.col("at") - before)
        values = [name for name in rows.columns if name not in ("customer_id", "done_at")]
        for is_then, ending in ((is_after, ""), (is_before, BEFORE)):
            sums = own.filter(is_then).group_by("customer_id").agg(pl.col(values).sum().name.suffix(ending))
            told = told.join(sums, on="customer_id", how="left", maintain_order="left")
    told = told.with_columns(pl.exclude("customer_id", "at").fill_null(0.0))
    for ending in ("", BEFORE):
        if f"orders{ending}" in told.columns:
            told = told.with_columns(
                (pl.col(f"orders{ending}") > 0).cast(pl.Float64).alias(f"conversion{ending}")
            )
    return told.select(*people.columns, *(f"{one}{ending}" for one in metrics for ending in ("", BEFORE)))


def _orders(tables: Tables, settings: Settings, people: "pl.DataFrame", before: timedelta) -> "pl.DataFrame":
    """customer_id, done_at, revenue, orders, units: a row an order that counts."""
    import polars as pl

    from foresell.kpis.order_facts import sold_lines
    from foresell.kpis.scope import make_scope

    schema: dict[str, Any] = {
        "customer_id": pl.String,
        "done_at": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("revenue", "orders", "units"), pl.Float64),
    }
    if people.is_empty():
        return pl.DataFrame(schema=schema)
    # A day early: an order's local day is that of its own time zone.
    first: Any = people["at"].min()
    lines = sold_lines(make_scope(tables, settings, start=(first - before).date() - timedelta(days=1)))
    lines = lines.mutate(revenue=lines.line_amount.cast("float64") - lines.spread)
    found = lines.group_by("order_id").agg(
        customer_id=lines.customer_id.max(),
        done_at=lines.created_at.max(),
        revenue=lines.revenue.sum(),
        units=lines.quantity.fill_null(0.0).sum(),
    )
    rows = _of(found, people).with_columns(orders=pl.lit(1.0))
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _clicks(tables: Tables, people: "pl.DataFrame") -> "pl.DataFrame":
    """customer_id, done_at, clicks: a row an event."""
    import polars as pl

    events = tables.current("events")
    events = events.filter(events.event_name == CLICK).select("customer_id", done_at="occurred_at")
    return _of(events, people).with_columns(clicks=pl.lit(1.0))


def _of(rows: Any, people: "pl.DataFrame") -> "pl.DataFrame":
    """The rows of these people, `done_at` in UTC."""
    import ibis
    import polars as pl

    wanted = ibis.memtable(people.select("customer_id").to_arrow())
    found: pl.DataFrame = rows.semi_join(wanted, "customer_id").to_polars()
    at = pl.col("done_at")
    if not getattr(found.schema["done_at"], "time_zone", None):
        at = at.dt.replace_time_zone("UTC")
    return found.with_columns(at.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")))
