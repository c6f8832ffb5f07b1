"""WooCommerce: orders and refunds as its REST API, version 3, gives them: a JSON list or an object a line.

Properties: woocommerce.github.io/woocommerce-rest-api-docs; amounts are texts. Guests are customer 0. A
line's `subtotal` is before its discount and its `total` after it, both without tax; fees are lines of their
own.

A refund is an order of type `shop_order_refund` with its order as `parent_id`, or an answer of `/refunds`.
Each of its lines is a refund, amounts below zero; what it gives back beyond lines, their taxes and shipping
stands on the first. A refund without lines gives back what its own taxes and shipping leave. Where a file
gives no currency, as the answers of `/refunds`, it is the store's.

Orders also list their refunds, without dates. Until a refund comes itself, that makes it, dated when the
order was last changed, and less the order's share of taxes and shipping.

Unpaid orders (`pending`, `on-hold`) count as orders; drafts of the checkout, failed and trashed ones do not.
"""

from foresell.sources.mapping import Field, Mapping, Rule, Target, with_identities
from foresell.sources.presets.behavior import json_list
from foresell.sources.presets.fields import (
    amount,
    by_sql,
    column,
    optional,
    optional_by_sql,
    text,
    with_columns,
)
from foresell.sources.presets.preset import Preset
from foresell.store.engine import quoted

OPTIONAL = (
    *("type", "parent_id", "status", "date_created_gmt", "date_modified_gmt", "date_paid_gmt"),
    *("customer_id", "discount_total", "shipping_total", "total_tax", "total", "amount", "reason"),
    *("created_via", "payment_method", "coupon_lines", "fee_lines", "shipping_lines", "refunds"),
    *("billing.country", "shipping.country", "billing.city"),
)


def _member(of: str, name: str) -> str:
    """SQL: the text of an object's member, null where it is empty."""
    return f"nullif(trim(json_extract_string({of}, '$.{name}')), '')"


def _number(of: str, name: str) -> str:
    return f"TRY_CAST({_member(of, name)} AS DECIMAL(18,4))"


def _sum(name: str, *members: str) -> str:
    """SQL: the sum of members over a list."""
    added = " + ".join(f"coalesce({_number('i', member)}, 0)" for member in members)
    return f"coalesce(list_sum(list_transform({json_list(quoted(name))}, lambda i: {added})), 0)"


def _id(of: str, name: str) -> str:
    """SQL: an id, null where it is 0."""
    return f"nullif({_member(of, name)}, '0')"


IS_REFUND = (
    f"coalesce(lower({text('type')}) = 'shop_order_refund', false) "
    f"OR ({text('amount')} IS NOT NULL AND {text('status')} IS NULL)"
)
# Of lines of refunds: those that give anything back.
GIVEN_BACK = f"list_filter({json_list('line_items')}, lambda i: coalesce({_number('i', 'total')}, 0) <> 0)"
EXPLAINED = (
    f"{_sum('line_items', 'total', 'total_tax')} + {_sum('fee_lines', 'total', 'total_tax')} "
    f"+ {_sum('shipping_lines', 'total', 'total_tax')}"
)
# `_rest`: what a refund with lines gives back beyond them.
PREPARE = f"""
    SELECT *,
      CASE WHEN _lines IS NOT NULL
        THEN CAST(greatest(_amount::DECIMAL(18,4) - abs({EXPLAINED}), 0) AS VARCHAR) END AS _rest
    FROM (
      SELECT *, CAST({IS_REFUND} AS VARCHAR) AS _is_refund,
        regexp_replace(lower({text("status")}), '^wc-', '') AS _status,
        coalesce({text("date_created_gmt")}, {text("date_created")}) AS _created,
        CAST(abs(coalesce({amount("amount")}, {amount("total")})) AS VARCHAR) AS _amount,
        CASE WHEN len({GIVEN_BACK}) > 0 THEN CAST(to_json({GIVEN_BACK}) AS VARCHAR) END AS _lines
      FROM {with_columns(OPTIONAL)})
"""
IS_ORDER = "_is_refund = 'false'"
MOMENT = Field(columns=("_created",), time_zone="UTC")
CUSTOMER = optional_by_sql(f"nullif({text('customer_id')}, '0')", "customer_id")


def _utc(name: str) -> Field:
    return optional(name, time_zone="UTC")


