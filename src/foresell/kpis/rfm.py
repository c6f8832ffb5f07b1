"""RFM: customers scored by recency, frequency and monetary value, and named segments of them.

A score is the fifth of all customers that a customer's place falls into, 5 the best (Hughes, "Strategic
Database Marketing", 1994). Equal customers stand in the middle of their places, so that neither the order of
rows nor the engine decides, and where everybody is equal all have a 3: nobody is called lost.
"""

from typing import TYPE_CHECKING

from foresell.kpis.catalog import Cell, ratio
from foresell.kpis.measures import ORDER, TOTAL
from foresell.kpis.order_facts import counted_orders, paid_back, sold_lines
from foresell.kpis.scope import Scope, cut

if TYPE_CHECKING:
    import ibis.expr.types as ir

CUSTOMER = "customer"
# Segment → (Chinese name, least and greatest score of recency, of frequency). They cover all 25.
SEGMENTS: dict[str, tuple[str, range, range]] = {
    "champions": ("核心顾客", range(4, 6), range(4, 6)),
    "loyal": ("忠诚顾客", range(3, 4), range(3, 6)),
    "promising": ("潜力顾客", range(4, 6), range(3, 4)),
    "new": ("新近顾客", range(4, 6), range(1, 3)),
    "needs_attention": ("需要关注", range(3, 4), range(1, 3)),
    "cannot_lose": ("不能失去", range(1, 3), range(4, 6)),
    "at_risk": ("有流失风险", range(1, 3), range(3, 4)),
    "hibernating": ("沉睡顾客", range(2, 3), range(1, 3)),
    "lost": ("已流失", range(1, 2), range(1, 3)),
}


def rfm(scope: Scope) -> list[Cell]:
    """A row a segment, the most valuable first in the order of SEGMENTS, or by customer a row each.

    Segment rows: segment, customers, share, recency_days (mean days from the last order to the
    last asked day, or else the last day with an order, a guest's too), orders (mean), monetary_value
    (mean net sales), net_sales (their sum). Customer rows: customer, segment, recency_days, orders,
    monetary_value, and the three scores.
    """
    scored = scored_customers(scope.but(by=None, period=None))
    return _customer_rows(scored) if scope.by else _segment_rows(scored)


def scored_customers(scope: Scope) -> "ir.Table":
    """A row a customer: customer_id, recency_days, orders, monetary_value (decimal), segment, and
    recency_score, frequency_score, monetary_score (1–5).

    Customers that are asked for by a condition are scored among all: nobody has a rank alone.
    """
    import ibis

    asked = scope.where.get(CUSTOMER)
    scope = scope.but(where={k: v for k, v in scope.where.items() if k != CUSTOMER})
    orders = cut(counted_orders(scope), scope, ORDER)
    as_of = ibis.literal(scope.end) if scope.end else orders.date.max().as_scalar()
    customers = _totals(orders, scope)
    customers = customers.mutate(recency_days=as_of.delta(customers.last_date, unit="day"))
    customers = customers.mutate(
        recency_score=_fifth(customers.last_date),
        frequency_score=_fifth(customers.orders),
        monetary_score=_fifth(customers.monetary_value),
    )
    scored = customers.mutate(segment=_segment(customers))
    return scored if asked is None else scored.filter(scored.customer_id.isin(asked))


def _totals(orders: "ir.Table", scope: Scope) -> "ir.Table":
    import ibis

    orders = orders.filter(orders.customer_id.notnull())
    customers = orders.group_by("customer_id").agg(last_date=orders.date.max(), orders=orders.count())
    lines = cut(sold_lines(scope), scope, ORDER)
    sold = lines.group_by(sold_to="customer_id").agg(
        exact=lines.line_amount.sum().cast(TOTAL), spread=lines.spread.sum()
    )
    refunds = cut(paid_back(scope), scope, ORDER)
    back = refunds.group_by(paid_to="customer_id").agg(amount=refunds.amount.sum().cast(TOTAL))
    customers = customers.left_join(sold, customers.customer_id == sold.sold_to)
    customers = customers.left_join(back, customers.customer_id == back.paid_to)
    zero = ibis.literal(0).cast(TOTAL)
    net = customers.exact.fill_null(zero) - customers.amount.fill_null(zero)
    net = net.cast(TOTAL) - customers.spread.fill_null(0.0).cast(TOTAL)
    # Four decimals, so that equal money ranks equally on every engine.
    return customers.select("customer_id", "last_date", "orders", monetary_value=net.cast("decimal(38,4)"))


def _fifth(value: "ir.Column") -> "ir.IntegerColumn":
    import ibis

    below = ibis.rank().over(order_by=value)
    equal = value.count().over(group_by=value)
    # Twice the middle is a whole number: no engine rounds it.
    twice = 2 * below + equal
    return 1 + (twice * 5) // (2 * value.count().over(ibis.window()))


def _segment(customers: "ir.Table") -> "ir.StringColumn":
    import ibis

    cases = [
        (
            customers.recency_score.between(recency[0], recency[-1])
            & customers.frequency_score.between(frequency[0], frequency[-1]),
            name,
        )
        for name, (_, recency, frequency) in SEGMENTS.items()
    ]
    return ibis.cases(*cases)


def _segment_rows(scored: "ir.Table") -> list[Cell]:
    small = scored.group_by("segment").agg(
        customers=scored.count(),
        days=scored.recency_days.sum(),
        orders=scored.orders.sum(),
        net=scored.monetary_value.sum().cast(TOTAL),
    )
    found = {row["segment"]: row for row in small.to_pyarrow().to_pylist()}
    everybody = sum(row["customers"] for row in found.values())
    return [
        {
            "segment": name,
            "customers": row["customers"],
            "share": ratio(row["customers"], everybody),
            "recency_days": ratio(row["days"], row["customers"]),
            "orders": ratio(row["orders"], row["customers"]),
            "monetary_value": round(float(row["net"] / row["customers"]), 4),
            "net_sales": round(float(row["net"]), 4),
        }
        for name in SEGMENTS
        if (row := found.get(name))
    ]


def _customer_rows(scored: "ir.Table") -> list[Cell]:
    columns = (
        "segment",
        "recency_days",
        "orders",
        "monetary_value",
        "recency_score",
        "frequency_score",
        "monetary_score",
    )
    rows = scored.select("customer_id", *columns).order_by("customer_id").to_pyarrow().to_pylist()
    return [
        {
            "customer": row["customer_id"],
            **{c: row[c] for c in columns},
            "monetary_value": float(row["monetary_value"]),
        }
        for row in rows
    ]
