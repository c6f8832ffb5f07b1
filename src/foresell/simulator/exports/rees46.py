"""REES46: a row an event. A purchase is a row a unit, a second apart: there is no column for the quantity."""

from foresell.simulator.exports.export import Export, two_places

TIME = "strftime(moment AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S UTC')"
CODE = "replace(lower(department), ' ', '_') || '.' || replace(lower(category), ' ', '_')"
KINDS = {"view_item": "view", "add_to_cart": "cart", "remove_from_cart": "remove_from_cart"}
NAMES = ", ".join(f"'{name}'" for name in KINDS)
KIND = " ".join(f"WHEN '{name}' THEN '{kind}'" for name, kind in KINDS.items())
# The cents of a line that its units cannot share evenly go to the first of them.
CENTS = "CAST(round(100 * l.line_amount) AS BIGINT)"
PRICE = f"({CENTS} // units + CASE WHEN unit <= {CENTS} % units THEN 1 ELSE 0 END) / 100.0"

EVENTS = f"""
    SELECT {TIME} AS event_time, event_type, product_id,
      2000000000 + hash({CODE}) % 1000000 AS category_id, {CODE} AS category_code, lower(brand) AS brand,
      {two_places("rows.price")} AS price, user_id, user_session
    FROM (
      SELECT occurred_at AS moment, CASE event_name {KIND} END AS event_type, product_id, price,
        coalesce(customer_id, anonymous_id) AS user_id, session_id AS user_session
      FROM events WHERE event_name IN ({NAMES})
      UNION ALL
      SELECT e.occurred_at + to_seconds(unit - 1), 'purchase', e.product_id, {PRICE}, e.customer_id,
        e.session_id
      FROM (
        SELECT *, CAST(quantity AS BIGINT) AS units, unnest(range(1, CAST(quantity AS BIGINT) + 1)) AS unit
        FROM events WHERE event_name = 'purchase') e
      JOIN order_lines l ON l.order_id = e.order_id AND l.product_id = e.product_id) rows
    LEFT JOIN products USING (product_id)
"""

REES46 = Export("REES46: events.csv, a row an event", "csv", {"events.csv": EVENTS})
