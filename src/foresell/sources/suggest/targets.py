"""What a file may be: a main table, and the other tables that its rows feed on the way."""

from dataclasses import dataclass
from functools import cache, cached_property

from foresell.contracts.tables import TABLES

# Main table → the tables that its rows may feed too.
SIDES: dict[str, tuple[str, ...]] = {
    "orders": ("customers",),
    "order_lines": ("orders", "products", "customers"),
    "refunds": ("products", "customers"),
    "events": ("products", "customers"),
    "products": ("inventory", "supplies"),
    "customers": ("products",),
    "inventory": ("products", "supplies"),
    "receipts": ("products", "supplies"),
    "supplies": ("products",),
    "reviews": ("products", "customers"),
    "tickets": ("customers",),
    "promotions": ("products",),
    "ad_spend": (),
    "redemptions": ("customers",),
    "exposures": ("customers",),
    "bundle_items": (),
}
# Columns by which tables refer to each other: one source column feeds all of them.
SHARED = (
    *("customer_id", "order_id", "product_id", "location_id", "campaign_id", "supplier_id", "currency"),
    *("coupon_code", "order_line_id", "event_id"),
)
# What a file cannot be of a table without: column (or columns, any of which will do) → what its lack costs.
NEEDS: dict[str, dict[tuple[str, ...], float]] = {
    "orders": {("order_id",): 0.8, ("created_at",): 0.5},
    "order_lines": {
        ("product_id", "products.title"): 1.0,
        ("quantity",): 0.4,
        ("line_amount", "unit_price"): 0.6,
        ("order_id",): 0.6,
    },
    "events": {("event_name",): 3.0, ("occurred_at",): 0.8},
    "refunds": {("amount",): 0.7, ("created_at",): 0.4, ("refund_id", "reason"): 0.7},
    "customers": {
        ("customer_id", "identifier:email", "identifier:phone", "identifier:account"): 0.8,
        ("customer_id", "identifier:email", "identifier:name", "identifier:account"): 0.6,
    },
    "products": {("product_id", "title"): 0.8, ("title", "category", "brand", "price"): 0.6},
    "locations": {("location_id",): 0.7, ("name", "kind", "time_zone"): 0.7},
    "promotions": {("product_id",): 1.6, ("starts_at",): 0.7},
    "campaigns": {("campaign_id",): 0.8, ("starts_at",): 0.5},
    "ad_spend": {("date",): 0.6, ("cost_amount",): 0.8},
    "coupons": {("coupon_code",): 0.9, ("product_id", "value", "campaign_id"): 0.4},
    "redemptions": {("coupon_code",): 0.8, ("redeemed_at",): 0.8},
    "exposures": {("occurred_at",): 0.5, ("variant", "policy", "propensity", "experiment_id"): 1.2},
    "inventory": {("product_id",): 0.7, ("on_hand",): 1.2, ("as_of_date", "location_id"): 0.8},
    "supplies": {("product_id",): 0.6, ("supplier_id",): 0.9, ("lead_time_days", "min_order_quantity"): 0.5},
    "receipts": {
        ("product_id",): 0.6,
        ("received_at", "ordered_at"): 0.7,
        ("supplier_id", "received_at"): 0.6,
    },
    "reviews": {("rating", "body"): 1.2, ("product_id", "products.title"): 0.5},
    "tickets": {
        ("ticket_id",): 0.8,
        ("created_at",): 0.5,
        ("body", "intent", "satisfaction", "channel"): 0.5,
    },
    "calendar": {("date",): 0.7, ("is_holiday", "holiday_name"): 1.0},
    "exchange_rates": {("rate_to_store",): 1.0, ("currency",): 0.6, ("date",): 0.5},
    "risk_labels": {("label",): 0.8, ("entity_id",): 0.8},
    "bundle_items": {("bundle_product_id",): 1.0, ("product_id",): 1.0},
    "consents": {("purpose",): 0.7, ("is_granted",): 0.7, ("customer_id",): 0.6},
    "audiences": {("campaign_id",): 0.8, ("customer_id",): 0.8},
    "identities": {("id_type",): 1.0, ("id_token",): 1.0},
}
# Keys that are the number of a paper with several rows: goods of several kinds come in together.
OF_SEVERAL_ROWS = ("receipt_id",)
# Of side tables only these are looked for: the rest of their columns is seldom in such a file.
ONLY_OF_SIDE: dict[tuple[str, str], tuple[str, ...]] = {
    ("customers", "products"): ("category", "brand"),
    ("products", "inventory"): ("on_hand", "on_order", "location_id"),
    ("products", "supplies"): ("supplier_id", "lead_time_days", "pack_size", "min_order_quantity"),
    ("inventory", "supplies"): ("supplier_id", "lead_time_days", "pack_size", "min_order_quantity"),
    ("receipts", "supplies"): ("lead_time_days", "pack_size", "min_order_quantity"),
    ("refunds", "products"): ("title", "category", "brand"),
    ("reviews", "products"): ("title", "category", "brand"),
    ("promotions", "products"): ("title", "category", "brand", "price"),
    ("events", "products"): ("title", "category", "brand", "category_path", "department"),
    ("inventory", "products"): (
        *("title", "category", "brand", "price", "cost", "department", "category_path"),
        *("image_url", "parent_product_id"),
    ),
    ("receipts", "products"): ("title", "category", "brand"),
    ("supplies", "products"): ("title", "category", "brand"),
    ("events", "customers"): ("city", "gender", "age_band"),
}
NOT_OF_SIDE = (
    "created_at",
    "attributes",
    "status",
    "description",
    "is_service",
    "parent_product_id",
    "erased_at",
)
# What the lines of an order say themselves.
NOT_BESIDE_LINES = ("price", "cost")
OUTSIDE = ("identities", "erased_at", "ip_token", "device_token", "card_token")


