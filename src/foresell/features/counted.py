"""What counts as done by a customer with a product: the one rule for all who learn from behavior."""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir


def purchases(tables: Tables) -> "ir.Table":
    """Lines of orders that count, one row a line: customer_id, product_id, occurred_at, quantity, channel,
    location_id.

    Left out: cancelled and test orders, orders of nobody, lines of quantity 0 or less.
    """
    sold = sales(tables)
    return sold.filter(sold.customer_id.notnull())


def sales(tables: Tables) -> "ir.Table":
    """As `purchases`, with the orders of nobody (customer_id null)."""
    orders = tables.current("orders")
    is_cancelled = (orders.status == "cancelled").fill_null(False) | orders.cancelled_at.notnull()
    counted = orders.filter(~is_cancelled, ~orders.is_test.fill_null(False))
    heads = counted.select("order_id", "customer_id", "channel", "location_id", occurred_at="created_at")
    lines = tables.current("order_lines")
    bought = lines.filter(lines.quantity > 0).select("order_id", "product_id", "quantity")
    return bought.join(heads, "order_id").select(
        "customer_id", "product_id", "occurred_at", "quantity", "channel", "location_id"
    )


def events_of_somebody(tables: Tables) -> "ir.Table":
    """Events whose doer is known; customer_id is the customer, else the visitor, else the session."""
    events = tables.current("events")
    named = events.mutate(customer_id=events.customer_id.coalesce(events.anonymous_id, events.session_id))
    return named.filter(named.customer_id.notnull())


def goods(tables: Tables) -> "ir.Table":
    """The products that are no service."""
    products = tables.current("products")
    return products.filter(~products.is_service.fill_null(False))


def about_goods(rows: "ir.Table", tables: Tables) -> "ir.Table":
    """Rows without a product, or of one that the catalog (where there is one) has and calls no service."""
    if not tables.has_rows("products"):
        return rows
    return rows.filter(rows.product_id.isnull() | rows.product_id.isin(goods(tables).product_id))
