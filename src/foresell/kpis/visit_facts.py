"""The facts of behavior: visits and what happened in them, lists shown and products picked.

A visit is one session_id. Events without one make a visit of each visitor and local date; events
without any visitor belong to no visit. A visit's date is that of its first event. Where a visit
shows two values of a dimension (two devices, say), the alphabetically first counts, so that a
visit is never counted twice and both engines agree.

By a product's dimension a visit stands in every value that one of its events names, with its own date and
number of events. A checkout or purchase whose events name no product at all is one of what lies in the cart.
"""

from collections.abc import Sequence
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
# Shops often say these once for all that is in the cart.
OFTEN_BARE = ("has_checkout", "has_purchase")
# A visit that crosses the border of the asked days has its other events within so many days.
LONGEST_VISIT = timedelta(days=7)


def cut_visits(scope: Scope) -> "ir.Table":
    """Visits, a row a visit (and product value, where a product's dimension splits or filters).

    Columns: num_events, the flags of STEPS as 0 or 1, and the key columns.
    """
    events = _near(scope, scope.tables.current("events"))
    events = _with_visits(events.filter(events.event_name.notin(NOT_BEHAVIOR)), scope)
    of_events = [d for d in scope.dimensions if "product" in d.grains]
    of_visits = [d for d in scope.dimensions if d not in of_events]
    sources = {_source(d): events[_source(d)].min() for d in of_visits}
    visits = events.group_by("visit").agg(
        date=events.local_date.min(),
        num_events=events.count(),
        **{flag: _any(events.event_name == name) for flag, name in STEPS.items()},
        **{f"bare_{flag}": _is_bare(events, STEPS[flag]) for flag in OFTEN_BARE},
        **sources,
    )
    visits = within(visits, scope)
    if of_events:
        visits = _by_product(visits, events, of_events, scope)
    for dimension in of_visits:
        visits = with_dimension(visits, dimension, scope, ("visit", "customer"))
        visits = cut_by_dimension(visits, dimension, scope)
    return add_period(visits, scope)


def _with_visits(events: "ir.Table", scope: Scope) -> "ir.Table":
    """The events of visits with `visit`. Who is known by name from some moment of the day on was the same
    visitor before it."""
    import ibis

    visit = events.session_id
    if scope.lacks_values("events", "session_id"):
        same = ibis.window(group_by=[events.anonymous_id, events.local_date])
        named_later = ibis.ifelse(
            events.anonymous_id.notnull(), events.customer_id.min().over(same), ibis.null("string")
        )
        visitor = ibis.coalesce(events.customer_id, named_later, events.anonymous_id)
        visit = ibis.coalesce(visit, visitor + ibis.literal("@") + events.local_date.cast("string"))
    events = events.mutate(visit=visit)
    return events.filter(events.visit.notnull())


def _by_product(
    visits: "ir.Table", events: "ir.Table", dimensions: Sequence[Dimension], scope: Scope
) -> "ir.Table":
    """A row a visit and value (a visit, where nothing splits), with the steps that were taken with it."""
    import ibis

    events = events.filter(events.product_id.notnull())
    for dimension in dimensions:
        events = with_dimension(events, dimension, scope, ("product",))
        events = cut_by_dimension(events, dimension, scope)
    split = ["by_value"] if scope.by in dimensions else []
    own = events.group_by("visit", *split).agg(
        **{f"own_{flag}": _any(events.event_name == name) for flag, name in STEPS.items()}
    )
    visits = visits.inner_join(own, "visit")
    bare = {flag: visits[f"bare_{flag}"] * visits.own_has_cart for flag in OFTEN_BARE}
    taken = {flag: ibis.greatest(visits[f"own_{flag}"], bare.get(flag, 0)) for flag in STEPS}
    return visits.drop(*STEPS).mutate(**taken)


def _is_bare(events: "ir.Table", name: str) -> "ir.IntegerScalar":
    """Whether there are events of this name and none of them names a product: 0 or 1."""
    has_name = events.event_name == name
    return _any(has_name) * (1 - _any(has_name & events.product_id.notnull()))


def _any(is_so: "ir.BooleanColumn") -> "ir.IntegerScalar":
    """Whether it is so of any event: 0 or 1."""
    return is_so.ifelse(1, 0).max()


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