@dataclass(frozen=True)
class Shape:
    """A main table with its sides. `answers`: the columns a source column can be, shared ones once, as the
    first table's; `main`: those of the main table."""

    table: str
    sides: tuple[str, ...]
    answers: tuple[str, ...]

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.answers)

    def is_main(self, answer: str) -> bool:
        return answer.startswith(f"{self.table}.")


@cache
def shapes() -> dict[str, Shape]:
    return {name: _shape(name) for name in TABLES}


def _shape(table: str) -> Shape:
    sides = SIDES.get(table, ())
    answers, shared = [], set()
    for name in (table, *sides):
        for column in TABLES[name].own_columns:
            is_wanted = name == table or _is_wanted(table, name, column.name)
            if column.name in OUTSIDE or not is_wanted or column.name in shared:
                continue
            if column.name in SHARED:
                shared.add(column.name)
            answers.append(f"{name}.{column.name}")
    return Shape(table, sides, tuple(answers))


def _is_wanted(table: str, side: str, column: str) -> bool:
    if (table, side) in ONLY_OF_SIDE:
        return column in ONLY_OF_SIDE[table, side]
    if (table, side) == ("order_lines", "products") and column in NOT_BESIDE_LINES:
        return False
    return column not in NOT_OF_SIDE or (side == "orders" and column in ("created_at", "status"))


# Tokens that few other tables' columns have: each column with one speaks for the table.
SIGNATURES: dict[str, frozenset[str]] = {
    "refunds": frozenset({"refund", "return", "credit"}),
    "reviews": frozenset({"review", "rating"}),
    "tickets": frozenset({"ticket", "case", "request"}),
    "inventory": frozenset({"stock", "hand"}),
    "events": frozenset({"event", "session", "page", "visitor", "hit"}),
    "ad_spend": frozenset({"impression", "click", "spend"}),
    "redemptions": frozenset({"redemption", "redeemed"}),
    "exposures": frozenset({"exposure", "experiment", "variant"}),
    "consents": frozenset({"consent", "purpose"}),
    "exchange_rates": frozenset({"rate"}),
    "calendar": frozenset({"holiday"}),
    "locations": frozenset({"store", "warehouse", "branch", "tz"}),
    "receipts": frozenset({"supplier", "received", "receipt", "inbound"}),
    "customers": frozenset({"gender", "age", "income", "birth"}),
}
# Without one of these tokens a name that merely resembles a column's phrases does not mean it.
ESSENTIAL: dict[str, frozenset[str]] = {
    "cancelled_at": frozenset({"cancelled"}),
    "paid_at": frozenset({"paid", "payment", "settled", "settlement", "captured", "money"}),
    "shipping_amount": frozenset({"shipping", "postage", "carriage", "transport", "handling"}),
    "tax_amount": frozenset({"tax"}),
    "payment_fee_amount": frozenset({"fee", "commission", "佣"}),
    "refunded_amount": frozenset({"refund", "money", "back"}),
    "discount_amount": frozenset(
        {"discount", "coupon", "savings", "saved", "deduction", "promotion", "campaign", "deal", "off"}
    ),
    "vendor_discount_amount": frozenset(
        {"vendor", "supplier", "manufacturer", "brand", "platform", "funded"}
    ),
    "order_line_id": frozenset({"line", "detail", "product", "sub", "row"}),
    "unit_cost": frozenset({"cost", "purchase", "buying", "buy", "supplier", "moving", "map"}),
    "cost": frozenset({"cost", "purchase", "buying", "buy", "supplier", "wholesale"}),
    "cost_amount": frozenset({"cost", "spend", "fee", "investment", "invested", "outlay", "expenditure"}),
    "birth_year": frozenset({"birth", "born", "yob"}),
    "income_band": frozenset({"income", "salary", "earnings", "wage"}),
    "age_band": frozenset({"age", "years", "old"}),
    "parent_product_id": frozenset(
        {"parent", "group", "master", "style", "model", "spu", "family", "main", "base", "configurable"}
    ),
    "session_id": frozenset({"session", "visit"}),
    "cart_id": frozenset({"cart", "basket", "quote", "checkout"}),
    "department": frozenset(
        {
            "department",
            "division",
            "main",
            "top",
            "root",
            "level",
            "sector",
            "segment",
            "area",
            "line",
            "1",
            "major",
        }
        | {"部", "大", "一级", "顶", "根", "父", "主", "parent", "super"}
    ),
    "lead_time_days": frozenset(
        {"lead", "lt", "days", "replenishment", "supply", "restock", "resupply", "shipping"}
    ),
}
# With one of these tokens a name that merely resembles a column's phrases means something else of it: the worth of
# a stock, what is taken off a price.
CONTRARY: dict[str, frozenset[str]] = {
    **dict.fromkeys(("quantity", "on_hand", "on_order"), frozenset({"amount", "price", "cost", "percent"})),
    "unit_price": frozenset({"discount"}),
}
