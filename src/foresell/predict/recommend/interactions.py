"""Who took which product when: what every recommender learns from.

An interaction is (customer_id, product_id, occurred_at, weight): one row a customer, product and moment.
What a customer did at one moment is one basket: an order's lines share their order's time.
"""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

PURCHASE_WEIGHT = 1.0
# How much an event tells of wanting a product, against buying it. A convention, not a measurement.
EVENT_WEIGHTS: dict[str, float] = {
    "purchase": PURCHASE_WEIGHT,
    "begin_checkout": 0.6,
    "add_to_cart": 0.5,
    "add_to_wishlist": 0.4,
    "view_item": 0.1,
    "select_item": 0.1,
}
HIDDEN_STATUSES = ("hidden", "discontinued")


def interactions(tables: Tables, customer_id: str | None = None) -> "polars.DataFrame":
    """Purchases from order lines; where the shop has no order lines, its events by EVENT_WEIGHTS.

    Columns: customer_id, product_id (strings), occurred_at (UTC, microseconds), weight; sorted by all.
    Left out: cancelled and test orders, orders of nobody, lines of quantity 0 or less, products that the
    catalog (where there is one) lacks or calls a service. An event without a customer counts for its
    anonymous visitor, else its session. Read it through `features.asof` to train as of a cutoff.
    `customer_id`: of this one only.
    """
    import polars

    rows = _purchases(tables) if tables.has_rows("order_lines") else _events(tables)
    if tables.has_rows("products"):
        products = tables.current("products")
        goods = products.filter(~products.is_service.fill_null(False))
        rows = rows.semi_join(goods, "product_id")
    if customer_id is not None:
        rows = rows.filter(rows.customer_id == customer_id)
    one_a_moment = rows.group_by("customer_id", "product_id", "occurred_at").agg(weight=rows.weight.max())
    frame: polars.DataFrame = one_a_moment.to_polars()
    return frame.with_columns(polars.col("occurred_at").cast(polars.Datetime("us", "UTC"))).sort(
        "customer_id", "occurred_at", "product_id"
    )


def unavailable_products(tables: Tables) -> "polars.DataFrame":
    """Products that must not be recommended to anybody (hidden, discontinued), as an `exclude` frame."""
    import polars

    products = tables.current("products")
    hidden = products.filter(products.status.isin(HIDDEN_STATUSES)).select("product_id")
    frame: polars.DataFrame = hidden.to_polars()
    return frame.select(polars.lit(None, polars.String).alias("customer_id"), "product_id").sort("product_id")


def _purchases(tables: Tables) -> "ir.Table":
    import ibis

    orders = tables.current("orders")
    is_cancelled = (orders.status == "cancelled").fill_null(False) | orders.cancelled_at.notnull()
    counted = orders.filter(orders.customer_id.notnull(), ~is_cancelled, ~orders.is_test.fill_null(False))
    heads = counted.select("order_id", "customer_id", occurred_at="created_at")
    lines = tables.current("order_lines")
    bought = lines.filter(lines.quantity > 0).select("order_id", "product_id").join(heads, "order_id")
    return bought.select(
        "customer_id", "product_id", "occurred_at", weight=ibis.literal(PURCHASE_WEIGHT, "float64")
    )


def _events(tables: Tables) -> "ir.Table":
    events = tables.current("events")
    kept = events.filter(events.event_name.isin(list(EVENT_WEIGHTS)), events.product_id.notnull())
    who = kept.customer_id.coalesce(kept.anonymous_id, kept.session_id)
    weight = kept.event_name.cases(*EVENT_WEIGHTS.items(), else_=0.0).cast("float64")
    rows = kept.select("product_id", "occurred_at", customer_id=who, weight=weight)
    return rows.filter(rows.customer_id.notnull())
