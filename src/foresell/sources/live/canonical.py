"""Foresell's own shape: an event has the columns of the table `events`.

    {"event_id": "…", "event_name": "view_item", "occurred_at": "2026-11-22T19:50:00Z",
     "customer_id": "c17", "product_id": "p4", "price": 9.90, "currency": "EUR"}

One event, a list of them, or `{"events": […]}`. Events of several products give `items`, a list of objects
with product_id, quantity, price, list_id, position and coupon_code. What has no column goes to `properties`.
"""

from datetime import datetime
from typing import Any

from foresell.sources.live.shape import Body, Shape


def _is_canonical(body: Body) -> bool:
    if isinstance(body, list):
        return not any(isinstance(one, dict) and ("messageId" in one or "type" in one) for one in body[:1])
    if not isinstance(body, dict):
        return False
    if "event_name" in body or "event_id" in body:
        return True
    return isinstance(body.get("events"), list) and not {"client_id", "app_instance_id"} & body.keys()


def _unpack(body: Body, _received_at: datetime) -> list[Any]:
    if isinstance(body, list):
        return body
    events = body.get("events") if isinstance(body, dict) else None
    return events if isinstance(events, list) else [body]


CANONICAL = Shape("canonical", _is_canonical, _unpack, has_plain_ids=True)
