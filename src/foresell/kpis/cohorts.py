"""Cohorts: customers by the period of their first order, what they do and bring afterwards."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from foresell.kpis.buyer_facts import first_orders
from foresell.kpis.catalog import Cell, money, ratio
from foresell.kpis.measures import ORDER, TOTAL
from foresell.kpis.order_facts import counted_orders, paid_back, sold_lines
from foresell.kpis.scope import Scope, cut, period_start

if TYPE_CHECKING:
    import ibis.expr.types as ir


def retention(scope: Scope) -> list[Cell]:
    """A row a cohort and age (0, 1, … periods after the first), up to the last period with orders.

    Columns: cohort (its first local date), age, customers, active_customers, retention. The asked
    days choose the cohorts by their customers' first orders, and end what is known of them.
    """
    orders, first = _orders_and_first(scope)
    active = orders.inner_join(first, orders.customer_id == first.first_customer)
    active = active.mutate(month=period_start(active.date, _period(scope), scope.settings))
    small = active.group_by("cohort", "month").agg(customers=active.customer_id.nunique())
    counts: dict[date, dict[int, int]] = defaultdict(dict)
    for row in small.to_pyarrow().to_pylist():
        counts[row["cohort"]][_age(row["cohort"], row["month"], _period(scope))] = row["customers"]
    if not counts:
        return []
    # Of everybody: a cohort that is gone has zeros up to then.
    days = orders.mutate(month=period_start(orders.date, _period(scope), scope.settings))
    last = days.agg(last=days.month.max()).to_pyarrow().to_pylist()[0]["last"]
    return [
        {
            "cohort": cohort.isoformat(),
            "age": age,
            "customers": ages[0],
            "active_customers": ages.get(age, 0),
            "retention": ratio(ages.get(age, 0), ages[0]),
        }
        for cohort, ages in sorted(counts.items())
        for age in range(_age(cohort, last, _period(scope)) + 1)
    ]


def lifetime_value(scope: Scope) -> list[Cell]:
    """A row a cohort: cohort (its first local date), customers, net_sales to date, lifetime_value.

    Guests' money belongs to no cohort. The asked days choose the cohorts by their customers'
    first orders; money counts up to the last of them.
    """
    _, first = _orders_and_first(scope)
    to_date = scope.but(start=None, period=None, by=None)
    lines = cut(sold_lines(to_date), to_date, ORDER)
    refunds = cut(paid_back(to_date), to_date, ORDER)
    sold, paid = _with_cohort(lines, first), _with_cohort(refunds, first)
    totals: dict[date, Decimal] = defaultdict(Decimal)
    by_cohort = sold.group_by("cohort").agg(
        exact=sold.line_amount.sum().cast(TOTAL), spread=sold.spread.sum()
    )
    for row in by_cohort.to_pyarrow().to_pylist():
        totals[row["cohort"]] += money(row["exact"]) - money(row["spread"])
    if scope.has_rows("refunds"):
        given_back = paid.group_by("cohort").agg(amount=paid.amount.sum().cast(TOTAL))
        for row in given_back.to_pyarrow().to_pylist():
            totals[row["cohort"]] -= money(row["amount"])
    sizes = first.group_by("cohort").agg(customers=first.count()).order_by("cohort")
    return [
        {
            "cohort": row["cohort"].isoformat(),
            "customers": row["customers"],
            "net_sales": round(float(totals[row["cohort"]]), 4),
            "lifetime_value": round(float(totals[row["cohort"]] / row["customers"]), 4),
        }
        for row in sizes.to_pyarrow().to_pylist()
    ]


def _with_cohort(table: "ir.Table", first: "ir.Table") -> "ir.Table":
    return table.inner_join(first, table.customer_id == first.first_customer)


def _orders_and_first(scope: Scope) -> tuple["ir.Table", "ir.Table"]:
    """The orders up to the last asked day, and the customers won within the asked days.

    Of orders that meet a condition (a store, a channel): those of customers whose first order of all meets
    it. Who came to it later was won elsewhere and is in no cohort of it.
    """
    import ibis

    orders = cut(counted_orders(scope), scope.but(start=None, period=None, by=None), ORDER)
    first = first_orders(orders)
    if scope.where:
        of_all = first_orders(counted_orders(scope))
        first = first.semi_join(of_all, ["first_customer", "first_date"])
    if scope.start is not None:
        first = first.filter(first.first_date >= ibis.literal(scope.start))
    return orders, first.mutate(cohort=period_start(first.first_date, _period(scope), scope.settings))


def _period(scope: Scope) -> str:
    return scope.period or "month"


def _age(cohort: date, later: date, period: str) -> int:
    """How many periods lie between two periods' first dates."""
    if period == "month":
        return (later.year - cohort.year) * 12 + later.month - cohort.month
    return (later - cohort).days // (7 if period == "week" else 1)
