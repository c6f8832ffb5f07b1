"""The canonical tables: every source is mapped to these, every room reads these.

IDs are strings. Money is DECIMAL(18,4) in the row's `currency`. Times are UTC and end in `_at`;
`local_date` beside them is the date in the store's time zone, computed at ingest.

Two kinds of time. A row is *believed* from `recorded_at` until `superseded_at` (null: still
believed). In versioned tables it is also *true in the world* from `valid_from` (null: since
always) until `valid_to` (null: still). Rows are never edited in place: a correction supersedes
the old row and records a new one. The current rows are those with both ends null.
"""

from dataclasses import dataclass
from functools import cached_property

from foresell.contracts.columns import (
    Column,
    day,
    flag,
    identifier,
    json_text,
    moment,
    money,
    real,
    text,
    whole,
)

LINEAGE = (
    text("source", "which import wrote the row: the preset's or mapping's name", required=True),
    text("ingest_run_id", "the run that recorded the row", required=True),
    moment("recorded_at", "when the store began to believe the row", required=True),
    moment("superseded_at", "when a later row replaced it; null while it is believed"),
)
VALIDITY = (
    moment("valid_from", "when it became true in the world; null: since always"),
    moment("valid_to", "when it stopped being true; null: still true"),
)
LOCAL_DATE = day("local_date", "the date of the row's time in the store's time zone")


