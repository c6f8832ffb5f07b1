"""Basket affinity: what is bought together (association rules of two items).

Source: Agrawal and Srikant, "Fast algorithms for mining association rules", 1994: a pair is
frequent only if both its items are, so rare items leave before any pair is made.
"""

from math import ceil

from foresell.kpis.buyer_facts import cut_orders
from foresell.kpis.catalog import Cell
from foresell.kpis.dimensions import DIMENSIONS
from foresell.kpis.scope import Scope

MIN_SUPPORT = 0.001
MIN_ORDERS = 2
MOST_ROWS = 1000


def basket_affinity(scope: Scope) -> list[Cell]:
    """Rules antecedent → consequent, the greatest lift first, then more orders, then by name.

    Columns: antecedent, consequent (values of the product dimension asked for), orders with both,
    support, confidence, lift. At most MOST_ROWS of them. A condition on products narrows
    the items, and the orders to those that hold one.
    """
    by = scope.by or DIMENSIONS["product"]
    baskets = cut_orders(scope.but(by=by, period=None)).select("order_id", "by_value").distinct()
    everything = int(baskets.order_id.nunique().execute())
    enough = max(MIN_ORDERS, ceil(MIN_SUPPORT * everything))
    baskets = baskets.filter(baskets.by_value.notnull())
    counts = baskets.group_by("by_value").agg(orders=baskets.count())
    frequent = counts.filter(counts.orders >= enough)
    singles = {row["by_value"]: row["orders"] for row in frequent.to_pyarrow().to_pylist()}
    first = baskets.semi_join(frequent, "by_value").select(order="order_id", first="by_value")
    second = baskets.semi_join(frequent, "by_value").select(same_order="order_id", second="by_value")
    pairs = first.inner_join(second, [first.order == second.same_order, first.first < second.second])
    pairs = pairs.group_by("first", "second").agg(orders=pairs.count())
    pairs = pairs.filter(pairs.orders >= enough)
    rows = [
        _rule(one, other, row["orders"], singles, everything)
        for row in pairs.to_pyarrow().to_pylist()
        for one, other in ((row["first"], row["second"]), (row["second"], row["first"]))
    ]
    rows.sort(key=lambda r: (-r["lift"], -r["orders"], r["antecedent"], r["consequent"]))
    return rows[:MOST_ROWS]


def _rule(one: str, other: str, both: int, singles: dict[str, int], everything: int) -> Cell:
    return {
        "antecedent": one,
        "consequent": other,
        "orders": both,
        "support": both / everything,
        "confidence": both / singles[one],
        # Whole numbers up to the one division: the same for both directions of a pair.
        "lift": both * everything / (singles[one] * singles[other]),
    }
