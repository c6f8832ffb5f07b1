"""Segment's and RudderStack's calls: one, or `{"batch": […]}` as their HTTP APIs take them.

segment.com/docs/connections/spec: track, page and screen calls are events by the e-commerce spec (version 2);
any other call is `other`. Where it names both, it ties a visitor to a customer; its traits go to the
properties. What is named of products stands in `properties.products` or in the properties themselves.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foresell.sources.live.names import canonical_name
from foresell.sources.live.shape import Body, Shape

CALLS = ("track", "page", "screen", "identify", "group", "alias")
PROPERTIES = {
    "currency": "currency",
    "order_id": "order_id",
    "cart_id": "cart_id",
    "query": "search_query",
    "list_id": "list_id",
    "coupon": "coupon_code",
    "url": "page_url",
    "referrer": "referrer",
}
VALUES = ("value", "total", "revenue")
ITEM = {
    "product_id": "product_id",
    "price": "price",
    "quantity": "quantity",
    "position": "position",
    "coupon": "coupon_code",
}
CAMPAIGN = {"source": "utm_source", "medium": "utm_medium", "name": "utm_campaign"}


def _is_segment(body: Body) -> bool:
    if isinstance(body, list):
        return bool(body) and isinstance(body[0], dict) and body[0].get("type") in CALLS
    if not isinstance(body, dict):
        return False
    return isinstance(body.get("batch"), list) or body.get("type") in CALLS


def _unpack(body: Body, received_at: datetime) -> list[Any]:
    calls = body if isinstance(body, list) else [body]
    if isinstance(body, dict) and isinstance(body.get("batch"), list):
        calls = body["batch"]
    return [_event(one, received_at) if isinstance(one, dict) else one for one in calls]


def _event(call: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    properties, context = _part(call, "properties"), _part(call, "context")
    name, more = _name(call)
    at = call.get("timestamp") or call.get("originalTimestamp") or received_at.isoformat()
    visitor, session = call.get("anonymousId"), context.get("sessionId")
    told: dict[str, Any] = {
        column: properties[key] for key, column in PROPERTIES.items() if key in properties
    }
    valued = next((name for name in VALUES if properties.get(name) is not None), None)
    read = {*PROPERTIES, valued, "products", *((*ITEM, "sku") if _is_item(properties) else ())}
    rest = {key: value for key, value in properties.items() if key not in read}
    traits = call.get("traits")
    return {
        "event_id": call.get("messageId"),
        "event_name": name,
        "occurred_at": at,
        "customer_id": call.get("userId"),
        "anonymous_id": visitor,
        "session_id": f"{visitor}.{session or str(at)[:10]}" if visitor else None,
        "platform": call.get("channel"),
        "device_type": _part(context, "device").get("type"),
        "country": _part(context, "location").get("country"),
        "page_url": _part(context, "page").get("url"),
        "referrer": _part(context, "page").get("referrer"),
        **{column: _part(context, "campaign").get(key) for key, column in CAMPAIGN.items()},
        "value": properties[valued] if valued else None,
        "items": _items(properties),
        **told,
        "properties": {**rest, **more, **({"traits": traits} if traits else {})} or None,
    }


def _name(call: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    kind = call.get("type")
    if kind in ("page", "screen"):
        return "page_view", {}
    return canonical_name(call.get("event")) if kind == "track" else ("other", {"type": kind})


def _items(properties: Mapping[str, Any]) -> Any:
    products = properties.get("products")
    if products is None:
        products = [properties] if _is_item(properties) else []
    if not isinstance(products, list):
        return products
    return [_item(one) if isinstance(one, dict) else one for one in products]


def _is_item(properties: Mapping[str, Any]) -> bool:
    """Whether the properties are those of one product."""
    has_id = properties.get("product_id") or properties.get("sku")
    return properties.get("products") is None and bool(has_id)


def _item(product: Mapping[str, Any]) -> dict[str, Any]:
    item = {column: product[key] for key, column in ITEM.items() if key in product}
    return {**item, "product_id": product.get("product_id") or product.get("sku")}


def _part(call: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = call.get(name)
    return value if isinstance(value, dict) else {}


SEGMENT = Shape("segment", _is_segment, _unpack)
