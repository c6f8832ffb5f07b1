"""The words that sources use for the same thing: currencies, event names, order statuses, truth."""

import re

from foresell.contracts.tables import EVENT_NAMES, ORDER_STATUSES

# ISO 4217, active codes of 2026, without funds, metals and test codes; the last line is withdrawn codes that
# the history of a shop may hold.
_CURRENCY_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    HRK ANG SLL ZWL LTL LVL EEK SKK BYR CUC
"""
CURRENCIES = tuple(re.findall("[A-Z]{3}", _CURRENCY_CODES))

# Segment's e-commerce specification, RudderStack's (the same names), and GA4's own variants, in lower case
# with underscores. https://segment.com/docs/connections/spec/ecommerce/v2/
EVENT_ALIASES: dict[str, str] = {
    "page": "page_view",
    "page_viewed": "page_view",
    "screen": "page_view",
    "screen_view": "page_view",
    "products_searched": "search",
    "view_search_results": "search",
    "searched": "search",
    "product_list_viewed": "view_item_list",
    "product_list_filtered": "view_item_list",
    "product_clicked": "select_item",
    "product_viewed": "view_item",
    "view": "view_item",
    "product_added_to_wishlist": "add_to_wishlist",
    "product_added": "add_to_cart",
    "cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "wishlist_product_added_to_cart": "add_to_cart",
    "product_removed": "remove_from_cart",
    "cart_viewed": "view_cart",
    "checkout_started": "begin_checkout",
    "checkout_step_viewed": "begin_checkout",
    "shipping_info_entered": "add_shipping_info",
    "payment_info_entered": "add_payment_info",
    "order_completed": "purchase",
    "transaction": "purchase",
    "purchased": "purchase",
    "order_refunded": "refund",
    "signed_up": "sign_up",
    "account_created": "sign_up",
    "signed_in": "login",
    "logged_in": "login",
    "product_reviewed": "review_submitted",
    "coupon_entered": "coupon_applied",
    "canceled_order": "order_cancelled",
    "order_canceled": "order_cancelled",
}

# What Shopify, WooCommerce and Magento call an order's state.
STATUS_ALIASES: dict[str, str] = {
    "open": "pending",
    "on_hold": "pending",
    "pending_payment": "pending",
    "authorized": "pending",
    "processing": "paid",
    "partially_paid": "paid",
    "partially_refunded": "paid",
    "partially_shipped": "shipped",
    "fulfilled": "shipped",
    "delivered": "completed",
    "complete": "completed",
    "closed": "completed",
    "canceled": "cancelled",
    "voided": "cancelled",
    "failed": "cancelled",
    "expired": "cancelled",
}

TRUE_WORDS = ("true", "t", "yes", "y", "1", "on")
FALSE_WORDS = ("false", "f", "no", "n", "0", "off")

# In a column of numbers, times or truth these words say that there is nothing.
NOTHING_WORDS = ("null", "nan", "nat", "n/a", "na", "none", "\\n", "-", "#n/a")

# Columns with a closed vocabulary: (table, column) → the words, and what else means one of them.
VOCABULARIES: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, str], str]] = {
    ("events", "event_name"): (tuple(EVENT_NAMES), EVENT_ALIASES, "unknown_event_name"),
    ("orders", "status"): (tuple(ORDER_STATUSES), STATUS_ALIASES, "unknown_status"),
}
