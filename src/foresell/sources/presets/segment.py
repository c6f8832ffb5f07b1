"""Segment and RudderStack: tracking calls as JSON Lines, a call a line, as both archive them.

Calls: segment.com/docs/connections/spec (track, page, screen, identify); what track calls are named and bring
along: the e-commerce spec, version 2, which RudderStack shares (rudderstack.com/docs/event-spec). Several
products stand in `properties.products`, one in the properties themselves; a product is its `product_id`, else
its `sku`. RudderStack numbers sessions; with Segment, which does not, a visit is a visitor's day (in UTC).

An identify call of a known user is what is known of the customer from then on; any other call is an event.
`value` is the event's `value`, else its `total`, else its `revenue`. With orders: `discount` is the order's,
as products have their prices before it.
"""

from foresell.sources.mapping import Field, Mapping, Target, with_identities
from foresell.sources.presets.behavior import (
    Tracker,
    event_name_sql,
    first_item_sql,
    json_list,
    tracker_targets,
)
from foresell.sources.presets.fields import by_sql, optional, text, with_columns
from foresell.sources.presets.preset import Preset
from foresell.sources.staging import ReadOptions
from foresell.store.engine import quoted

PRODUCT = ("product_id", "sku", "name", "brand", "category", "price", "quantity", "position", "coupon")
OF_EVENT = (
    *("products", "list_id", "order_id", "cart_id", "query", "value", "total", "revenue", "currency"),
    *("shipping", "tax", "discount", "url", "referrer"),
)
OF_TRAITS = ("address", "country", "city", "gender", "birthday", "createdAt")
OPTIONAL = (
    *("event", "userId", "anonymousId", "timestamp", "originalTimestamp", "receivedAt", "channel"),
    *(f"properties.{name}" for name in (*PRODUCT, *OF_EVENT)),
    *(f"context.{name}" for name in ("page", "campaign", "device", "location", "sessionId")),
    *(f"traits.{name}" for name in OF_TRAITS),
)


def _property(*names: str) -> str:
    """SQL: the first of these properties that is given."""
    return f"coalesce({', '.join(text(f'properties.{name}') for name in names)}, NULL)"


def _context(name: str, key: str) -> str:
    """SQL: a member of an object in the context."""
    place = quoted(f"context.{name}")
    return f"CASE WHEN json_valid({place}) THEN nullif(json_extract_string({place}, '$.{key}'), '') END"


def _listed(*names: str) -> str:
    given = ", ".join(f"nullif(json_extract_string(i, '$.{name}'), '')" for name in names)
    return f"coalesce({given}, NULL)"


def _item(of: str) -> str:
    """SQL: an item as `tracker_targets` wants it; `of`: `list` for an element `i`, else the properties."""
    given = _listed if of == "list" else _property
    return (
        f"json_object('id', {given('product_id', 'sku')}, 'name', {given('name')}, "
        f"'brand', {given('brand')}, 'category', {given('category')}, "
        f"'price', {given('price')}, 'quantity', {given('quantity')}, "
        f"'list', NULL, 'position', {given('position')}, 'coupon', {given('coupon')})"
    )


PRODUCTS = quoted("properties.products")
NAME = f"""CASE lower(trim("type")) WHEN 'page' THEN 'page_view' WHEN 'screen' THEN 'page_view'
    WHEN 'track' THEN {event_name_sql('"event"')} ELSE 'other' END"""
