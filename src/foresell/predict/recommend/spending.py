"""What customers spent on which products: the money that recommendations are judged by."""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings

if TYPE_CHECKING:
    import polars


def spending(tables: Tables, settings: Settings) -> "polars.DataFrame | None":
    """customer_id, product_id, revenue (after all discounts, without tax), in the store's currency, and
    margin (less costs) where the cost of every line is known: one row a pair. None without order lines."""
    from foresell.kpis.order_facts import sold_lines
    from foresell.kpis.scope import make_scope

    if not tables.has_rows("order_lines"):
        return None
    sold = sold_lines(make_scope(tables, settings))
    sold = sold.filter(sold.customer_id.notnull(), sold.product_id.notnull())
    sold = sold.mutate(revenue=sold.line_amount.cast("float64") - sold.spread)
    sums = sold.group_by("customer_id", "product_id").agg(
        revenue=sold.revenue.sum(),
        margin=(sold.revenue - sold.cost).sum(),
        num_unknown=sold.cost.isnull().sum(),
    )
    frame: polars.DataFrame = sums.to_polars().sort("customer_id", "product_id")
    unknown = frame["num_unknown"].sum()
    return frame.drop("num_unknown", *(["margin"] if unknown else []))