def _product(of: str) -> str:
    """A deleted product has the id 0: then its SKU or name must do."""
    given = (_id(of, "variation_id"), _id(of, "product_id"), _member(of, "sku"), _member(of, "name"))
    return f"coalesce({', '.join(given)})"


GOODS = f"({_sum('line_items', 'subtotal')} + {_sum('fee_lines', 'total')})"
CODES = f"list_transform({json_list('coupon_lines')}, lambda i: json_extract_string(i, '$.code'))"
ORDERS = Target(
    "orders",
    {
        "order_id": column("id"),
        "customer_id": CUSTOMER,
        "channel": by_sql(
            f"CASE lower({text('created_via')}) WHEN 'checkout' THEN 'web' WHEN 'store-api' THEN 'web' "
            f"WHEN 'pos' THEN 'store' WHEN 'pos-rest-api' THEN 'store' ELSE {text('created_via')} END",
            "_status",
        ),
        "created_at": MOMENT,
        "paid_at": _utc("date_paid_gmt"),
        "status": Field(
            columns=("_status",),
            values={"checkout-draft": "cancelled", "auto-draft": "cancelled", "trash": "cancelled"},
        ),
        "currency": optional("currency"),
        "subtotal_amount": by_sql(GOODS, "line_items"),
        "discount_amount": optional("discount_total"),
        "shipping_amount": optional("shipping_total"),
        "tax_amount": optional("total_tax"),
        "total_amount": optional("total"),
        "refunded_amount": by_sql(f"-{_sum('refunds', 'total')}", "_status"),
        "coupon_codes": by_sql(f"nullif(array_to_string({CODES}, '|'), '')", "_status"),
        "payment_method": optional("payment_method"),
        "billing_country": optional("billing.country"),
        "shipping_country": optional("shipping.country"),
    },
    is_primary=True,
    when=IS_ORDER,
    rules=(
        Rule(
            "missing_required", "status", f"{text('status')} IS NULL", "'status' is empty, and orders need it"
        ),
    ),
)
TOTAL, SUBTOTAL = _number("_item", "total"), _number("_item", "subtotal")
QUANTITY = f"TRY_CAST({_member('_item', 'quantity')} AS DOUBLE)"
LINE_ID = f"\"id\" || '-' || coalesce({_member('_item', 'id')}, CAST(_place AS VARCHAR))"
ORDER_LINES = Target(
    "order_lines",
    {
        "order_line_id": by_sql(LINE_ID, "line_items"),
        "order_id": column("id"),
        "product_id": by_sql(_product("_item"), "line_items"),
        "quantity": by_sql(_member("_item", "quantity"), "line_items"),
        "unit_price": by_sql(f"CASE WHEN {QUANTITY} <> 0 THEN {SUBTOTAL} / {QUANTITY} END", "line_items"),
        "discount_amount": by_sql(f"{SUBTOTAL} - {TOTAL}", "line_items"),
        "tax_amount": by_sql(_member("_item", "total_tax"), "line_items"),
        "line_amount": by_sql(_member("_item", "total"), "line_items"),
    },
    when=IS_ORDER,
    unnest=json_list("line_items"),
)
FEES = Target(
    "order_lines",
    {
        "order_line_id": by_sql(LINE_ID, "id"),
        "order_id": column("id"),
        "product_id": Field(value="fee"),
        "quantity": Field(value="1"),
        "unit_price": by_sql(_member("_item", "total"), "id"),
        "tax_amount": by_sql(_member("_item", "total_tax"), "id"),
        "line_amount": by_sql(_member("_item", "total"), "id"),
    },
    when=IS_ORDER,
    unnest=json_list("fee_lines"),
)
FEE = Target(
    "products",
    {"product_id": Field(value="fee"), "title": Field(value="Fees"), "is_service": Field(value="true")},
    when=f"{IS_ORDER} AND {_sum('fee_lines', 'total')} <> 0",
    is_stub=True,
)
PRODUCTS = Target(
    "products",
    {
        "product_id": by_sql(_product("_item"), "line_items"),
        "parent_product_id": by_sql(
            f"CASE WHEN {_id('_item', 'variation_id')} IS NOT NULL THEN {_id('_item', 'product_id')} END",
            "line_items",
        ),
        "title": by_sql(_member("_item", "name"), "line_items"),
    },
    when=IS_ORDER,
    unnest=json_list("line_items"),
    is_stub=True,
)