@dataclass(frozen=True)
class Table:
    """A table's name, key and columns.

    `own_columns` are the table's own, keys first. `columns` adds `local_date` (where the table
    has a main time, `time_column`), validity (where `is_versioned`) and lineage (where rows come
    from sources, `has_lineage`), in that order.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    own_columns: tuple[Column, ...]
    time_column: str | None = None
    is_versioned: bool = False
    has_lineage: bool = True

    def __post_init__(self) -> None:
        names = [column.name for column in self.own_columns]
        missing = set(self.key) - set(names)
        if missing or len(names) != len(set(names)):
            raise ValueError(f"{self.name}: keys {missing} unknown or column names repeat")

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        own = tuple(c.as_required() if c.name in self.key else c for c in self.own_columns)
        local_date = (LOCAL_DATE,) if self.time_column else ()
        validity = VALIDITY if self.is_versioned else ()
        lineage = LINEAGE if self.has_lineage else ()
        return own + local_date + validity + lineage

    @cached_property
    def column(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}


EVENT_NAMES = [
    "page_view",
    "search",
    "view_item_list",
    "select_item",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "sign_up",
    "login",
    "review_submitted",
    "coupon_applied",
    "order_cancelled",
    "other",
]

ORDER_STATUSES = ("pending", "paid", "shipped", "completed", "cancelled", "refunded")

events = Table(
    "events",
    "What customers did: behavior. Orders, not events, are the truth about money.",
    key=("event_id",),
    time_column="occurred_at",
    own_columns=(
        identifier("event_id"),
        text("event_name", "one of EVENT_NAMES (GA4's, in snake case)", required=True),
        moment("occurred_at", required=True),
        identifier("customer_id", "null for an anonymous visitor"),
        identifier("anonymous_id", "cookie or device id"),
        identifier("session_id", "one visit"),
        text("product_id"),
        real("quantity"),
        money("price", "of one unit"),
        money("value", "of the whole event"),
        text("currency", "ISO 4217"),
        identifier("order_id"),
        identifier("cart_id"),
        text("list_id"),
        whole("position", "in the list, from 1"),
        text("search_query"),
        text("coupon_code"),
        text("platform"),
        text("device_type"),
        text("country"),
        text("location_id"),
        text("page_url"),
        text("referrer"),
        text("utm_source"),
        text("utm_medium"),
        text("utm_campaign"),
        json_text("properties", "whatever else the source had"),
    ),
)

orders = Table(
    "orders",
    "The head of an order. Amounts are null where the source gives only lines.",
    key=("order_id",),
    time_column="created_at",
    is_versioned=True,
    own_columns=(
        identifier("order_id"),
        identifier("customer_id", "null for a guest"),
        text("location_id"),
        text("channel", "web, store, app, …"),
        moment("created_at", required=True),
        moment("paid_at"),
        moment("cancelled_at"),
        text("status", "one of ORDER_STATUSES; a cancelled order counts in no KPI of sales"),
        text("currency", "ISO 4217", required=True),
        money("subtotal_amount", "goods before any discount, without tax and shipping"),
        money("discount_amount", "the order's whole discount, that of its lines included, ≥ 0"),
        money("shipping_amount"),
        money("tax_amount"),
        money("total_amount", "what the customer paid: subtotal − discount + shipping + tax"),
        money("refunded_amount", "as the source reports it; `refunds` is the truth"),
        money("payment_fee_amount"),
        text("coupon_codes", "joined by |"),
        text("payment_method"),
        text("billing_country"),
        text("shipping_country"),
        identifier("ip_token"),
        identifier("device_token"),
        identifier("card_token"),
        flag("is_test", "a test order counts nowhere"),
    ),
)

order_lines = Table(
    "order_lines",
    "What was bought, a row a line. gross = line_amount + discount_amount.",
    key=("order_line_id",),
    own_columns=(
        identifier("order_line_id"),
        identifier("order_id", required=True),
        text("product_id", required=True),
        real("quantity", "units; 0 is kept and flagged", required=True),
        money("unit_price", "list price of one unit, before discount; null where quantity is 0"),
        money("unit_cost"),
        money("discount_amount", "the line's own discount given by the shop, ≥ 0"),
        money("vendor_discount_amount", "paid back by the manufacturer: no cost to the shop"),
        money("tax_amount"),
        money("line_amount", "after discount, without tax", required=True),
        text("promotion_id"),
    ),
)

bundle_items = Table(
    "bundle_items",
    "What a bundle holds: selling one bundle moves `quantity` units of each product.",
    key=("bundle_product_id", "product_id"),
    own_columns=(text("bundle_product_id"), text("product_id"), real("quantity", required=True)),
)

refunds = Table(
    "refunds",
    "Money given back. Counts on its own date, not on its order's.",
    key=("refund_id",),
    time_column="created_at",
    own_columns=(
        identifier("refund_id"),
        identifier("order_id", "null where the source does not say"),
        identifier("order_line_id"),
        identifier("customer_id"),
        text("product_id"),
        text("location_id"),
        moment("created_at", required=True),
        real("quantity", "units returned, ≥ 0"),
        money("amount", "≥ 0, without tax and shipping", required=True),
        text("currency", required=True),
        text("reason"),
    ),
)

customers = Table(
    "customers",
    "Who buys. Direct identifiers (name, e-mail, …) never get here: see `identities`.",
    key=("customer_id",),
    is_versioned=True,
    own_columns=(
        identifier("customer_id"),
        moment("created_at"),
        text("country"),
        text("city"),
        whole("birth_year"),
        text("gender"),
        text("household", "size and composition, as the source words it"),
        text("age_band"),
        text("income_band"),
        flag("accepts_marketing"),
        json_text("attributes"),
        moment("erased_at"),
    ),
)

identities = Table(
    "identities",
    "Which identifiers belong to which customer; tokens only. One token may name several customers.",
    key=("id_type", "id_token", "customer_id"),
    own_columns=(
        text("id_type", "email, phone, name, address, ip, anonymous_id, …"),
        identifier("id_token", "keyed token (HMAC) of the identifier"),
        identifier("customer_id"),
        real("confidence", "0–1"),
        text("method"),
    ),
)

consents = Table(
    "consents",
    "What a customer allowed, by purpose.",
    key=("customer_id", "purpose", "at"),
    own_columns=(
        identifier("customer_id"),
        text("purpose"),
        moment("at"),
        flag("is_granted", required=True),
    ),
)

products = Table(
    "products",
    "The catalog, with its history of prices, costs and status.",
    key=("product_id",),
    is_versioned=True,
    own_columns=(
        text("product_id"),
        text("parent_product_id", "of a variant"),
        text("title"),
        text("description"),
        text("brand"),
        text("department", "top level of the category tree"),
        text("category"),
        text("category_path", "levels joined by ' > '"),
        money("price"),
        money("cost"),
        text("currency"),
        text("image_url"),
        text("status", "active, hidden, discontinued"),
        flag("is_service", "fuel, postage, fees: sold, but not counted in units of goods"),
        moment("created_at"),
        json_text("attributes"),
    ),
)

locations = Table(
    "locations",
    "Where it is sold or kept.",
    key=("location_id",),
    own_columns=(
        text("location_id"),
        text("kind", "web, store, warehouse"),
        text("name"),
        text("country"),
        text("time_zone"),
    ),
)

promotions = Table(
    "promotions",
    "A product on promotion, at a place, for a time [starts_at, ends_at).",
    key=("promotion_id",),
    own_columns=(
        text("promotion_id"),
        text("campaign_id"),
        text("product_id", required=True),
        text("location_id", "null: everywhere"),
        text("kind", "display, mailer, display+mailer, price, …"),
        text("display", "where in the store, in the source's code"),
        text("mailer", "where in the mailer, in the source's code"),
        moment("starts_at", required=True),
        moment("ends_at", "exclusive"),
        real("discount_rate", "0–1"),
    ),
)

campaigns = Table(
    "campaigns",
    "A marketing campaign, [starts_at, ends_at).",
    key=("campaign_id",),
    own_columns=(
        text("campaign_id"),
        text("kind"),
        text("channel"),
        moment("starts_at"),
        moment("ends_at", "exclusive"),
    ),
)

audiences = Table(
    "audiences",
    "Whom a campaign was aimed at. Being aimed at is not being reached: see `exposures`.",
    key=("campaign_id", "customer_id"),
    own_columns=(text("campaign_id"), identifier("customer_id")),
)

ad_spend = Table(
    "ad_spend",
    "What advertising cost, a row a day, campaign and channel.",
    key=("date", "campaign_id", "channel"),
    own_columns=(
        day("date"),
        text("campaign_id"),
        text("channel"),
        text("currency", required=True),
        money("cost_amount", required=True),
        whole("impressions"),
        whole("clicks"),
    ),
)

coupons = Table(
    "coupons",
    "What a coupon can be used for.",
    key=("coupon_code", "campaign_id", "product_id"),
    own_columns=(
        text("coupon_code"),
        text("campaign_id"),
        text("product_id"),
        text("kind"),
        money("value"),
    ),
)

redemptions = Table(
    "redemptions",
    "A coupon used.",
    key=("redemption_id",),
    time_column="redeemed_at",
    own_columns=(
        identifier("redemption_id"),
        text("coupon_code", required=True),
        text("campaign_id"),
        identifier("customer_id"),
        identifier("order_id"),
        moment("redeemed_at", required=True),
    ),
)

exposures = Table(
    "exposures",
    "What was shown to whom, by which policy, with which probability.",
    key=("exposure_id",),
    time_column="occurred_at",
    own_columns=(
        identifier("exposure_id"),
        text("campaign_id"),
        text("experiment_id"),
        text("variant"),
        identifier("customer_id"),
        moment("occurred_at", required=True),
        text("policy"),
        text("action"),
        whole("position"),
        real("propensity", "probability that the policy showed it, 0–1"),
        flag("is_clicked"),
    ),
)

inventory = Table(
    "inventory",
    "Stock at the end of a day.",
    key=("product_id", "location_id", "as_of_date"),
    own_columns=(
        text("product_id"),
        text("location_id"),
        day("as_of_date"),
        real("on_hand", required=True),
        real("on_order"),
    ),
)

supplies = Table(
    "supplies",
    "Who supplies a product, and on what terms.",
    key=("product_id", "supplier_id"),
    own_columns=(
        text("product_id"),
        text("supplier_id"),
        real("lead_time_days"),
        real("pack_size"),
        real("min_order_quantity"),
        money("unit_cost"),
        text("currency"),
    ),
)

receipts = Table(
    "receipts",
    "Deliveries from suppliers.",
    key=("receipt_id",),
    own_columns=(
        text("receipt_id"),
        text("product_id", required=True),
        text("supplier_id"),
        text("location_id"),
        moment("ordered_at"),
        moment("received_at"),
        real("quantity", required=True),
    ),
)

reviews = Table(
    "reviews",
    "What customers wrote about products.",
    key=("review_id",),
    time_column="created_at",
    own_columns=(
        identifier("review_id"),
        text("product_id", required=True),
        identifier("customer_id"),
        identifier("order_id"),
        real("rating"),
        text("title"),
        text("body"),
        text("language"),
        moment("created_at", required=True),
    ),
)

tickets = Table(
    "tickets",
    "What customers asked of the service.",
    key=("ticket_id",),
    time_column="created_at",
    own_columns=(
        identifier("ticket_id"),
        identifier("customer_id"),
        identifier("order_id"),
        moment("created_at", required=True),
        text("channel"),
        text("body"),
        text("intent"),
        text("status"),
        real("satisfaction"),
    ),
)

calendar = Table(
    "calendar",
    "Holidays and other regressors of a day.",
    key=("date", "country"),
    own_columns=(
        day("date"),
        text("country"),
        flag("is_holiday"),
        text("holiday_name"),
        json_text("regressors", "weather, index, …: name → number"),
    ),
)

exchange_rates = Table(
    "exchange_rates",
    "One unit of `currency` in the store's currency, on a day.",
    key=("date", "currency"),
    own_columns=(day("date"), text("currency"), real("rate_to_store", required=True)),
)

risk_labels = Table(
    "risk_labels",
    "What turned out to be fraud, abuse, or clean.",
    key=("entity_type", "entity_id", "label"),
    own_columns=(
        text("entity_type"),
        identifier("entity_id"),
        text("label"),
        text("label_source"),
        moment("labelled_at"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        events,
        orders,
        order_lines,
        bundle_items,
        refunds,
        customers,
        identities,
        consents,
        products,
        locations,
        promotions,
        campaigns,
        audiences,
        ad_spend,
        coupons,
        redemptions,
        exposures,
        inventory,
        supplies,
        receipts,
        reviews,
        tickets,
        calendar,
        exchange_rates,
        risk_labels,
    )
}
