"""Shopify: the CSV exports of orders, customers and products (help.shopify.com, "Exporting orders",
"Customer CSV files", "Using CSV files to import and export products").

Orders: a row a line item; what belongs to the whole order stands on its first row only. The export has no
ids of lines, customers and products: a line is known by its place in the order, a customer by the token of
the e-mail address (else of the phone number), a product by its SKU, else by its name. A products file gives
variants without a SKU the name that orders call them by.

`Lineitem price` is before discounts, `Subtotal` after all of them. What they differ by is the order's whole
discount, of which `Lineitem discount` is the lines' own. Where `Subtotal` + `Shipping` make up the `Total`,
prices include the `Taxes`: they are taken out at the order's average rate.

The export gives the sum of an order's refunds and no date: it counts on the order's own. A full refund gives
back all goods; of a part, the order's share of taxes is left out, as if no shipping had been refunded.
"""

from foresell.sources.mapping import Field, Mapping, Rule, Target, with_identities
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
from foresell.sources.presets.shopify_catalog import PRODUCTS_MAPPING

# Street says again what Address1 and Address2 say; a company is shared by those who work there.
ADDRESS_KINDS = {
    "Name": "name",
    "Address1": "address",
    "Zip": "address",
    "Phone": "phone",
    "Street": "other",
    "Address2": "other",
    "Company": "other",
}
ORDER_IDENTIFIERS = {
    "Email": "email",
    "Phone": "phone",
    **{f"Billing {part}": kind for part, kind in ADDRESS_KINDS.items()},
    # What is sent to somebody else, or sold by somebody, does not say who the customer is.
    **{f"Shipping {part}": "other" for part in ADDRESS_KINDS},
    "Employee": "other",
    # Anybody may have written anything there.
    "Notes": "other",
    "Note Attributes": "other",
    "Payment Reference": "other",
    "Payment References": "other",
    "Payment ID": "other",
}

IS_HEAD = f"coalesce({text('Financial Status')}, {text('Currency')}, {text('Total')}) IS NOT NULL"
QUANTITY = f"TRY_CAST({text('Lineitem quantity')} AS DOUBLE)"
GOODS = f"{QUANTITY} * {amount('Lineitem price')}"
LINE_DISCOUNT = f"coalesce({amount('Lineitem discount')}, 0)"
ARE_TAXES_INCLUDED = (
    f"{amount('Taxes')} > 0 AND {amount('Total')} > 0 AND "
    f"abs({amount('Subtotal')} + coalesce({amount('Shipping')}, 0) - {amount('Total')}) < 0.01"
)
UNTAXED = (
    f"CASE WHEN {ARE_TAXES_INCLUDED} THEN CAST({amount('Total')} - {amount('Taxes')} AS DOUBLE) "
    f"/ CAST({amount('Total')} AS DOUBLE) ELSE 1 END"
)
# `_copy`: which mention of the order in this file, 0 where the file begins in the middle of one; `_line`: the
# line's place in it; `_goods`: its lines before discounts, null where a price cannot be read; `_allowed`: its
# discounts by themselves; `_untaxed`: what is left of an amount without tax.
PREPARE = f"""
    SELECT * EXCLUDE (_head),
      CAST(_head AS VARCHAR) AS _is_first,
      CAST(row_number() OVER of_copy AS VARCHAR) AS _line,
      CAST(CASE WHEN count({GOODS}) OVER whole = count(*) OVER whole THEN sum({GOODS}) OVER whole END
        AS VARCHAR) AS _goods,
      CAST(coalesce({amount("Discount Amount")}, 0) + sum({LINE_DISCOUNT}) OVER whole AS VARCHAR) AS _allowed,
      CAST(first_value({UNTAXED}) OVER of_copy AS VARCHAR) AS _untaxed
    FROM (
      SELECT *, CAST(count(*) FILTER (_head) OVER (PARTITION BY "Name" ORDER BY _row_number) AS VARCHAR)
        AS _copy
      FROM (SELECT *, {IS_HEAD} AS _head FROM {with_columns(("Lineitem discount", "Discount Amount"))}))
    WINDOW of_copy AS (PARTITION BY "Name", _copy ORDER BY _row_number), whole AS (PARTITION BY "Name", _copy)
"""
IS_FIRST = "_is_first = 'true'"
NET_OF_TAX = "CAST(_untaxed AS DOUBLE)"


