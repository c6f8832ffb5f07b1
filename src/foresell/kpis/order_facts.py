"""The facts of selling: orders that count, their lines, the units they move, what was refunded.

An order that is cancelled or a test counts nowhere, nor do its refunds. Money is in the store's
currency, converted at the order's local date. Every fact has `date` and the columns of its grains.
"""

from typing import TYPE_CHECKING

from foresell.kpis.currency import convert
from foresell.kpis.scope import Scope, once, within
from foresell.store.ever_there import ever_there

if TYPE_CHECKING:
    import ibis.expr.types as ir

MONEY = "decimal(18,4)"
ORDER_COLUMNS = (
    "order_id",
    "customer_id",
    "location_id",
    "country",
    "channel",
    "status",
    "currency",
    "payment_method",
    "date",
)


def known_orders(scope: Scope) -> "ir.Table":
    """Every order with `is_counted`: neither cancelled nor a test. A row an order."""
    import ibis

    orders = scope.tables.current("orders")
    return orders.mutate(
        date=orders.local_date,
        country=ibis.coalesce(orders.shipping_country, orders.billing_country),
        is_counted=(
            ~orders.is_test.fill_null(False)
            & orders.cancelled_at.isnull()
            & (orders.status.fill_null("") != "cancelled")
        ),
    )


def counted_orders(scope: Scope) -> "ir.Table":
    """The orders that count, on every date. A row an order."""
    orders = known_orders(scope)
    return orders.filter(orders.is_counted).select(*ORDER_COLUMNS, "created_at")


def sold_lines(scope: Scope) -> "ir.Table":
    """The lines of the counted orders in the asked days, with their order's columns.

    Columns beside ORDER_COLUMNS: order_line_id, product_id, promotion_id, quantity; line_amount and
    line_discount, exact; spread (of the order-level discount), fee and cost, floats, cost null
    where unknown. An order with amounts but no lines is one line without product.
    """
    return once(scope, "lines", _sold_lines)


def _sold_lines(scope: Scope) -> "ir.Table":
    orders = known_orders(scope)
    orders = within(orders.filter(orders.is_counted), scope)
    lines = scope.tables.current("order_lines").rename(line_order_id="order_id")
    lines = lines.select(
        "order_line_id",
        "line_order_id",
        "product_id",
        "promotion_id",
        "quantity",
        "unit_cost",
        "line_amount",
        line_discount=lines.discount_amount.fill_null(_zero()),
    )
    head = orders.select(*ORDER_COLUMNS, "created_at")
    joined = lines.inner_join(head, lines.line_order_id == head.order_id).drop("line_order_id")
    if _orders_have_amounts(scope):
        joined = joined.union(_lines_of_bare_orders(orders, lines, joined.columns))
    joined = _with_spreads(joined, orders, scope)
    joined = _with_costs(joined, scope)
    exact, floats = ("line_amount", "line_discount"), ("spread", "fee", "cost")
    return convert(joined, scope, heads=orders, exact=exact, floats=floats)


def moved_units(scope: Scope) -> "ir.Table":
    """Units by the product that leaves the shelf: a bundle counts as what it holds.

    The one place where a line becomes several rows, on purpose. Columns beside ORDER_COLUMNS:
    product_id, units, is_service.
    """
    return once(scope, "units", _moved_units)


def _moved_units(scope: Scope) -> "ir.Table":
    import ibis

    orders = within(counted_orders(scope), scope)
    lines = scope.tables.current("order_lines").rename(line_order_id="order_id")
    lines = lines.select("line_order_id", "product_id", "quantity")
    if scope.has_rows("bundle_items"):
        items = scope.tables.current("bundle_items")
        items = items.select("bundle_product_id", part_id="product_id", part_quantity="quantity")
        lines = lines.left_join(items, lines.product_id == items.bundle_product_id)
        # A computed column of a join cannot be joined on: `mutate` ends the join first.
        lines = lines.mutate(
            product_id=ibis.coalesce(lines.part_id, lines.product_id),
            quantity=lines.quantity * lines.part_quantity.fill_null(1.0),
        ).select("line_order_id", "product_id", "quantity")
    products = ever_there(scope.tables, "products")
    products = products.select(known_product="product_id", is_service="is_service")
    lines = lines.left_join(products, lines.product_id == products.known_product).drop("known_product")
    moved = lines.inner_join(orders, lines.line_order_id == orders.order_id).drop("line_order_id")
    return moved.mutate(units=moved.quantity.fill_null(0.0), is_service=moved.is_service.fill_null(False))


