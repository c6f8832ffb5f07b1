"""What customers bought before a cutoff, line by line: what profiles are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.order_facts import paid_back, sold_lines
from foresell.kpis.scope import make_scope
from foresell.store.ever_there import ever_there

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow

# Lines in memory at once: some 1 GB.
LINES_AT_ONCE = 5_000_000
DEVICES = {"customer_id": pl.String, "device": pl.String, "visits": pl.Int64}


@dataclass(frozen=True, slots=True)
class Part:
    """`Tables` in which only a part of a shop's customers, by the hash of their ids, did anything."""

    tables: Tables
    num_parts: int = 1
    part: int = 0

    def current(self, name: str) -> "ir.Table":
        rows = self.tables.current(name)
        if self.num_parts == 1 or "customer_id" not in rows.columns:
            return rows
        mine = rows.customer_id.hash().abs() % self.num_parts == self.part
        # A refund may know its customer by its order alone.
        return rows.filter(rows.customer_id.isnull() | mine)

    def history(self, name: str) -> "ir.Table":
        return self.tables.history(name)

    def has_rows(self, name: str) -> bool:
        return self.tables.has_rows(name)


class OneCustomer:
    """`Tables` in which only one customer did anything: their orders, lines and refunds, read once and held.

    Nothing is known of the products in it: costs and bundles play no part in a profile's facts.
    """

    def __init__(self, past: Tables, customer_id: str) -> None:
        self.past = past
        orders = past.current("orders")
        held = {"orders": orders.filter(orders.customer_id == customer_id).to_pyarrow()}
        order_ids = held["orders"]["order_id"].to_pylist()
        lines, refunds = past.current("order_lines"), past.current("refunds")
        is_theirs = refunds.customer_id == customer_id
        if order_ids:
            lines = lines.filter(lines.order_id.isin(order_ids))
            of_order = refunds.customer_id.isnull() & refunds.order_id.isin(order_ids)
            is_theirs = is_theirs.fill_null(False) | of_order
        held["order_lines"] = lines.to_pyarrow() if order_ids else _empty(lines)
        held["refunds"] = (
            refunds.filter(is_theirs).to_pyarrow() if past.has_rows("refunds") else _empty(refunds)
        )
        for name in ("products", "bundle_items"):
            held[name] = _empty(past.current(name))
        self._held = held

    def current(self, name: str) -> "ir.Table":
        import ibis

        return ibis.memtable(self._held[name]) if name in self._held else self.past.current(name)

    def history(self, name: str) -> "ir.Table":
        return self.current(name)

    def has_rows(self, name: str) -> bool:
        return bool(self._held[name].num_rows) if name in self._held else self.past.has_rows(name)


def _empty(rows: "ir.Table") -> "pyarrow.Table":
    return rows.schema().to_pyarrow().empty_table()


def parts(past: Tables, lines_at_once: int = LINES_AT_ONCE) -> Iterator[Part]:
    """The shop's customers in as many parts as memory asks for."""
    num_parts = 1 + int(past.current("order_lines").count().execute()) // lines_at_once
    return (Part(past, num_parts, number) for number in range(num_parts))


def read_lines(part: Tables, settings: Settings) -> pl.DataFrame:
    """The lines of orders that count of known customers, in the store's currency:

    customer_id, order_id, product_id (null: the order has amounts only), date, channel, quantity, gross
    (before any discount), discount (the line's and its part of the order's), net.
    """
    sold = sold_lines(make_scope(part, settings))
    sold = sold.filter(sold.customer_id.notnull())
    exact, line_discount = sold.line_amount.cast("float64"), sold.line_discount.cast("float64")
    rows = sold.select(
        "customer_id",
        "order_id",
        "product_id",
        "date",
        "channel",
        "quantity",
        gross=exact + line_discount,
        discount=line_discount + sold.spread,
        net=exact - sold.spread,
    )
    frame: pl.DataFrame = rows.to_polars()
    return frame


def read_refunds(part: Tables, settings: Settings) -> pl.DataFrame:
    """customer_id, date, amount of money paid back to known customers."""
    if not part.has_rows("refunds"):
        return pl.DataFrame(schema={"customer_id": pl.String, "date": pl.Date, "amount": pl.Float64})
    rows = paid_back(make_scope(part, settings))
    rows = rows.filter(rows.customer_id.notnull())
    rows = rows.select("customer_id", "date", amount=rows.amount.cast("float64"))
    frame: pl.DataFrame = rows.to_polars()
    return frame


def read_products(past: Tables) -> pl.DataFrame:
    """product_id, title, brand, department, category, attributes of the goods, those no longer sold too."""
    products = ever_there(past, "products")
    products = products.filter(~products.is_service.fill_null(False))
    frame: pl.DataFrame = products.select(
        "product_id", "title", "brand", "department", "category", "attributes"
    ).to_polars()
    return frame


def read_devices(part: Tables) -> pl.DataFrame:
    """customer_id, device, visits: known customers' visits (sessions, else days) by device."""
    if not part.has_rows("events"):
        return pl.DataFrame(schema=DEVICES)
    events = part.current("events")
    return _devices(events.filter(events.customer_id.notnull()))


def devices_of_one(past: Tables, customer_id: str) -> pl.DataFrame:
    if not past.has_rows("events"):
        return pl.DataFrame(schema=DEVICES)
    events = past.current("events")
    return _devices(events.filter(events.customer_id == customer_id))


def read_months(past: Tables, customer_id: str) -> pl.DataFrame:
    """month (first day), event_name, events (how many) of one customer, by month and name."""
    if not past.has_rows("events"):
        return pl.DataFrame(schema={"month": pl.Date, "event_name": pl.String, "events": pl.Int64})
    events = past.current("events")
    events = events.filter(events.customer_id == customer_id)
    events = events.mutate(month=events.local_date.truncate("M"))
    rows = events.group_by("month", "event_name").agg(events=events.count())
    frame: pl.DataFrame = rows.to_polars()
    return frame.with_columns(pl.col("month").cast(pl.Date)).sort("month", "event_name")


def _devices(events: "ir.Table") -> pl.DataFrame:
    events = events.filter(events.device_type.notnull())
    events = events.mutate(visit=events.session_id.fill_null(events.local_date.cast("string")))
    rows = events.group_by("customer_id", device="device_type").agg(visits=events.visit.nunique())
    frame: pl.DataFrame = rows.to_polars()
    return frame
