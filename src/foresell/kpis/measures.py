"""The sums and counts that KPIs are made of, and how many of them are read in one scan.

A fact is cut once and all its measures are aggregated together, so that the whole catalog reads
each fact once. Facts meet only after they are aggregated, by period and dimension value: rows of
different grains are never joined, and so nothing is counted twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from foresell.kpis.buyer_facts import cut_buyers, cut_gaps, cut_orders
from foresell.kpis.catalog import Number
from foresell.kpis.dimensions import Grain
from foresell.kpis.marketing_facts import aimed_at, promoted_lines, used_coupons
from foresell.kpis.order_facts import moved_units, paid_back, refunds_of_costed, sold_lines
from foresell.kpis.scope import Scope, cut
from foresell.kpis.visit_facts import cut_visits, list_events

if TYPE_CHECKING:
    import ibis.expr.types as ir

# (first local date of the period or None, value of the dimension or None)
CellKey = tuple[date | None, str | None]
Cells = dict[CellKey, dict[str, Number]]

# Sums of products of money and rates keep 6 of their 16 decimals, the same way on both engines.
TOTAL = "decimal(38,6)"


@dataclass(frozen=True, slots=True)
class Fact:
    """A table of one grain: how it is cut by a scope, and the grains of dimensions it can be cut by.

    `needs`: a table; where it has no rows, the fact has no cells.
    """

    id: str
    cut: Callable[[Scope], "ir.Table"]
    grains: tuple[Grain, ...]
    needs: str


@dataclass(frozen=True, slots=True)
class Measure:
    fact: str
    read: Callable[["ir.Table"], "ir.Scalar"]


def _of(build: Callable[[Scope], "ir.Table"], grains: tuple[Grain, ...]) -> Callable[[Scope], "ir.Table"]:
    return lambda scope: cut(build(scope), scope, grains)


def _aimed_at(scope: Scope) -> "ir.Table":
    return cut(aimed_at(scope), scope.but(start=None, end=None), ("campaign", "customer"))


ORDER: tuple[Grain, ...] = ("order", "customer")
LINE: tuple[Grain, ...] = ("product", "order", "customer")
VISIT: tuple[Grain, ...] = ("product", "visit", "customer")
LIST: tuple[Grain, ...] = ("product", "visit", "list", "customer")
COUPON: tuple[Grain, ...] = ("coupon", "campaign", "customer")

FACTS: dict[str, Fact] = {
    "lines": Fact("lines", _of(sold_lines, LINE), LINE, "orders"),
    "units": Fact("units", _of(moved_units, LINE), LINE, "order_lines"),
    "refunds": Fact("refunds", _of(paid_back, LINE), LINE, "refunds"),
    "refunds_of_costed": Fact("refunds_of_costed", _of(refunds_of_costed, LINE), LINE, "refunds"),
    "orders": Fact("orders", cut_orders, LINE, "orders"),
    "buyers": Fact("buyers", cut_buyers, LINE, "orders"),
    "gaps": Fact("gaps", cut_gaps, ORDER, "orders"),
    "visits": Fact("visits", cut_visits, VISIT, "events"),
    "lists": Fact("lists", _of(list_events, LIST), LIST, "events"),
    "promoted": Fact("promoted", _of(promoted_lines, LINE), LINE, "orders"),
    "redemptions": Fact("redemptions", _of(used_coupons, COUPON), COUPON, "redemptions"),
    "audiences": Fact("audiences", _aimed_at, ("campaign", "customer"), "audiences"),
}


def _total(column: str) -> Callable[["ir.Table"], "ir.Scalar"]:
    return lambda t: t[column].sum().cast(TOTAL)


def _sum(column: str) -> Callable[["ir.Table"], "ir.Scalar"]:
    return lambda t: t[column].sum()


def _rows(t: "ir.Table") -> "ir.Scalar":
    return t.count()


MEASURES: dict[str, Measure] = {
    "line_amount": Measure("lines", _total("line_amount")),
    "line_discount": Measure("lines", _total("line_discount")),
    "spread_discount": Measure("lines", _sum("spread")),
    "lines": Measure("lines", _rows),
    "costed_amount": Measure("lines", lambda t: t.line_amount.sum(where=t.cost.notnull()).cast(TOTAL)),
    "costed_spread": Measure("lines", lambda t: t.spread.sum(where=t.cost.notnull())),
    "costed_fee": Measure("lines", lambda t: t.fee.sum(where=t.cost.notnull())),
    "cost": Measure("lines", _sum("cost")),
    "goods_units": Measure("units", lambda t: t.units.sum(where=~t.is_service)),
    "all_units": Measure("units", _sum("units")),
    "refunded": Measure("refunds", _total("amount")),
    "costed_refunded": Measure("refunds_of_costed", _sum("costed")),
    "orders": Measure("orders", _rows),
    "guest_orders": Measure("orders", lambda t: t.count(where=t.customer_id.isnull())),
    "customers": Measure("buyers", _rows),
    "new_customers": Measure("buyers", lambda t: t.count(where=t.is_new)),
    "repeat_customers": Measure("buyers", lambda t: t.count(where=t.orders >= 2)),
    "customer_orders": Measure("buyers", _sum("orders")),
    "gap_days": Measure("gaps", _sum("days")),
    "gaps": Measure("gaps", _rows),
    "visits": Measure("visits", _rows),
    "one_event_visits": Measure("visits", lambda t: t.count(where=t.num_events == 1)),
    "view_visits": Measure("visits", _sum("has_view")),
    "cart_visits": Measure("visits", _sum("has_cart")),
    "checkout_visits": Measure("visits", _sum("has_checkout")),
    "purchase_visits": Measure("visits", _sum("has_purchase")),
    "view_cart_visits": Measure("visits", lambda t: (t.has_view * t.has_cart).sum()),
    "cart_checkout_visits": Measure("visits", lambda t: (t.has_cart * t.has_checkout).sum()),
    "checkout_purchase_visits": Measure("visits", lambda t: (t.has_checkout * t.has_purchase).sum()),
    "cart_purchase_visits": Measure("visits", lambda t: (t.has_cart * t.has_purchase).sum()),
    "lists_shown": Measure("lists", lambda t: t.count(where=~t.is_click)),
    "list_clicks": Measure("lists", lambda t: t.count(where=t.is_click)),
    "promoted_amount": Measure("promoted", _total("line_amount")),
    "promoted_spread": Measure("promoted", _sum("spread")),
    "redemptions": Measure("redemptions", _rows),
    "aimed_at": Measure("audiences", _rows),
    "aimed_at_redeemed": Measure("audiences", lambda t: t.count(where=t.has_redeemed)),
}


def read_measures(scope: Scope, names: Iterable[str]) -> Cells:
    """The measures by (period, dimension value), each fact read once.

    A cell holds the measures of those facts that have rows in it; the others are 0 (see
    `complete`). Without period and dimension there is one cell.
    """
    by_fact: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_fact.setdefault(MEASURES[name].fact, []).append(name)
    cells: Cells = {} if scope.keys else {(None, None): {}}
    for fact, measures in by_fact.items():
        if scope.has_rows(FACTS[fact].needs):
            _merge(cells, _aggregate(scope, FACTS[fact], measures))
    return cells


def complete(cell: Mapping[str, Number], names: Iterable[str]) -> dict[str, Number]:
    """These measures of a cell, 0 where nothing happened."""
    return {name: cell.get(name, 0) for name in names}


def _aggregate(scope: Scope, fact: Fact, measures: list[str]) -> list[dict[str, Any]]:
    table = fact.cut(scope)
    columns = {name: MEASURES[name].read(table) for name in measures}
    small = table.group_by(scope.keys).agg(**columns) if scope.keys else table.agg(**columns)
    rows: list[dict[str, Any]] = small.to_pyarrow().to_pylist()
    return rows


def _merge(cells: Cells, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        key = (row.pop("period", None), row.pop("by_value", None))
        cells.setdefault(key, {}).update((name, value or 0) for name, value in row.items())


def grains_of(measures: Iterable[str]) -> Mapping[str, tuple[Grain, ...]]:
    """The grains that each fact behind these measures can be cut by."""
    return {MEASURES[name].fact: FACTS[MEASURES[name].fact].grains for name in measures}