PREPARE = f"""
    SELECT *, {first_item_sql()} AS _first,
      CAST(json_object('list', {_property("list_id")}, 'coupon', {_property("coupon")}) AS VARCHAR) AS _event
    FROM (
      SELECT *, {NAME} AS _name,
        CASE WHEN {PRODUCTS} IS NOT NULL
          THEN CAST(to_json(list_transform({json_list(PRODUCTS)}, lambda i: {_item("list")})) AS VARCHAR)
          WHEN {_property("product_id", "sku")} IS NOT NULL
          THEN CAST(json_array({_item("properties")}) AS VARCHAR)
        END AS _items,
        coalesce({text("timestamp")}, {text("originalTimestamp")}, {text("receivedAt")}) AS _at
      FROM {with_columns(OPTIONAL)})
"""
IS_PERSON = f"""lower(trim("type")) = 'identify' AND {text("userId")} IS NOT NULL"""
MOMENT = Field(columns=("_at",), time_zone="UTC")
TRACKER = Tracker(
    event_id=by_sql(text("messageId"), "messageId", "type"),
    occurred_at=MOMENT,
    customer_id=optional("userId"),
    anonymous_id=optional("anonymousId"),
    session_id=by_sql(
        f"\"anonymousId\" || '.' || coalesce({text('context.sessionId')}, "
        "strftime(TRY_CAST(_at AS TIMESTAMPTZ), '%Y-%m-%d'))",
        "_at",
    ),
    order_id=Field(columns=("properties.order_id",), sql=text("properties.order_id"), is_optional=True),
    details={
        "value": by_sql(_property("value", "total", "revenue"), "_name"),
        "currency": by_sql(f"upper({_property('currency')})", "_name"),
        "cart_id": optional("properties.cart_id"),
        "search_query": by_sql(_property("query"), "_name"),
        "platform": optional("channel"),
        "device_type": by_sql(_context("device", "type"), "_name"),
        "country": by_sql(_context("location", "country"), "_name"),
        "page_url": by_sql(f"coalesce({_property('url')}, {_context('page', 'url')})", "_name"),
        "referrer": by_sql(f"coalesce({_property('referrer')}, {_context('page', 'referrer')})", "_name"),
        "utm_source": by_sql(_context("campaign", "source"), "_name"),
        "utm_medium": by_sql(_context("campaign", "medium"), "_name"),
        "utm_campaign": by_sql(_context("campaign", "name"), "_name"),
        "properties": by_sql(
            "CASE WHEN _name = 'other' THEN json_object('type', \"type\", 'event', \"event\") "
            "WHEN json_array_length(_items) > 1 AND _first IS NULL "
            "THEN json_object('items', CAST(_items AS JSON)) END",
            "_name",
        ),
    },
    amounts={
        "discount_amount": by_sql(_property("discount"), "_name"),
        "shipping_amount": by_sql(_property("shipping"), "_name"),
        "tax_amount": by_sql(_property("tax"), "_name"),
    },
)
ADDRESS = quoted("traits.address")


def _place(name: str) -> Field:
    of_address = f"CASE WHEN json_valid({ADDRESS}) THEN json_extract_string({ADDRESS}, '$.{name}') END"
    return by_sql(f"coalesce({text(f'traits.{name}')}, {of_address})", "_name")


CUSTOMERS = Target(
    "customers",
    {
        "customer_id": optional("userId"),
        "created_at": optional("traits.createdAt", time_zone="UTC"),
        "country": _place("country"),
        "city": _place("city"),
        "gender": optional("traits.gender"),
        "birth_year": by_sql('year(TRY_CAST("traits.birthday" AS DATE))', "_name"),
    },
    is_primary=True,
    when=IS_PERSON,
    valid_from=MOMENT,
)
IDENTIFIERS = {
    "traits.email": "email",
    "traits.phone": "phone",
    "traits.name": "name",
    "context.traits.name": "name",
    "context.device.id": "device",
    "context.device.token": "device",
    **{f"*.{name}": "email" for name in ("email", "emailAddress")},
    **{f"*.{name}": "phone" for name in ("phone", "phoneNumber")},
    **{f"*.{name}": "name" for name in ("firstName", "lastName", "fullName", "username", "avatar")},
    **{f"*.{name}": "address" for name in ("address", "shippingAddress", "billingAddress", "street")},
    **{f"*.{name}": "address" for name in ("postalCode", "zip", "latitude", "longitude")},
    **{f"*.{name}": "ip" for name in ("ip", "requestIp", "ipAddress")},
    **{f"*.{name}": "device" for name in ("advertisingId", "deviceId")},
}


def _preset(name: str, doc: str, *, with_orders: bool = False) -> Preset:
    mapping = with_identities(
        Mapping(
            name,
            (CUSTOMERS, *tracker_targets(TRACKER, with_orders=with_orders)),
            time_zone="UTC",
            identifiers=IDENTIFIERS,
            prepare=PREPARE,
            is_prepared_by_row=True,
            read=ReadOptions(format="jsonl"),
        )
    )
    return Preset(name, doc, {name: mapping})


SEGMENT = _preset("segment", "Segment: track, page and identify calls as JSON Lines (e-commerce spec v2)")
SEGMENT_ORDERS = _preset(
    "segment_orders",
    "As segment, and its completed orders: for a shop without another record",
    with_orders=True,
)
RUDDERSTACK = _preset("rudderstack", "RudderStack: track, page and identify calls as JSON Lines")
RUDDERSTACK_ORDERS = _preset(
    "rudderstack_orders",
    "As rudderstack, and its completed orders: for a shop without another record",
    with_orders=True,
)
