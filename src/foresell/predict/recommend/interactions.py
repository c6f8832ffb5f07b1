"""Who took which product when: what every recommender learns from.

An interaction is (customer_id, product_id, occurred_at, weight): one row a customer, product and moment.
What a customer did at one moment is one basket: an order's lines share their order's time.
"""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.features.counted import about_goods, events_of_somebody, purchases

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
    rows = about_goods(rows, tables)
    if customer_id is not None:
        rows = rows.filter(rows.customer_id == customer_id)
    one_a_moment = rows.group_by("customer_id", "product_id", "occurred_at").agg(weight=rows.weight.max())
    frame: polars.DataFrame = one_a_moment.to_polars()
    return frame.with_columns(polars.col("occurred_at").cast(polars.Datetime("us", "UTC"))).sort(
        "customer_id", "occurred_at", "product_id"
    )


def described_products(tables: Tables) -> "polars.DataFrame | None":
    """`features.products`, what the models may know beside ids; None where the shop has no catalog."""
    from foresell.features.products import products

    return products(tables) if tables.has_rows("products") else None


def _purchases(tables: Tables) -> "ir.Table":
    import ibis

    return purchases(tables).select(
        "customer_id", "product_id", "occurred_at", weight=ibis.literal(PURCHASE_WEIGHT, "float64")
    )


def _events(tables: Tables) -> "ir.Table":
    events = events_of_somebody(tables)
    kept = events.filter(events.event_name.isin(list(EVENT_WEIGHTS)), events.product_id.notnull())
    weight = kept.event_name.cases(*EVENT_WEIGHTS.items(), else_=0.0).cast("float64")
    return kept.select("product_id", "occurred_at", "customer_id", weight=weight)
