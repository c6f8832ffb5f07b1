"""Segment: tracking calls as JSON Lines (e-commerce spec, version 2), a call a line.

A customer is identified when the account is made. A refund is a call of the shop's server, without a visitor.
"""

from foresell.simulator.exports.export import EMAIL, Export, utc_text

# Canonical name → what the track call is named. A page view is a page call.
NAMES = {
    "search": "Products Searched",
    "view_item_list": "Product List Viewed",
    "select_item": "Product Clicked",
    "view_item": "Product Viewed",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "view_cart": "Cart Viewed",
    "begin_checkout": "Checkout Started",
    "add_shipping_info": "Shipping Info Entered",
    "add_payment_info": "Payment Info Entered",
    "purchase": "Order Completed",
    "sign_up": "Signed Up",
    "login": "Signed In",
    "coupon_applied": "Coupon Applied",
    "order_cancelled": "Order Cancelled",
}
NAME = " ".join(f"WHEN '{name}' THEN '{call}'" for name, call in NAMES.items())
CONTEXT = (
    'struct_pack(sessionId := session_id, device := struct_pack("type" := device_type), '
    "campaign := struct_pack(source := utm_source, medium := utm_medium, name := utm_campaign), "
    "location := struct_pack(country := country))"
)
# The lines of an order, as its purchase lists them: prices are before discounts.
LINES = """
    SELECT l.order_id, list(struct_pack(product_id := l.product_id, name := p.title, brand := p.brand,
      category := p.category, price := l.unit_price, quantity := CAST(l.quantity AS BIGINT))
      ORDER BY l.order_line_id) AS products
    FROM order_lines l LEFT JOIN products p USING (product_id) GROUP BY l.order_id
"""
CALLS = f"""
    SELECT event_id AS "messageId", CASE event_name WHEN 'page_view' THEN 'page' ELSE 'track' END AS "type",
      CASE event_name {NAME} END AS event, anonymous_id AS "anonymousId", customer_id AS "userId",
      {utc_text("occurred_at")} AS "timestamp", to_json({CONTEXT}) AS context,
      to_json(properties) AS properties
    FROM (
      SELECT e.* EXCLUDE (properties), struct_pack(
        product_id := CASE WHEN event_name <> 'purchase' THEN e.product_id END,
        name := CASE WHEN event_name <> 'purchase' THEN p.title END,
        brand := CASE WHEN event_name <> 'purchase' THEN p.brand END,
        category := CASE WHEN event_name <> 'purchase' THEN p.category END,
        price := CASE WHEN event_name <> 'purchase' THEN e.price END,
        quantity := CASE WHEN event_name <> 'purchase' THEN CAST(e.quantity AS BIGINT) END,
        "position" := e.position, list_id := e.list_id, query := e.search_query, value := e.value,
        currency := e.currency, coupon := e.coupon_code, order_id := e.order_id,
        discount := o.discount_amount, shipping := o.shipping_amount, tax := o.tax_amount,
        total := o.total_amount, products := l.products) AS properties
      FROM events e
      LEFT JOIN products p USING (product_id)
      LEFT JOIN orders o ON o.order_id = e.order_id
      LEFT JOIN ({LINES}) l ON l.order_id = e.order_id
      WHERE NOT (event_name = 'purchase' AND e.value IS NULL))
"""
PEOPLE = f"""
    SELECT 'i-' || customer_id AS "messageId", 'identify' AS "type", customer_id AS "userId",
      {utc_text("created_at")} AS "timestamp",
      to_json(struct_pack(email := {EMAIL}, "createdAt" := {utc_text("created_at")}, gender := gender,
        birthday := CAST(birth_year AS VARCHAR) || '-01-01',
        address := struct_pack(city := city, country := country))) AS traits
    FROM customers
"""
REFUNDS = f"""
    SELECT refund_id AS "messageId", 'track' AS "type", 'Order Refunded' AS event, customer_id AS "userId",
      {utc_text("created_at")} AS "timestamp",
      to_json(struct_pack(order_id := order_id, value := amount, currency := currency, products := [
        struct_pack(product_id := product_id, quantity := CAST(quantity AS BIGINT))])) AS properties
    FROM refunds
"""

SEGMENT = Export(
    "Segment: calls.jsonl, a call a line",
    "json",
    {"calls.jsonl": f"{CALLS} UNION ALL BY NAME {PEOPLE} UNION ALL BY NAME {REFUNDS}"},
)
