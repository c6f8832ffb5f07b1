"""What the exports of trackers have in common: events with a list of items each, and no orders.

An event about items has a row in `events` for each of its items: the first on the event's own row, which also
has the event's `value`, the others on rows of their own. Lists that were shown, carts and checkouts stay one
row each, and keep several items in `properties`: what is counted there are events.

Trackers lose events and send them twice, so what was sold is the order system's to say, and they feed no
orders. For a shop that has nothing else there is a second preset, whose name ends in `_orders`: there the
first purchase event of an order makes it.
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from foresell.contracts.tables import EVENT_NAMES
from foresell.sources.mapping import Field, Target
from foresell.sources.presets.fields import by_sql, column
from foresell.sources.words import EVENT_ALIASES
from foresell.store.engine import literal

# Each of their items is something that was done to a product.
ITEM_EVENTS = (
    *("select_item", "view_item", "add_to_wishlist", "add_to_cart", "remove_from_cart"),
    *("purchase", "refund"),
)
IS_OF_ITEMS = f"_name IN ({', '.join(map(literal, ITEM_EVENTS))})"


@dataclass(frozen=True)
class Tracker:
    """How an export names what every event has. Fields of ids name columns of the file, so that erasure finds
    them there; `details`: further columns of `events`; `amounts`: of `orders`."""

    event_id: Field
    occurred_at: Field
    customer_id: Field
    anonymous_id: Field
    session_id: Field
    order_id: Field
    details: MappingOf[str, Field]
    amounts: MappingOf[str, Field] = field(default_factory=dict)


def event_name_sql(name: str) -> str:
    """SQL: the canonical name of an event, `other` for one that has none, null for none given."""
    plain = f"trim(regexp_replace(lower({name}), '[^a-z0-9]+', '_', 'g'), '_')"
    known = ", ".join(map(literal, EVENT_NAMES))
    aliases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in EVENT_ALIASES.items())
    return (
        f"CASE WHEN nullif({plain}, '') IS NULL THEN NULL WHEN {plain} IN ({known}) THEN {plain} "
        f"ELSE CASE {plain} {aliases} ELSE 'other' END END"
    )


def json_list(text: str) -> str:
    """SQL: the elements of a JSON list, null where a text is none."""
    return f"CASE WHEN json_valid({text}) THEN json_extract({text}, '$[*]') END"


def first_item_sql() -> str:
    """SQL over the prepared `_name` and `_items`: the item that stands on the event's own row."""
    return (
        f"CASE WHEN {IS_OF_ITEMS} OR json_array_length(_items) = 1 "
        "THEN CAST(json_extract(_items, '$[0]') AS VARCHAR) END"
    )


def _of_item(item: str, name: str) -> str:
    return f"nullif(trim(json_extract_string({item}, '$.{name}')), '')"


def _item_fields(item: str) -> dict[str, Field]:
    names = {
        "product_id": "id",
        "quantity": "quantity",
        "price": "price",
        "list_id": "list",
        "position": "position",
        "coupon_code": "coupon",
    }
    return {
        target: by_sql(f"coalesce({_of_item(item, name)}, json_extract_string(_event, '$.{name}'))", "_items")
        for target, name in names.items()
    }


def tracker_targets(tracker: Tracker, *, with_orders: bool) -> tuple[Target, ...]:
    """Targets over raw rows that are prepared to have, as text:

    `_name` (canonical), `_items` (a JSON list of objects with id, name, brand, category, price, quantity,
    list, position, coupon), `_first` (see `first_item_sql`), and `_event` (a JSON object with those of the
    same names that stand beside the items, and hold for those that have none).
    """
    of_event = {
        "event_name": column("_name"),
        "occurred_at": tracker.occurred_at,
        "customer_id": tracker.customer_id,
        "anonymous_id": tracker.anonymous_id,
        "session_id": tracker.session_id,
        "order_id": tracker.order_id,
    }
    shared = {name: source for name, source in tracker.details.items() if name not in ("value", "properties")}
    events = Target(
        "events",
        {
            "event_id": tracker.event_id,
            **of_event,
            **_item_fields("_first"),
            **tracker.details,
        },
        is_primary=True,
    )
    further = Target(
        "events",
        {
            "event_id": by_sql(
                f"({tracker.event_id.sql}) || '-' || CAST(_place + 1 AS VARCHAR)", *tracker.event_id.columns
            ),
            **of_event,
            **_item_fields("_item"),
            **shared,
        },
        unnest=f"CASE WHEN {IS_OF_ITEMS} THEN ({json_list('_items')})[2:] END",
    )
    targets = (
        events,
        further,
        _products(),
        Target("customers", {"customer_id": tracker.customer_id}, is_stub=True),
    )
    return (*targets, *(_orders(tracker) if with_orders else ()))


def _products() -> Target:
    return Target(
        "products",
        {
            "product_id": by_sql(_of_item("_item", "id"), "_items"),
            "title": by_sql(_of_item("_item", "name"), "_items"),
            "brand": by_sql(_of_item("_item", "brand"), "_items"),
            "category": by_sql(_of_item("_item", "category"), "_items"),
        },
        is_stub=True,
        unnest=json_list("_items"),
    )


def _orders(tracker: Tracker) -> tuple[Target, ...]:
    is_purchase = f"_name = 'purchase' AND {tracker.order_id.sql} IS NOT NULL"
    price, quantity = _of_item("_item", "price"), f"coalesce({_of_item('_item', 'quantity')}, '1')"
    orders = Target(
        "orders",
        {
            "order_id": tracker.order_id,
            "customer_id": tracker.customer_id,
            "channel": Field(value="web"),
            "created_at": tracker.occurred_at,
            "status": Field(value="completed"),
            "currency": tracker.details["currency"],
            **tracker.amounts,
        },
        when=is_purchase,
        is_stub=True,
    )
    lines = Target(
        "order_lines",
        {
            "order_line_id": by_sql(f"{tracker.order_id.sql} || '-' || CAST(_place AS VARCHAR)", "_items"),
            "order_id": tracker.order_id,
            "product_id": by_sql(_of_item("_item", "id"), "_items"),
            "quantity": by_sql(quantity, "_items"),
            "unit_price": by_sql(price, "_items"),
            "line_amount": by_sql(
                f"TRY_CAST({price} AS DECIMAL(18,4)) * TRY_CAST({quantity} AS DOUBLE)", "_items"
            ),
        },
        when=is_purchase,
        unnest=json_list("_items"),
        is_stub=True,
    )
    refunds = Target(
        "refunds",
        {
            "refund_id": tracker.event_id,
            "order_id": tracker.order_id,
            "customer_id": tracker.customer_id,
            "created_at": tracker.occurred_at,
            "amount": tracker.details["value"],
            "currency": tracker.details["currency"],
        },
        when=f"_name = 'refund' AND ({tracker.details['value'].sql}) IS NOT NULL",
    )
    return orders, lines, refunds
