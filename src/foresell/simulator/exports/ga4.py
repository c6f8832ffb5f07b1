"""Google Analytics 4: the BigQuery export as newline-delimited JSON, an event a line.

As in most shops, refunds are not sent there.
"""

from foresell.simulator.exports.export import Export


def _text(key: str, value: str) -> str:
    return f'struct_pack("key" := \'{key}\', "value" := struct_pack(string_value := {value}))'


PARAMETERS = ", ".join(
    [
        _text("ga_session_id", "session_id"),
        _text("item_list_id", "list_id"),
        _text("search_term", "search_query"),
        _text("currency", "currency"),
        _text("coupon", "coupon_code"),
        _text("value", "CAST(value AS VARCHAR)"),
    ]
)
# Prices are after discounts here.
LINES = """
    SELECT l.order_id, list(struct_pack(
      item_id := l.product_id, item_name := p.title, item_brand := p.brand,
      item_category := p.category, price := l.line_amount / l.quantity,
      quantity := CAST(l.quantity AS BIGINT), item_list_id := NULL::VARCHAR,
      item_list_index := NULL::BIGINT) ORDER BY l.order_line_id) AS items
    FROM order_lines l LEFT JOIN products p USING (product_id) GROUP BY l.order_id
"""
EVENTS = f"""
    SELECT strftime(occurred_at, '%Y%m%d') AS event_date, CAST(epoch_us(occurred_at) AS VARCHAR)
        AS event_timestamp,
      event_name, list_filter([{PARAMETERS}], lambda p: p."value".string_value IS NOT NULL) AS event_params,
      customer_id AS user_id, anonymous_id AS user_pseudo_id,
      struct_pack(category := device_type) AS device, struct_pack(country := country) AS geo,
      struct_pack(manual_source := utm_source, manual_medium := utm_medium,
        manual_campaign_name := utm_campaign) AS collected_traffic_source,
      '1' AS stream_id, 'WEB' AS platform, session_id AS batch_page_id,
      CAST(place AS VARCHAR) AS batch_ordering_id,
      struct_pack(transaction_id := order_id,
        purchase_revenue := CASE WHEN event_name = 'purchase' THEN value END,
        shipping_value := shipping_amount, tax_value := tax_amount) AS ecommerce,
      CASE WHEN event_name = 'purchase' THEN items WHEN product_id IS NOT NULL THEN [
        struct_pack(item_id := product_id, item_name := title, item_brand := brand, item_category := category,
          price := price, quantity := CAST(quantity AS BIGINT), item_list_id := list_id,
          item_list_index := "position")] ELSE [] END AS items
    FROM (
      SELECT e.*, p.title, p.brand, p.category, o.shipping_amount, o.tax_amount, l.items,
        CAST(regexp_extract(event_id, '\\d+$') AS BIGINT) AS place
      FROM events e
      LEFT JOIN products p USING (product_id)
      LEFT JOIN orders o ON o.order_id = e.order_id
      LEFT JOIN ({LINES}) l ON l.order_id = e.order_id
      WHERE NOT (event_name = 'purchase' AND e.value IS NULL))
"""

GA4 = Export(
    "Google Analytics 4: events.json, an event of the BigQuery export a line", "json", {"events.json": EVENTS}
)
