"""The body of Google Analytics 4's Measurement Protocol, as gtag and servers send it.

developers.google.com/analytics/devguides/collection/protocol/ga4/reference: `client_id` (or
`app_instance_id`), `user_id`, `timestamp_micros`, and `events` with `name` and `params`. GA4 has no ids of
events: `params.event_id` is taken where it is given, else one is made of all that the event says, its
timestamp included. An event without a timestamp happened when it arrived, and cannot be told from one sent
twice.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from foresell.sources.live.names import canonical_name
from foresell.sources.live.shape import Body, Shape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Parameter → column; what is not here goes to the properties.
PARAMS = {
    "value": "value",
    "currency": "currency",
    "transaction_id": "order_id",
    "search_term": "search_query",
    "page_location": "page_url",
    "page_referrer": "referrer",
    "coupon": "coupon_code",
    "item_list_id": "list_id",
    "source": "utm_source",
    "medium": "utm_medium",
    "campaign": "utm_campaign",
    "event_id": "event_id",
}
ITEM = {
    "item_id": "product_id",
    "price": "price",
    "quantity": "quantity",
    "item_list_id": "list_id",
    "index": "position",
    "coupon": "coupon_code",
}
SESSION = ("ga_session_id", "session_id")


def _is_ga4(body: Body) -> bool:
    return isinstance(body, dict) and bool({"client_id", "app_instance_id"} & body.keys())


def _unpack(body: Body, received_at: datetime) -> list[Any]:
    if not isinstance(body, dict):
        return [body]
    events = body.get("events")
    if not isinstance(events, list):
        return [body]
    # Events without a time of their own stay in their order, and two that say the same are two.
    moments = (received_at + timedelta(microseconds=place) for place in range(len(events)))
    return [
        _event(body, one, at) if isinstance(one, dict) else one
        for one, at in zip(events, moments, strict=True)
    ]


def _event(body: Mapping[str, Any], event: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    params = event.get("params")
    given = params if isinstance(params, dict) else {}
    visitor = body.get("client_id") or body.get("app_instance_id")
    micros = event.get("timestamp_micros", body.get("timestamp_micros"))
    session = next((given[name] for name in SESSION if given.get(name)), None)
    name, properties = canonical_name(event.get("name"))
    told: dict[str, Any] = {column: given[key] for key, column in PARAMS.items() if key in given}
    rest = {key: value for key, value in given.items() if key not in (*PARAMS, *SESSION, "items")}
    return {
        "event_id": _made_id(visitor, event, micros, received_at),
        "event_name": name,
        "occurred_at": _moment(micros, received_at),
        "customer_id": body.get("user_id"),
        "anonymous_id": visitor,
        "session_id": f"{visitor}.{session}" if session else None,
        "device_type": _within(body, "device", "category"),
        "country": _within(body, "user_location", "country_id"),
        "items": _items(given.get("items")),
        **told,
        "properties": {**rest, **properties} or None,
    }


def _items(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    return [
        {column: one[key] for key, column in ITEM.items() if key in one} if isinstance(one, dict) else one
        for one in items
    ]


def _within(body: Mapping[str, Any], name: str, key: str) -> Any:
    value = body.get(name)
    return value.get(key) if isinstance(value, dict) else None


def _moment(micros: Any, received_at: datetime) -> Any:
    """As text where it is one of microseconds; else as it is, to be refused."""
    if micros is None:
        return received_at.isoformat()
    try:
        return (EPOCH + timedelta(microseconds=int(micros))).isoformat()
    except (ValueError, TypeError, OverflowError):
        return micros


def _made_id(visitor: Any, event: Mapping[str, Any], micros: Any, received_at: datetime) -> str:
    moment = received_at.isoformat() if micros is None else micros
    said = json.dumps([visitor, moment, event], sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


GA4 = Shape("ga4", _is_ga4, _unpack)
