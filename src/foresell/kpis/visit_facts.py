"""The facts of behavior: visits and what happened in them, lists shown and products picked.

A visit is one session_id. Events without one make a visit of each visitor and local date; events
without any visitor belong to no visit. A visit's date is that of its first event. Where a visit
shows two values of a dimension (two devices, say), the alphabetically first counts, so that a
visit is never counted twice and both engines agree.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from foresell.kpis.dimensions import Dimension
from foresell.kpis.scope import Scope, add_period, cut_by_dimension, with_dimension, within

if TYPE_CHECKING:
    import ibis.expr.types as ir

# What the shop does afterwards is no visit.
NOT_BEHAVIOR = ("refund", "order_cancelled", "other")
STEPS = {
    "has_view": "view_item",
    "has_cart": "add_to_cart",
    "has_checkout": "begin_checkout",
    "has_purchase": "purchase",
}
# A visit that crosses the border of the asked days has its other events within so many days.
LONGEST_VISIT = timedelta(days=7)


def cut_visits(scope: Scope) -> "ir.Table":
    """Visits, a row a visit (and product value, where a product's dimension splits or filters).

    Columns: num_events, the flags of STEPS as 0 or 1, and the key columns.
    """
    import ibis

    events = _near(scope, scope.tables.current("events"))
    events = events.filter(events.event_name.notin(NOT_BEHAVIOR))
    visitor = ibis.coalesce(events.customer_id, events.anonymous_id)
    day = ibis.literal("@") + events.local_date.cast("string")
    events = events.mutate(visit=ibis.coalesce(events.session_id, visitor + day))
    events = events.filter(events.visit.notnull())
    keys = ["visit"]
    of_events = [d for d in scope.dimensions if "product" in d.grains]
    for dimension in of_events:
        events = events.filter(events.product_id.notnull())
        events = with_dimension(events, dimension, scope, ("product",))
        events = cut_by_dimension(events, dimension, scope)
    if scope.by in of_events:
        keys.append("by_value")
    of_visits = [d for d in scope.dimensions if d not in of_events]
    sources = {_source(d): events[_source(d)].min() for d in of_visits}
    flags = {flag: (events.event_name == name).ifelse(1, 0).max() for flag, name in STEPS.items()}
    visits = events.group_by(keys).agg(
        date=events.local_date.min(), num_events=events.count(), **flags, **sources
    )
    visits = within(visits, scope)
    for dimension in of_visits:
        visits = with_dimension(visits, dimension, scope, ("visit", "customer"))
        visits = cut_by_dimension(visits, dimension, scope)
    return add_period(visits, scope)


def list_events(scope: Scope) -> "ir.Table":
    """Events of lists: a product list shown (view_item_list) or a product picked (select_item)."""
    events = scope.tables.current("events")
    events = events.filter(events.event_name.isin(["view_item_list", "select_item"]))
    return events.mutate(date=events.local_date, is_click=events.event_name == "select_item")


def _near(scope: Scope, events: "ir.Table") -> "ir.Table":
    import ibis

    if scope.start is not None:
        events = events.filter(events.local_date >= ibis.literal(scope.start - LONGEST_VISIT))
    if scope.end is not None:
        events = events.filter(events.local_date <= ibis.literal(scope.end + LONGEST_VISIT))
    return events


def _source(dimension: Dimension) -> str:
    """The column of the events that leads to the dimension's value."""
    return dimension.columns["visit"] if "visit" in dimension.grains else "customer_id"
