"""KPIs: the catalog, and one form of question for all of it (`foresell.kpis.query`).

To add one: a function and its `Kpi` in the family's file, a line in `KPIS`, a line in
`KPI_FAMILIES`, and hand-calculated values in tests/golden/hand_store.
"""

from foresell.kpis import customers, funnel, marketing, products, sales
from foresell.kpis.catalog import Kpi

KPIS: dict[str, Kpi] = {
    "net_sales": sales.NET_SALES,
    "gross_sales": sales.GROSS_SALES,
    "discount": sales.DISCOUNT,
    "refunds": sales.REFUNDS,
    "contribution_margin": sales.CONTRIBUTION_MARGIN,
    "orders": sales.ORDERS,
    "units": sales.UNITS,
    "units_with_services": sales.UNITS_WITH_SERVICES,
    "average_order_value": sales.AVERAGE_ORDER_VALUE,
    "items_per_order": sales.ITEMS_PER_ORDER,
    "sales_by_location": sales.SALES_BY_LOCATION,
    "customers": customers.CUSTOMERS,
    "new_customers": customers.NEW_CUSTOMERS,
    "returning_customers": customers.RETURNING_CUSTOMERS,
    "repeat_purchase_rate": customers.REPEAT_PURCHASE_RATE,
    "purchase_frequency": customers.PURCHASE_FREQUENCY,
    "days_between_orders": customers.DAYS_BETWEEN_ORDERS,
    "retention": customers.RETENTION,
    "lifetime_value": customers.LIFETIME_VALUE,
    "rfm": customers.RFM,
    "visits": funnel.VISITS,
    "visit_to_view_rate": funnel.VISIT_TO_VIEW_RATE,
    "view_to_cart_rate": funnel.VIEW_TO_CART_RATE,
    "cart_to_checkout_rate": funnel.CART_TO_CHECKOUT_RATE,
    "checkout_to_purchase_rate": funnel.CHECKOUT_TO_PURCHASE_RATE,
    "conversion_rate": funnel.CONVERSION_RATE,
    "cart_abandonment_rate": funnel.CART_ABANDONMENT_RATE,
    "bounce_rate": funnel.BOUNCE_RATE,
    "click_through_rate": funnel.CLICK_THROUGH_RATE,
    "mix": products.MIX,
    "basket_affinity": products.BASKET_AFFINITY,
    "promotion_share": marketing.PROMOTION_SHARE,
    "coupon_redemptions": marketing.COUPON_REDEMPTIONS,
    "coupon_redemption_rate": marketing.COUPON_REDEMPTION_RATE,
}

# The order of the report: family → (English title, Chinese title, its KPIs).
KPI_FAMILIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "sales": (
        "Sales",
        "销售",
        (
            "net_sales", "gross_sales", "discount", "refunds", "contribution_margin", "orders", "units",
            "units_with_services", "average_order_value", "items_per_order", "sales_by_location",
        ),
    ),
    "customers": (
        "Customers",
        "顾客",
        (
            "customers", "new_customers", "returning_customers", "repeat_purchase_rate", "purchase_frequency",
            "days_between_orders", "retention", "lifetime_value", "rfm",
        ),
    ),
    "funnel": (
        "Visits and funnel",
        "访问与转化",
        (
            "visits", "visit_to_view_rate", "view_to_cart_rate", "cart_to_checkout_rate",
            "checkout_to_purchase_rate", "conversion_rate", "cart_abandonment_rate", "bounce_rate",
            "click_through_rate",
        ),
    ),
    "products": ("Products", "商品", ("mix", "basket_affinity")),
    "marketing": (
        "Marketing",
        "营销",
        ("promotion_share", "coupon_redemptions", "coupon_redemption_rate"),
    ),
}  # fmt: skip