def paid_back(scope: Scope) -> "ir.Table":
    """Refunds on their own date, in the currency and at the rate of their order's date.

    A refund without an order counts, at its own date's rate. Columns beside ORDER_COLUMNS:
    refund_id, order_line_id, product_id, amount.
    """
    return once(scope, "refunds", _paid_back)


def _paid_back(scope: Scope) -> "ir.Table":
    import ibis

    refunds = scope.tables.current("refunds")
    refunds = refunds.select(
        "refund_id",
        "order_line_id",
        "product_id",
        "amount",
        refund_order="order_id",
        refund_customer="customer_id",
        refund_location="location_id",
        refund_date="local_date",
        refund_currency="currency",
    )
    orders = known_orders(scope).select(*ORDER_COLUMNS, "is_counted")
    joined = refunds.left_join(orders, refunds.refund_order == orders.order_id)
    joined = joined.filter(joined.is_counted.fill_null(True))
    joined = _with_refunded_line(joined, scope)
    joined = joined.mutate(
        customer_id=ibis.coalesce(joined.refund_customer, joined.customer_id),
        location_id=ibis.coalesce(joined.refund_location, joined.location_id),
        currency=joined.refund_currency,
        rate_date=ibis.coalesce(joined.date, joined.refund_date),
        date=joined.refund_date,
    )
    joined = within(joined, scope)
    return convert(joined, scope, heads=joined, exact=("amount",), date="rate_date")


def _with_refunded_line(refunds: "ir.Table", scope: Scope) -> "ir.Table":
    import ibis

    lines = scope.tables.current("order_lines")
    lines = lines.select(line_id="order_line_id", line_product="product_id")
    joined = refunds.left_join(lines, refunds.order_line_id == lines.line_id)
    return joined.mutate(product_id=ibis.coalesce(joined.product_id, joined.line_product))


def refunds_of_costed(scope: Scope) -> "ir.Table":
    """`paid_back` with `costed`: how much of `amount`, a float, is for goods whose cost is known.

    All or nothing where the refund names its line. Else the part of what was paid for lines with a known
    cost: of the order's lines with its product, or of all the order's lines where it names no product. A
    refund of no known order is one of its product; that of nothing that is known counts whole.
    """
    import ibis

    refunds, lines = paid_back(scope), _paid_lines(scope)
    of_line = lines.select(line_id="order_line_id", of_line=lines.is_costed.ifelse(1.0, 0.0))
    of_goods = lines.group_by(goods_order="order_id", goods="product_id").agg(of_goods=_costed_part(lines))
    of_order = lines.group_by(whole_order="order_id").agg(of_order=_costed_part(lines))
    joined = refunds.left_join(of_line, refunds.order_line_id == of_line.line_id)
    joined = joined.left_join(
        of_goods, [joined.order_id == of_goods.goods_order, joined.product_id == of_goods.goods]
    )
    joined = joined.left_join(of_order, joined.order_id == of_order.whole_order)
    joined = _with_costs(joined.mutate(unit_cost=ibis.null(MONEY), quantity=1.0), scope)
    of_product = joined.cost.notnull().ifelse(1.0, 0.0)
    of_product = ibis.ifelse(joined.product_id.notnull(), of_product, ibis.null("float64"))
    part = ibis.coalesce(joined.of_line, joined.of_goods, of_product, joined.of_order, 1.0)
    return joined.mutate(costed=joined.amount.cast("float64") * part)


def _paid_lines(scope: Scope) -> "ir.Table":
    """Every line of every order with `is_costed`; its currency is its order's."""
    lines = scope.tables.current("order_lines")
    lines = lines.select("order_line_id", "order_id", "product_id", "quantity", "unit_cost", "line_amount")
    orders = scope.tables.current("orders").select("order_id", "currency")
    lines = _with_costs(lines.inner_join(orders, "order_id"), scope)
    return lines.mutate(is_costed=lines.cost.notnull())


def _costed_part(lines: "ir.Table") -> "ir.FloatingScalar":
    """Of what was paid for a group of lines, the part of those with a cost; of their number if that is 0."""
    paid = lines.line_amount.cast("float64").clip(lower=0.0)
    costed = lines.is_costed.ifelse(1.0, 0.0)
    return (paid.sum() == 0).ifelse(costed.mean(), (paid * costed).sum() / paid.sum())


