"""A shop in a real database, of any size: orders, their lines, customers and products, and a day's changes.

Customers mostly pay, get and send back what they ordered lately: 95% of the changed orders are of the last
thirty days, the others of any day (`is_scattered`: all of them).
"""

from pathlib import Path
from typing import Any

LINES_PER_ORDER = 2
CUSTOMERS, PRODUCTS = 5, 200  # orders a customer; orders a product
TIME_TYPES = {"postgresql": "TIMESTAMP", "mysql": "DATETIME"}
# As fractions of the orders.
NEW, CHANGED, RECENT = 0.003, 0.003, 0.08

MAPPINGS = {
    "1-products": """
        [source]
        table = "products"
        watermark = "updated_at"
        [tables.products]
        valid_from = "updated_at"
        [tables.products.columns]
        product_id = "product_id"
        title = "title"
        category = "category"
        price = "price"
        """,
    "2-customers": """
        [source]
        table = "customers"
        watermark = "updated_at"
        [identifiers]
        email = "email"
        [tables.customers]
        valid_from = "updated_at"
        [tables.customers.columns]
        customer_id = "customer_id"
        created_at = "created_at"
        country = "country"
        """,
    "3-orders": """
        [source]
        table = "orders"
        watermark = "updated_at"
        [tables.orders]
        valid_from = "updated_at"
        [tables.orders.columns]
        order_id = "order_id"
        customer_id = "customer_id"
        created_at = "created_at"
        status = "status"
        total_amount = "total_amount"
        discount_amount = "discount_amount"
        shipping_amount = "shipping_amount"
        tax_amount = "tax_amount"
        payment_method = "payment_method"
        billing_country = "country"
        """,
    "4-lines": """
        [source]
        table = "order_lines"
        watermark = "updated_at"
        [tables.order_lines.columns]
        order_line_id = "line_id"
        order_id = "order_id"
        product_id = "product_id"
        quantity = "quantity"
        unit_price = "unit_price"
        line_amount = "line_amount"
        """,
}


def write_mappings(folder: Path) -> Path:
    folder.mkdir()
    for name, text in MAPPINGS.items():
        lines = "\n".join(line.strip() for line in text.strip().splitlines())
        head = 'time_zone = "UTC"\ncurrency = "EUR"\n'
        (folder / f"{name}.toml").write_text(f'name = "shop_{name[2:]}"\n{head}{lines}\n')
    return folder