def _untaxed(sql: str) -> str:
    return f"round(({sql}) * {NET_OF_TAX}, 4)"


# The columns are tokens by the time that SQL reads them.
CUSTOMER = optional_by_sql(f"coalesce({text('Email')}, {text('Phone')})", "Email", "Phone")
PRODUCT = optional_by_sql(
    f"coalesce({text('Lineitem sku')}, {text('Lineitem name')})", "Lineitem name", "Lineitem sku"
)


def _is_number(name: str) -> Rule:
    return Rule(
        "invalid_number",
        name,
        f"{text(name)} IS NOT NULL AND {amount(name)} IS NULL",
        f"'{name}' must be a number, such as 1234.5",
    )


def _order_lines(*, is_primary: bool) -> Target:
    """An order's first row is about the order first; each further row is about its line alone."""
    return Target(
        "order_lines",
        {
            "order_line_id": Field(columns=("Name", "_line")),
            "order_id": column("Name"),
            "product_id": PRODUCT,
            "quantity": column("Lineitem quantity"),
            "unit_price": by_sql(_untaxed(amount("Lineitem price")), "Lineitem price"),
            "discount_amount": optional_by_sql(_untaxed(LINE_DISCOUNT), "Lineitem discount"),
            "line_amount": Field(
                columns=("Lineitem price", "Lineitem quantity", "Lineitem discount"),
                sql=_untaxed(f"{GOODS} - {LINE_DISCOUNT}"),
                is_optional=True,
            ),
        },
        is_primary=is_primary,
        when=f"NOT ({IS_FIRST})" if is_primary else IS_FIRST,
        rules=(
            _is_number("Lineitem price"),
            Rule(
                "order_cut_off",
                "Name",
                "_copy = '0'",
                "The order's first row is not in this file: export the whole order again",
            ),
        ),
    )


STATUS = f"""CASE
    WHEN {text("Cancelled at")} IS NOT NULL THEN 'cancelled'
    ELSE CASE lower({text("Financial Status")})
      WHEN 'voided' THEN 'cancelled' WHEN 'expired' THEN 'cancelled' WHEN 'refunded' THEN 'refunded'
      WHEN 'pending' THEN 'pending' WHEN 'authorized' THEN 'pending' WHEN 'partially_paid' THEN 'pending'
      WHEN 'unpaid' THEN 'pending'
      WHEN 'paid' THEN
        CASE WHEN lower({text("Fulfillment Status")}) = 'fulfilled' THEN 'completed' ELSE 'paid' END
      WHEN 'partially_refunded' THEN 'paid' END END"""

