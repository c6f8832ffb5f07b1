"""Google Analytics 4: the BigQuery export (`events_YYYYMMDD`) as newline-delimited JSON.

Schema: support.google.com/analytics/answer/7029846. `event_params` and `user_properties` are lists of keys
and values, `items` a list in each event, `event_timestamp` microseconds; BigQuery writes integers as text. A
session is `ga_session_id` of one `user_pseudo_id`. An item's price is after its discount.

Google forbids direct identifiers there; where a shop sent them all the same, in parameters, properties or the
addresses of pages, they become tokens.
"""

import json

from foresell.sources.mapping import Field, Mapping, with_identities
from foresell.sources.presets.behavior import (
    Tracker,
    event_name_sql,
    first_item_sql,
    json_list,
    tracker_targets,
)
from foresell.sources.presets.fields import by_sql, column, optional, optional_by_sql, text, with_columns
from foresell.sources.presets.preset import Preset
from foresell.sources.staging import ReadOptions

OPTIONAL = (
    *("user_id", "items", "stream_id", "platform", "event_bundle_sequence_id"),
    *("batch_page_id", "batch_ordering_id", "ecommerce.transaction_id", "ecommerce.purchase_revenue"),
    *("ecommerce.refund_value", "ecommerce.tax_value", "ecommerce.shipping_value"),
)
VALUES = ("string_value", "int_value", "double_value", "float_value")
PARAMETERS = json.dumps([{"key": "VARCHAR", "value": dict.fromkeys(VALUES, "VARCHAR")}])
GIVEN = f"coalesce({', '.join(f'p.value.{value}' for value in VALUES)})"
# The first of two parameters of one name is the one that is found.
PARAMS_JSON = (
    "'{' || array_to_string(list_transform(list_filter("
    f"from_json(CASE WHEN json_valid(event_params) THEN event_params END, '{PARAMETERS}'), "
    f"lambda p: p.key IS NOT NULL), lambda p: to_json(p.key) || ':' || to_json({GIVEN})), ',') || '}}'"
)


def _first_given(*names: str) -> str:
    given = (f"nullif(nullif(json_extract_string(i, '$.{name}'), ''), '(not set)')" for name in names)
    return f"coalesce({', '.join(given)})"


ITEM = (
    f"json_object('id', {_first_given('item_id', 'item_name')}, 'name', {_first_given('item_name')}, "
    f"'brand', {_first_given('item_brand')}, 'category', {_first_given('item_category')}, "
    f"'price', {_first_given('price')}, 'quantity', {_first_given('quantity')}, "
    f"'list', {_first_given('item_list_id', 'item_list_name')}, "
    f"'position', {_first_given('item_list_index')}, 'coupon', {_first_given('coupon')})"
)


def _param(name: str) -> str:
    return f"nullif(nullif(json_extract_string(_params, '$.{name}'), ''), '(not set)')"


def _by_param(name: str) -> Field:
    return Field(columns=("_params",), sql=_param(name))


PREPARE = f"""
    SELECT *, {first_item_sql()} AS _first,
      CAST(json_object('list', coalesce({_param("item_list_id")}, {_param("item_list_name")}),
        'coupon', {_param("coupon")}) AS VARCHAR) AS _event
    FROM (
      SELECT *, {event_name_sql("event_name")} AS _name, {PARAMS_JSON} AS _params,
        CAST(to_json(list_transform({json_list("items")}, lambda i: {ITEM})) AS VARCHAR) AS _items
      FROM {with_columns(OPTIONAL)})
"""
# Exports before 2024 have no batch ids: what else the event says must tell two of one moment apart.
EVENT_ID = f"""concat_ws('-', coalesce({text("user_pseudo_id")}, {text("stream_id")}),
    event_timestamp, event_name, batch_page_id, batch_ordering_id,
    CASE WHEN batch_ordering_id IS NULL THEN left(md5(concat(event_params, items)), 12) END)"""
TRANSACTION = f"nullif({text('ecommerce.transaction_id')}, '(not set)')"
VALUE = (
    f"coalesce({_param('value')}, CASE _name WHEN 'purchase' THEN {text('ecommerce.purchase_revenue')} "
    f"WHEN 'refund' THEN {text('ecommerce.refund_value')} END)"
)


def _campaign(collected: str, param: str) -> Field:
    name = f"collected_traffic_source.{collected}"
    return optional_by_sql(f"coalesce({text(name)}, {_param(param)})", name, "_params")


TRACKER = Tracker(
    event_id=by_sql(EVENT_ID, "event_timestamp", "event_name", "user_pseudo_id", "event_params"),
    occurred_at=Field(columns=("event_timestamp",), formats=("epoch_us",)),
    customer_id=optional("user_id"),
    anonymous_id=column("user_pseudo_id"),
    session_id=Field(
        columns=("user_pseudo_id", "_params"), sql=f"user_pseudo_id || '.' || {_param('ga_session_id')}"
    ),
    order_id=optional_by_sql(TRANSACTION, "ecommerce.transaction_id"),
    details={
        "value": Field(columns=("_params",), sql=VALUE),
        "currency": _by_param("currency"),
        "search_query": _by_param("search_term"),
        "platform": optional("platform"),
        "device_type": optional("device.category"),
        "country": optional("geo.country"),
        "page_url": _by_param("page_location"),
        "referrer": _by_param("page_referrer"),
        "utm_source": _campaign("manual_source", "source"),
        "utm_medium": _campaign("manual_medium", "medium"),
        "utm_campaign": _campaign("manual_campaign_name", "campaign"),
        "properties": Field(
            columns=("_params",),
            sql="CASE WHEN _name = 'other' THEN json_object('event_name', event_name, 'params', "
            "CAST(_params AS JSON)) WHEN json_array_length(_items) > 1 AND _first IS NULL "
            "THEN json_object('items', CAST(_items AS JSON)) END",
        ),
    },
    amounts={
        "tax_amount": optional("ecommerce.tax_value"),
        "shipping_amount": optional("ecommerce.shipping_value"),
    },
)
IDENTIFIERS = {
    **{f"*.{name}": "email" for name in ("email", "email_address", "user_email")},
    **{f"*.{name}": "phone" for name in ("phone", "phone_number")},
    **{f"*.{name}": "name" for name in ("first_name", "last_name", "full_name", "user_name")},
    **{f"*.{name}": "address" for name in ("street", "address", "postal_code", "zip")},
    **{f"*.{name}": "ip" for name in ("ip", "ip_address", "ip_override")},
    "device.advertising_id": "device",
    "device.vendor_id": "device",
}


def _preset(name: str, doc: str, *, with_orders: bool) -> Preset:
    mapping = Mapping(
        name,
        tracker_targets(TRACKER, with_orders=with_orders),
        time_zone="UTC",
        identifiers=IDENTIFIERS,
        prepare=PREPARE,
        is_prepared_by_row=True,
        read=ReadOptions(format="jsonl"),
    )
    return Preset(name, doc, {name: with_identities(mapping)})


GA4 = _preset("ga4", "Google Analytics 4: events of the BigQuery export as JSON Lines", with_orders=False)
GA4_ORDERS = _preset(
    "ga4_orders", "As ga4, and its purchases as orders: for a shop without another record", with_orders=True
)
