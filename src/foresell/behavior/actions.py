"""What customers did, action by action: what the behavior model reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.features.counted import about_goods, events_of_somebody, purchases

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow

PURCHASE = "purchase"
ORDER_OF_ACTIONS = ("customer_id", "occurred_at", "event_name", "product_id")
# 24 MB of batches at some 50 bytes a row; the engine's own limit is that of its settings.
ROWS_PER_BATCH = 500_000


def actions(tables: Tables) -> "ir.Table":
    """The canonical events; where none is a purchase of a product, the order lines stand in as purchases.

    Columns: customer_id, occurred_at, event_name, product_id (null: none), quantity (null: unknown), channel
    (an order's channel, an event's platform; null: unknown). One row a customer, moment, event and product:
    quantities add up, of several channels the last by name counts. In no order.

    Left out, as in `predict.recommend.interactions`: cancelled and test orders, orders of nobody, lines of
    quantity 0 or less, products that the catalog (where there is one) lacks or calls a service. An event
    without a customer counts for its anonymous visitor, else its session. Read it through `features.asof` to
    train as of a cutoff.
    """
    if not tables.has_rows("events"):
        return _one_a_moment(about_goods(_purchases(tables), tables))
    events = events_of_somebody(tables)
    bought = events.filter(events.event_name == PURCHASE, events.product_id.notnull())
    rows = events.select(
        "customer_id", "occurred_at", "event_name", "product_id", "quantity", channel="platform"
    )
    if int(bought.limit(1).count().execute()) == 0 and tables.has_rows("order_lines"):
        rows = rows.union(_purchases(tables))
    return _one_a_moment(about_goods(rows, tables))


def session_actions(tables: Tables) -> "ir.Table":
    """The events of `actions`, each under its session: customer_id holds the session's id."""
    events = tables.current("events")
    rows = events.filter(events.session_id.notnull()).select(
        "occurred_at",
        "event_name",
        "product_id",
        "quantity",
        customer_id="session_id",
        channel="platform",
    )
    return _one_a_moment(about_goods(rows, tables))


def _purchases(tables: Tables) -> "ir.Table":
    import ibis

    return (
        purchases(tables)
        .select(
            "customer_id",
            "occurred_at",
            "product_id",
            "quantity",
            "channel",
            event_name=ibis.literal(PURCHASE),
        )
        .select("customer_id", "occurred_at", "event_name", "product_id", "quantity", "channel")
    )


def _one_a_moment(rows: "ir.Table") -> "ir.Table":
    return rows.group_by(*ORDER_OF_ACTIONS).agg(quantity=rows.quantity.sum(), channel=rows.channel.max())


@contextmanager
def sorted_batches(
    rows: "ir.Table", rows_per_batch: int = ROWS_PER_BATCH
) -> "Iterator[pyarrow.RecordBatchReader]":
    """The actions as Arrow batches by customer, oldest first (ties: event name, product id; nulls first).

    The engine sorts within its memory limit, spilling to its own folder; of the result only a batch is in
    memory. Use the reader inside the `with`.
    """
    import ibis

    ordered = rows.order_by(*(ibis.asc(name, nulls_first=True) for name in ORDER_OF_ACTIONS))
    backend = ordered.get_backend()
    if backend.name != "duckdb":
        yield ordered.to_pyarrow_batches(chunk_size=rows_per_batch)
        return
    from foresell.store.engine import open_another

    # ibis 12 asks DuckDB for fetch_record_batch, which DuckDB 2 has no more. A connection of its own, since a
    # result that is read bit by bit ends when its connection is asked something else.
    connection = open_another(backend.con)
    try:
        yield connection.sql(str(ibis.to_sql(ordered, dialect="duckdb"))).to_arrow_reader(rows_per_batch)
    finally:
        connection.close()