SUBTOTAL = amount("Subtotal")
# What is known of the discounts must do where a line cannot be read.
GOODS_OF_ORDER = f"CAST(coalesce(TRY_CAST(_goods AS DOUBLE), {SUBTOTAL} + _allowed::DOUBLE) AS DECIMAL(18,4))"
ORDERS = Target(
    "orders",
    {
        "order_id": column("Name"),
        "customer_id": CUSTOMER,
        "location_id": optional("Location"),
        "channel": optional_by_sql(
            f"CASE lower({text('Source')}) WHEN 'pos' THEN 'store' ELSE {text('Source')} END", "Source"
        ),
        "created_at": column("Created at"),
        "paid_at": optional("Paid at"),
        "cancelled_at": column("Cancelled at"),
        "status": by_sql(STATUS, "Financial Status", "Fulfillment Status", "Cancelled at"),
        "currency": column("Currency"),
        "subtotal_amount": by_sql(_untaxed(GOODS_OF_ORDER), "Subtotal"),
        "discount_amount": by_sql(f"greatest({_untaxed(f'{GOODS_OF_ORDER} - {SUBTOTAL}')}, 0)", "Subtotal"),
        "shipping_amount": by_sql(_untaxed(amount("Shipping")), "Shipping"),
        "tax_amount": column("Taxes"),
        "total_amount": column("Total"),
        "refunded_amount": optional("Refunded Amount"),
        "coupon_codes": optional_by_sql("replace(\"Discount Code\", ', ', '|')", "Discount Code"),
        "payment_method": optional("Payment Method"),
        "billing_country": optional("Billing Country"),
        "shipping_country": optional("Shipping Country"),
        # Shopify's own gateway for trying out a shop.
        "is_test": optional_by_sql("contains(lower(\"Payment Method\"), 'bogus')", "Payment Method"),
    },
    is_primary=True,
    when=IS_FIRST,
    rules=(
        Rule(
            "unknown_status",
            "Financial Status",
            f"{text('Financial Status')} IS NOT NULL AND {{status}} IS NULL",
            "'Financial Status' must be one of paid, pending, authorized, partially_paid, "
            "partially_refunded, refunded, voided, expired",
        ),
        _is_number("Subtotal"),
        _is_number("Shipping"),
    ),
)
REFUNDED = f"coalesce({amount('Refunded Amount')}, 0)"
REFUNDS = Target(
    "refunds",
    {
        "refund_id": by_sql("\"Name\" || '-refund'", "Name"),
        "order_id": column("Name"),
        "customer_id": CUSTOMER,
        "created_at": column("Created at"),
        "amount": optional_by_sql(
            f"CASE WHEN {REFUNDED} >= {amount('Total')} THEN {_untaxed(amount('Subtotal'))} "
            f"ELSE least({_untaxed(amount('Subtotal'))}, round({REFUNDED} * "
            f"CAST({amount('Total')} - coalesce({amount('Taxes')}, 0) AS DOUBLE) "
            f"/ CAST({amount('Total')} AS DOUBLE), 4)) END",
            "Refunded Amount",
        ),
        "currency": column("Currency"),
    },
    when=f"{IS_FIRST} AND {REFUNDED} > 0",
)
LOCATIONS = Target(
    "locations", {"location_id": optional("Location"), "kind": Field(value="store")}, is_one_per_key=True
)
BUYERS = Target("customers", {"customer_id": CUSTOMER, "country": optional("Billing Country")}, is_stub=True)
SOLD = Target(
    "products",
    {"product_id": PRODUCT, "title": optional("Lineitem name"), "brand": optional("Vendor")},
    is_stub=True,
)

CUSTOMER_IDENTIFIERS = {
    "First Name": "name",
    "Last Name": "name",
    "Email": "email",
    "Note": "other",
    **ADDRESS_KINDS,
    **{f"Default Address {part}": kind for part, kind in ADDRESS_KINDS.items()},
}
# Today's columns and those of exports before 2023; a file has one of the two.
EITHER = {
    "_city": ("Default Address City", "City"),
    "_country": ("Default Address Country Code", "Country Code"),
    "_accepts": ("Accepts Email Marketing", "Accepts Marketing"),
}
PREPARE_CUSTOMERS = (
    "SELECT *, "
    + ", ".join(f"coalesce({text(new)}, {text(old)}) AS {name}" for name, (new, old) in EITHER.items())
    + f" FROM {with_columns(name for names in EITHER.values() for name in names)}"
)
CUSTOMERS = Target(
    "customers",
    {
        "customer_id": optional_by_sql(
            f"coalesce({text('Email')}, {text('Phone')}, {text('Customer ID')})",
            *("Email", "Phone", "Customer ID"),
        ),
        "country": column("_country"),
        "city": column("_city"),
        "accepts_marketing": column("_accepts"),
        "attributes": optional_by_sql(
            f"json_object('shopify_customer_id', ltrim({text('Customer ID')}, chr(39)), "
            f"'tags', {text('Tags')})",
            *("Customer ID", "Tags"),
        ),
    },
    is_primary=True,
)


def _mapping(name: str, targets: tuple[Target, ...], prepare: str, identifiers: dict[str, str]) -> Mapping:
    return with_identities(Mapping(f"shopify.{name}", targets, prepare=prepare, identifiers=identifiers))


SHOPIFY = Preset(
    "shopify",
    "Shopify: CSV exports of customers, products and orders (customers.csv, …)",
    {
        "customers": _mapping("customers", (CUSTOMERS,), PREPARE_CUSTOMERS, CUSTOMER_IDENTIFIERS),
        "products": PRODUCTS_MAPPING,
        "orders": _mapping(
            "orders",
            (
                ORDERS,
                _order_lines(is_primary=True),
                _order_lines(is_primary=False),
                REFUNDS,
                LOCATIONS,
                BUYERS,
                SOLD,
            ),
            PREPARE,
            ORDER_IDENTIFIERS,
        ),
    },
)