def _refunds(item: str, **more: Field) -> dict[str, Field]:
    """A refund of one line, or of none."""
    return {
        "order_id": by_sql(f"nullif({text('parent_id')}, '0')", "_status"),
        "product_id": by_sql(f"CASE WHEN {item} IS NOT NULL THEN {_product(item)} END", "line_items"),
        "created_at": MOMENT,
        "quantity": by_sql(f"abs(TRY_CAST({_member(item, 'quantity')} AS DOUBLE))", "line_items"),
        "currency": optional("currency"),
        "reason": optional("reason"),
        **more,
    }


FIRST_LINE = "json_extract(_lines, '$[0]')"
REFUNDS = Target(
    "refunds",
    _refunds(
        FIRST_LINE,
        refund_id=column("id"),
        amount=by_sql(
            f"coalesce(abs({_number(FIRST_LINE, 'total')}) + _rest::DECIMAL(18,4), "
            f"_amount::DECIMAL(18,4) - abs(coalesce({amount('total_tax')}, 0)) "
            f"- abs({_sum('shipping_lines', 'total')}))",
            "line_items",
        ),
    ),
    is_primary=True,
    when="_is_refund = 'true'",
)
FURTHER_REFUNDS = Target(
    "refunds",
    _refunds(
        "_item",
        refund_id=by_sql("\"id\" || '-' || CAST(_place + 1 AS VARCHAR)", "id"),
        amount=by_sql(f"abs({_number('_item', 'total')})", "line_items"),
    ),
    when="_is_refund = 'true'",
    unnest=f"({json_list('_lines')})[2:]",
)
GOODS_SHARE = (
    f"CASE WHEN {amount('total')} > 0 THEN CAST({amount('total')} - coalesce({amount('total_tax')}, 0) "
    f"- coalesce({amount('shipping_total')}, 0) AS DOUBLE) / CAST({amount('total')} AS DOUBLE) ELSE 1 END"
)
LISTED_REFUNDS = Target(
    "refunds",
    {
        "refund_id": by_sql(_id("_item", "id"), "id"),
        "order_id": column("id"),
        "customer_id": CUSTOMER,
        "created_at": by_sql(
            f"timezone('UTC', TRY_CAST(coalesce({text('date_modified_gmt')}, _created) AS TIMESTAMP))",
            "id",
        ),
        "amount": by_sql(f"round(abs({_number('_item', 'total')}) * {GOODS_SHARE}, 4)", "id"),
        "currency": optional("currency"),
        "reason": by_sql(_member("_item", "reason"), "id"),
    },
    when=IS_ORDER,
    unnest=json_list("refunds"),
    is_stub=True,
)
CUSTOMERS = Target(
    "customers",
    {"customer_id": CUSTOMER, "country": optional("billing.country"), "city": optional("billing.city")},
    when=IS_ORDER,
    is_stub=True,
)

OF_ADDRESS = {
    "first_name": "name",
    "last_name": "name",
    "email": "email",
    "phone": "phone",
    "address_1": "address",
    "postcode": "address",
    "address_2": "other",
    "company": "other",
}
IDENTIFIERS = {
    # What is sent to somebody else does not say who the customer is: shipping is named below alone.
    **{f"billing.{part}": kind for part, kind in OF_ADDRESS.items()},
    **{f"*.{part}": kind for part, kind in OF_ADDRESS.items()},
    "customer_ip_address": "ip",
    # What anybody may have written, what plugins add, and what opens an order or leads to its payment.
    **{f"*.{name}": "other" for name in ("meta_data", "meta", "customer_note", "customer_user_agent")},
    **{f"*.{name}": "other" for name in ("order_key", "transaction_id", "payment_url")},
}

WOOCOMMERCE = Preset(
    "woocommerce",
    "WooCommerce: orders and refunds of its REST API, as a JSON list or JSON Lines",
    {
        "orders": with_identities(
            Mapping(
                "woocommerce",
                (
                    *(ORDERS, REFUNDS, ORDER_LINES, FEES, FURTHER_REFUNDS),
                    *(LISTED_REFUNDS, PRODUCTS, FEE, CUSTOMERS),
                ),
                identifiers=IDENTIFIERS,
                prepare=PREPARE,
                is_prepared_by_row=True,
            )
        )
    },
)
