"""Shopify's CSV exports of orders, customers and products.

Orders have a row a line, with the order's own columns on the first. The export has the sum of an order's
refunds and no date of them; a cancelled order is voided.
"""

from foresell.simulator.exports.export import EMAIL, Export, two_places

LOCAL = "%Y-%m-%d %H:%M:%S "


def _local(moment: str) -> str:
    """Local time with its offset, as `2024-03-01 09:15:05 -0500`."""
    offset = f"regexp_replace(strftime({moment}, '%z'), '^([+-]\\d\\d):?(\\d\\d)?$', '\\1') "
    minutes = f"coalesce(nullif(regexp_extract(strftime({moment}, '%z'), '\\d\\d:?(\\d\\d)$', 1), ''), '00')"
    return f"strftime({moment}, '{LOCAL}') || {offset} || {minutes}"


# Column → SQL of what stands on an order's first row alone.
OF_ORDER = {
    "Financial Status": "CASE WHEN cancelled_at IS NOT NULL THEN 'voided' WHEN refunded >= total_amount "
    "THEN 'refunded' WHEN refunded > 0 THEN 'partially_refunded' ELSE 'paid' END",
    "Paid at": _local("paid_at"),
    "Fulfillment Status": "CASE WHEN cancelled_at IS NULL THEN 'fulfilled' ELSE 'unfulfilled' END",
    "Currency": "currency",
    "Subtotal": two_places("subtotal_amount - discount_amount"),
    "Shipping": two_places("shipping_amount"),
    "Taxes": two_places("tax_amount"),
    "Total": two_places("total_amount"),
    "Discount Code": "coupon_codes",
    "Discount Amount": "'0.00'",
}
AFTER_LINE = {
    "Billing Country": "billing_country",
    "Shipping Country": "shipping_country",
    "Cancelled at": _local("cancelled_at"),
    "Payment Method": "payment_method",
    "Refunded Amount": two_places("refunded"),
}
OF_LINE = {
    "Lineitem quantity": "CAST(quantity AS BIGINT)",
    "Lineitem name": "title",
    "Lineitem price": two_places("unit_price"),
    "Lineitem sku": "product_id",
    "Lineitem fulfillment status": "CASE WHEN cancelled_at IS NULL THEN 'fulfilled' ELSE 'pending' END",
}


def _first(columns: dict[str, str]) -> str:
    return ", ".join(f'CASE WHEN place = 1 THEN {sql} END AS "{name}"' for name, sql in columns.items())


def _every(columns: dict[str, str]) -> str:
    return ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())


ORDERS = f"""
    SELECT order_id AS "Name", {EMAIL} AS "Email", {_first(OF_ORDER)}, {_local("created_at")} AS "Created at",
      {_every(OF_LINE)}, {_first(AFTER_LINE)}, brand AS "Vendor",
      CASE WHEN place = 1 THEN 'web' END AS "Source", {two_places("line_discount")} AS "Lineitem discount"
    FROM (
      SELECT o.*, l.order_line_id, l.product_id, l.quantity, l.unit_price,
        l.discount_amount AS line_discount, p.title, p.brand,
        row_number() OVER (PARTITION BY o.order_id ORDER BY l.order_line_id) AS place,
        coalesce(r.amount, 0) AS refunded
      FROM orders o
      JOIN order_lines l USING (order_id)
      LEFT JOIN products p USING (product_id)
      LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM refunds GROUP BY order_id) r USING (order_id))
    ORDER BY created_at, order_id, place
"""
CUSTOMERS = f"""
    SELECT '''' || substr(customer_id, 2) AS "Customer ID", '' AS "First Name", '' AS "Last Name",
      {EMAIL} AS "Email", CASE WHEN accepts_marketing THEN 'yes' ELSE 'no' END AS "Accepts Email Marketing",
      city AS "Default Address City", country AS "Default Address Country Code", '' AS "Phone",
      {two_places("coalesce(spent, 0)")} AS "Total Spent", coalesce(number, 0) AS "Total Orders",
      '' AS "Note", '' AS "Tags"
    FROM customers
    LEFT JOIN (
      SELECT customer_id, sum(total_amount) AS spent, count(*) AS number FROM orders
      WHERE cancelled_at IS NULL GROUP BY customer_id) USING (customer_id)
    ORDER BY customers.created_at, customer_id
"""
# A product and its variants share a handle; the file says of both what they have in common on the first row.
PRODUCTS = f"""
    SELECT handle AS "Handle", CASE WHEN place = 1 THEN shared_title END AS "Title",
      CASE WHEN place = 1 THEN description END AS "Body (HTML)",
      CASE WHEN place = 1 THEN brand END AS "Vendor",
      CASE WHEN place = 1 THEN category_path END AS "Product Category",
      CASE WHEN place = 1 THEN category END AS "Type",
      CASE WHEN place = 1 THEN 'true' END AS "Published",
      CASE WHEN number = 1 THEN 'Title' ELSE 'Size' END AS "Option1 Name",
      CASE WHEN number = 1 THEN 'Default Title' ELSE coalesce(size, 'Standard') END AS "Option1 Value",
      product_id AS "Variant SKU", {two_places("price")} AS "Variant Price",
      {two_places("cost")} AS "Cost per item",
      CASE WHEN place = 1 THEN if(status = 'discontinued', 'archived', 'active') END AS "Status"
    FROM (
      SELECT *, coalesce(parent_product_id, product_id) AS handle,
        row_number() OVER family AS place,
        count(*) OVER (PARTITION BY coalesce(parent_product_id, product_id)) AS number,
        first_value(title) OVER family AS shared_title,
        CASE WHEN parent_product_id IS NOT NULL THEN
          concat_ws(' ', nullif(trim(substr(title, length(first_value(title) OVER family) + 1)), ''),
            product_id) END AS size
      FROM products
      WINDOW family AS (PARTITION BY coalesce(parent_product_id, product_id)
        ORDER BY parent_product_id IS NOT NULL, product_id))
    ORDER BY handle, place
"""

SHOPIFY = Export(
    "Shopify: customers.csv, products.csv and orders.csv",
    "csv",
    {"customers.csv": CUSTOMERS, "products.csv": PRODUCTS, "orders.csv": ORDERS},
)
