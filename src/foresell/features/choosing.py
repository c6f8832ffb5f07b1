"""What a shop's features are, chosen on what was known at a cutoff."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.facts import Facts, shop_of
from foresell.features.spec import CustomerSpec, Focus

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST_CATEGORIES = 12
MOST_DEPARTMENTS = 8
MOST_OTHERS = 5
MOST_EVENT_NAMES = 10
# A category's usual price is told from so many units on.
LEAST_UNITS = 20.0


def customer_spec(
    tables: Tables, settings: Settings, cutoff: datetime, *, focus: Focus | None = None
) -> CustomerSpec:
    """Which tables are there, and the most frequent values, as known at `cutoff`: that of the training.

    Raises InputError where nothing is known of any customer before the cutoff.
    """
    known = asof(tables, settings, cutoff)
    has = {name: known.has_rows(name) for name in ("orders", "events", "products", "refunds", "redemptions")}
    spec = CustomerSpec(
        has_orders=has["orders"],
        has_events=has["events"],
        has_products=has["products"],
        has_refunds=has["refunds"] and has["orders"],
        has_coupons=has["redemptions"] and has["orders"],
        focus=focus if has["orders"] else None,
    )
    facts = Facts(known, settings, spec, shop_of(tables, settings))
    if spec.has_orders:
        spec = _of_orders(facts)
    if spec.has_events:
        spec = _of_events(spec, facts)
    if not (spec.has_orders or spec.has_events):
        raise InputError(
            "Nothing is known of any customer before the cutoff",
            received=cutoff,
            do="Give a later one, or import orders or events.",
        )
    return spec


def _of_orders(facts: Facts) -> CustomerSpec:
    spec, lines, orders = facts.spec, facts.table("lines"), facts.table("orders")
    goods = lines.filter(lines.is_goods)
    spec = replace(spec, channels=_most_frequent(orders, "channel", MOST_OTHERS))
    if spec.has_products:
        sold = goods.filter(goods.category.notnull())
        sums = sold.group_by("category").agg(n=sold.count(), gross=sold.gross.sum(), units=sold.units.sum())
        rows = sums.to_pyarrow()
        counted = sorted(rows.to_pylist(), key=lambda row: (-row["n"], row["category"]))
        prices = {
            row["category"]: row["gross"] / row["units"]
            for row in counted
            if row["units"] >= LEAST_UNITS and row["gross"] > 0
        }
        spec = replace(
            spec,
            categories=tuple(row["category"] for row in counted[:MOST_CATEGORIES]),
            departments=_most_frequent(goods, "department", MOST_DEPARTMENTS),
            usual_prices=tuple(sorted(prices.items())),
        )
    return spec


def _of_events(spec: CustomerSpec, facts: Facts) -> CustomerSpec:
    events = facts.table("events")
    categories = spec.categories
    if spec.has_products and not categories:
        categories = _most_frequent(events, "category", MOST_CATEGORIES)
    return replace(
        spec,
        event_names=_most_frequent(facts.tables.current("events"), "event_name", MOST_EVENT_NAMES),
        devices=_most_frequent(events, "device_type", MOST_OTHERS),
        sources=_most_frequent(events, "source", MOST_OTHERS),
        categories=categories,
    )


def _most_frequent(rows: "ir.Table", column: str, most: int) -> tuple[str, ...]:
    """The values of the most rows, most first; ties by name."""
    known = rows.filter(rows[column].notnull())
    counts = known.group_by(column).agg(n=known.count()).to_pyarrow().to_pylist()
    counts.sort(key=lambda row: (-row["n"], row[column]))
    return tuple(row[column] for row in counts[:most])
