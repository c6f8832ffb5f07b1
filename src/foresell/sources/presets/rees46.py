"""REES46: the behavior of visitors of a shop, a row an event (the public data sets of REES46, Open CDP).

Columns, as their publisher names them: event_time (UTC, `2019-10-01 00:00:00 UTC`), event_type (view, cart,
remove_from_cart, purchase), product_id, category_id, category_code (`electronics.smartphone`, may be empty),
brand (may be empty), price, user_id, user_session. https://rees46.com/en/open-cdp

The purchases of a session are one order, as the publisher says, of one unit a row; there is no other record
of orders, so they feed the orders too. Identical rows are one event recorded twice.
"""

from foresell.sources.mapping import Field, Mapping, Target
from foresell.sources.presets.preset import Preset

IS_PURCHASE = "lower(trim(event_type)) = 'purchase'"
# A purchase without a session is an order of its own.
ORDER_ID = Field(
    columns=("user_session", "user_id", "event_time"),
    sql="coalesce(nullif(trim(user_session), ''), concat_ws('-', user_id, event_time))",
)


def _column(name: str) -> Field:
    return Field(columns=(name,))


MOMENT = Field(columns=("event_time",), time_zone="UTC")
PRICE = _column("price")

EVENTS = Target(
    "events",
    {
        "event_id": Field(
            columns=("user_session", "user_id", "event_time", "event_type", "product_id"),
            sql="concat_ws('-', coalesce(nullif(trim(user_session), ''), user_id), event_time, event_type, "
            "product_id)",
        ),
        "event_name": _column("event_type"),
        "occurred_at": MOMENT,
        "customer_id": _column("user_id"),
        "session_id": _column("user_session"),
        "product_id": _column("product_id"),
        "quantity": Field(columns=("event_type",), sql=f"CASE WHEN {IS_PURCHASE} THEN 1 END"),
        "price": PRICE,
        "value": Field(columns=("event_type",), sql=f"CASE WHEN {IS_PURCHASE} THEN {{price}} END"),
        "order_id": Field(
            columns=ORDER_ID.columns, sql=f"CASE WHEN lower(event_type) = 'purchase' THEN {ORDER_ID.sql} END"
        ),
    },
    is_primary=True,
)
ORDER_LINES = Target(
    "order_lines",
    {
        "order_line_id": Field(
            columns=(*ORDER_ID.columns, "product_id"),
            sql=f"concat_ws('-', {ORDER_ID.sql}, product_id, event_time)",
        ),
        "order_id": ORDER_ID,
        "product_id": _column("product_id"),
        "quantity": Field(value="1"),
        "unit_price": PRICE,
        "line_amount": PRICE,
    },
    when=IS_PURCHASE,
)
# Its first purchase makes an order; those that follow in the same session change nothing in it.
ORDERS = Target(
    "orders",
    {
        "order_id": ORDER_ID,
        "customer_id": _column("user_id"),
        "channel": Field(value="web"),
        "created_at": MOMENT,
        "status": Field(value="completed"),
    },
    when=IS_PURCHASE,
    is_stub=True,
)
PRODUCTS = Target(
    "products",
    {
        "product_id": _column("product_id"),
        "brand": _column("brand"),
        "department": Field(columns=("category_code",), sql="split_part(category_code, '.', 1)"),
        "category": _column("category_code"),
        "category_path": Field(columns=("category_code",), sql="replace(category_code, '.', ' > ')"),
        "attributes": Field(columns=("category_id",), sql="json_object('category_id', category_id)"),
    },
    is_one_per_key=True,
)
CUSTOMERS = Target("customers", {"customer_id": _column("user_id")}, is_stub=True)

REES46 = Preset(
    "rees46",
    "REES46: events of a shop's visitors (event_time, event_type, product_id, …, user_session)",
    {"rees46": Mapping("rees46", (EVENTS, ORDER_LINES, ORDERS, PRODUCTS, CUSTOMERS), time_zone="UTC")},
)