def _zero() -> "ir.DecimalValue":
    import ibis

    return ibis.literal(0).cast(MONEY)


def _orders_have_amounts(scope: Scope) -> bool:
    return scope.has_values("orders", "subtotal_amount") or scope.has_values("orders", "total_amount")


def _lines_of_bare_orders(orders: "ir.Table", lines: "ir.Table", columns: tuple[str, ...]) -> "ir.Table":
    """One line without product for each order that has amounts and no lines."""
    import ibis

    bare = orders.filter(orders.subtotal_amount.notnull() | orders.total_amount.notnull())
    bare = bare.anti_join(lines, bare.order_id == lines.line_order_id)
    discount = bare.discount_amount.fill_null(_zero())
    paid = bare.total_amount - bare.tax_amount.fill_null(_zero()) - bare.shipping_amount.fill_null(_zero())
    bare = bare.mutate(
        order_line_id=bare.order_id,
        product_id=ibis.null("string"),
        promotion_id=ibis.null("string"),
        quantity=ibis.null("float64"),
        unit_cost=ibis.null(MONEY),
        line_amount=ibis.coalesce(bare.subtotal_amount - discount, paid).cast(MONEY),
        line_discount=discount.cast(MONEY),
    )
    return bare.select(*columns)


def _with_spreads(joined: "ir.Table", orders: "ir.Table", scope: Scope) -> "ir.Table":
    """`spread` and `fee`: the line's part of its order's own discount and payment fee.

    In proportion to line_amount, of lines above 0; equally where none is. What a line takes off an order (a
    swap, a return) has no part of it: with lines that nearly sum to 0 the parts would be without bounds.
    """
    import ibis

    columns = ("discount_amount", "payment_fee_amount")
    if not any(scope.has_values("orders", column) for column in columns):
        return joined.mutate(spread=ibis.literal(0.0), fee=ibis.literal(0.0))
    heads = orders.filter(orders.discount_amount.notnull() | orders.payment_fee_amount.notnull())
    heads = heads.select(head_id="order_id", **{column: column for column in columns})
    sums = joined.group_by(summed_id="order_id").agg(
        lines_amount=joined.line_amount.clip(lower=_zero()).sum(),
        lines_discount=joined.line_discount.sum(),
        num_lines=joined.count(),
    )
    heads = heads.inner_join(sums, heads.head_id == sums.summed_id)
    above = heads.discount_amount.fill_null(_zero()) - heads.lines_discount
    heads = heads.select(
        "head_id",
        "num_lines",
        "lines_amount",
        above=above.cast("float64").clip(lower=0.0),
        whole_fee=heads.payment_fee_amount.cast("float64").fill_null(0.0),
    )
    joined = joined.left_join(heads, joined.order_id == heads.head_id)
    total = joined.lines_amount.cast("float64")
    part = ibis.ifelse(
        total == 0,
        1 / joined.num_lines.cast("float64"),
        joined.line_amount.cast("float64").clip(lower=0.0) / total,
    )
    joined = joined.mutate(
        spread=(joined.above * part).fill_null(0.0), fee=(joined.whole_fee * part).fill_null(0.0)
    )
    return joined.drop("head_id", "num_lines", "lines_amount", "above", "whole_fee")


def _with_costs(joined: "ir.Table", scope: Scope) -> "ir.Table":
    """`cost` of the line: its own unit cost, else its product's where that is in the same currency."""
    import ibis

    unit_cost = joined.unit_cost
    if scope.has_values("products", "cost"):
        products = ever_there(scope.tables, "products")
        products = products.select(costed_product="product_id", product_cost="cost", cost_currency="currency")
        joined = joined.left_join(products, joined.product_id == products.costed_product)
        usable = joined.cost_currency.isnull() | (joined.cost_currency == joined.currency)
        unit_cost = ibis.coalesce(
            joined.unit_cost, ibis.ifelse(usable, joined.product_cost, ibis.null(MONEY))
        )
    joined = joined.mutate(cost=unit_cost.cast("float64") * joined.quantity)
    return joined.drop(
        *[c for c in ("costed_product", "product_cost", "cost_currency") if c in joined.columns]
    )
