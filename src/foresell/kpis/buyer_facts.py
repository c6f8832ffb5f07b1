"""The facts of buying: who ordered, how often, how long after the time before."""

from typing import TYPE_CHECKING

from foresell.kpis.order_facts import counted_orders, sold_lines
from foresell.kpis.scope import Scope, cut

if TYPE_CHECKING:
    import ibis.expr.types as ir


def cut_orders(scope: Scope) -> "ir.Table":
    """Orders, a row an order and cell. Split by a product's dimension, an order stands once in
    every value that it holds. Columns: order_id, customer_id, date and the key columns."""
    columns = ["order_id", "customer_id", "date", *scope.keys]
    if scope.uses("product"):
        lines = cut(sold_lines(scope), scope, ("product", "order", "customer"))
        return lines.select(*columns).distinct()
    return cut(counted_orders(scope), scope, ("order", "customer")).select(*columns)


def first_orders(orders: "ir.Table") -> "ir.Table":
    """The date of each customer's first order: first_customer, first_date. Guests have none."""
    known = orders.filter(orders.customer_id.notnull())
    return known.group_by(first_customer="customer_id").agg(first_date=known.date.min())


def cut_buyers(scope: Scope) -> "ir.Table":
    """Customers, a row a customer and cell. Columns: orders (in the cell), is_new (their first
    order of all is not before the cell's days), and the key columns."""
    import ibis

    orders = cut_orders(scope)
    orders = orders.filter(orders.customer_id.notnull())
    buyers = orders.group_by([*scope.keys, "customer_id"]).agg(orders=orders.count())
    first = first_orders(counted_orders(scope))
    buyers = buyers.left_join(first, buyers.customer_id == first.first_customer)
    # A period that begins before the asked days counts from the first asked day on.
    is_new = ibis.literal(True)
    for begin in ([buyers.period] if scope.period else []) + ([scope.start] if scope.start else []):
        is_new &= buyers.first_date >= begin
    return buyers.mutate(is_new=is_new)


def cut_gaps(scope: Scope) -> "ir.Table":
    """Days since the same customer's order before; a row an order but the first, on its date."""
    import ibis

    orders = counted_orders(scope)
    orders = orders.filter(orders.customer_id.notnull())
    times = ibis.window(
        group_by=orders.customer_id, order_by=[orders.date, orders.created_at, orders.order_id]
    )
    orders = orders.mutate(previous=orders.date.lag().over(times))
    orders = orders.filter(orders.previous.notnull())
    orders = orders.mutate(days=orders.date.delta(orders.previous, unit="day"))
    return cut(orders, scope, ("order", "customer"))