class BigShop:
    """`database`: an empty one of `servers`. Orders are a minute apart and end at FIRST + that many."""

    def __init__(self, database: Any, num_orders: int) -> None:
        self.database = database
        self.num_orders = num_orders
        self._is_postgres = database.scheme == "postgresql"

    def make(self) -> None:
        """Everything there was until the day."""
        time = TIME_TYPES[self.database.scheme]
        key, stamp = "INTEGER PRIMARY KEY", f"updated_at {time} NOT NULL"
        money = "DECIMAL(12,2)"
        for table in ("products", "customers", "orders", "order_lines"):
            self._run(f"DROP TABLE IF EXISTS {table}")
        self._run(
            f"CREATE TABLE products (product_id {key}, title VARCHAR(80), category VARCHAR(40), "
            f"price {money}, {stamp})"
        )
        self._run(
            f"CREATE TABLE customers (customer_id {key}, email VARCHAR(80), country VARCHAR(2), "
            f"created_at {time}, {stamp})"
        )
        self._run(
            f"CREATE TABLE orders (order_id {key}, customer_id INTEGER, created_at {time}, "
            f"status VARCHAR(20), total_amount {money}, discount_amount {money}, "
            f"shipping_amount {money}, tax_amount {money}, payment_method VARCHAR(20), "
            f"country VARCHAR(2), {stamp})"
        )
        self._run(
            f"CREATE TABLE order_lines (line_id {key}, order_id INTEGER, product_id INTEGER, "
            f"quantity INTEGER, unit_price {money}, line_amount {money}, {stamp})"
        )
        self._add_products(1, max(self.num_orders // PRODUCTS, 1))
        self._add_customers(1, max(self.num_orders // CUSTOMERS, 1))
        self._add_orders(1, self.num_orders)
        for table in ("products", "customers", "orders", "order_lines"):
            self._run(f"CREATE INDEX {table}_updated ON {table} (updated_at)")

    def change(self, *, is_scattered: bool = False) -> None:
        """One day: NEW of the orders and customers are new, CHANGED of each table are changed."""
        last, num_new = self.num_orders, max(round(self.num_orders * NEW), 1)
        self._add_orders(last + 1, last + num_new)
        num_customers = max(last // CUSTOMERS, 1)
        self._add_customers(num_customers + 1, num_customers + max(round(num_customers * NEW), 1))
        now = self._moment(str(last + num_new))
        step = round(1 / CHANGED)
        lines = last * LINES_PER_ORDER
        if is_scattered:
            orders, old_lines = (
                f"order_id <= {last} AND order_id % {step} = 0",
                f"line_id <= {lines} AND line_id % {step} = 0",
            )
        else:
            orders = self._mostly_recent("order_id", last)
            old_lines = self._mostly_recent("line_id", lines)
        self._run(
            "UPDATE orders SET status = 'refunded', total_amount = total_amount - 1, "
            f"updated_at = {now} WHERE {orders}"
        )
        self._run(
            f"UPDATE order_lines SET line_amount = line_amount - 1, updated_at = {now} WHERE {old_lines}"
        )
        self._run(f"UPDATE customers SET country = 'AT', updated_at = {now} WHERE customer_id % {step} = 0")
        self._run(f"UPDATE products SET price = price + 1, updated_at = {now} WHERE product_id % {step} = 0")

    def _mostly_recent(self, column: str, last: int) -> str:
        wanted = last * CHANGED
        recent_step = max(round(last * RECENT / (wanted * 0.95)), 1)
        old_step = max(round(last / (wanted * 0.05)), 1)
        first_recent = last - round(last * RECENT)
        return (
            f"{column} <= {last} AND (({column} > {first_recent} AND {column} % {recent_step} = 0) "
            f"OR {column} % {old_step} = 1)"
        )

    def _add_products(self, first: int, last: int) -> None:
        self._run(
            "INSERT INTO products SELECT n, concat('Product ', n), concat('Category ', n % 40), "
            f"(n * 37 % 9000 + 100) / 100.0, {self._moment('0')} FROM {self._series(first, last)}"
        )

    def _add_customers(self, first: int, last: int) -> None:
        at = self._moment(f"n * {CUSTOMERS}")
        self._run(
            "INSERT INTO customers SELECT n, concat('c', n, '@example.org'), "
            f"CASE n % 3 WHEN 0 THEN 'DE' WHEN 1 THEN 'FR' ELSE 'PL' END, {at}, {at} "
            f"FROM {self._series(first, last)}"
        )

    def _add_orders(self, first: int, last: int) -> None:
        at = self._moment("n")
        self._run(
            f"INSERT INTO orders SELECT n, n % {max(self.num_orders // CUSTOMERS, 1)} + 1, {at}, "
            "CASE n % 3 WHEN 0 THEN 'completed' WHEN 1 THEN 'shipped' ELSE 'paid' END, "
            "(n % 19000 + 100) / 100.0, (n % 500) / 100.0, 4.9, (n % 3000) / 100.0, "
            "CASE n % 4 WHEN 0 THEN 'card' WHEN 1 THEN 'paypal' WHEN 2 THEN 'invoice' ELSE 'sepa' END, "
            f"'DE', {at} FROM {self._series(first, last)}"
        )
        products = max(self.num_orders // PRODUCTS, 1)
        order = f"((n - 1) {'/' if self._is_postgres else 'DIV'} {LINES_PER_ORDER} + 1)"
        self._run(
            f"INSERT INTO order_lines SELECT n, {order}, n % {products} + 1, n % 3 + 1, "
            f"(n % 9000 + 100) / 100.0, (n % 9000 + 100) * (n % 3 + 1) / 100.0, {self._moment(order)} "
            f"FROM {self._series((first - 1) * LINES_PER_ORDER + 1, last * LINES_PER_ORDER)}"
        )

    def _series(self, first: int, last: int) -> str:
        if self._is_postgres:
            return f"generate_series({first}, {last}) AS s(n)"
        return f"(SELECT seq AS n FROM seq_{first}_to_{last}) AS s"

    def _moment(self, minutes: str) -> str:
        if self._is_postgres:
            return f"TIMESTAMP '2023-01-01' + ({minutes}) * INTERVAL '1 minute'"
        return f"TIMESTAMP '2023-01-01 00:00:00' + INTERVAL ({minutes}) MINUTE"

    def _run(self, statement: str) -> None:
        self.database.execute(statement)
