"""A small shop for the console: ten weeks, a damaged row, a recommender in two versions, forecasts."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from foresell.services.access.accounts import add_account
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.production import put_to_work
from foresell.services.shop import Shop, create_shop
from foresell.store.models import Origin

PASSWORD = "a-long-password"  # noqa: S105  # of accounts that live as long as a test
ROLES = ("viewer", "analyst", "admin")
NUM_DAYS = 70
LAST_DAY = datetime(2026, 11, 15, tzinfo=UTC)
DAMAGED_ROW = 20
# Title, id, price.
PRODUCTS = (
    ("Green tea <b>loose</b>", "S0", 5.5),
    ("Black tea", "S1", 4.9),
    ("龙井茶", "S2", 8.0),
    ("Teapot", "S3", 25.0),
    ("=1+1 cake", "S4", 12.5),
)
MAPPING = """
name = "orders"
currency = "EUR"

[tables.orders.columns]
order_id = "Order"
created_at = { from = "Date", formats = ["%Y-%m-%d %H:%M"] }
customer_id = "Customer"

[tables.order_lines.columns]
order_line_id = { from = ["Order", "SKU"], separator = "-" }
order_id = "Order"
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"
line_amount = "Total"

[tables.products.columns]
product_id = "SKU"
title = "Product"
"""


def write_orders(path: Path, *, is_damaged: bool = False) -> Path:
    """A row a line of an order. Damaged: one row's total is no number."""
    lots = random.Random(7)
    rows = ["Order,Date,Customer,Product,SKU,Qty,Price,Total"]
    number = 0
    for day in range(NUM_DAYS):
        for _ in range(lots.randint(3, 6)):
            number += 1
            at = LAST_DAY - timedelta(days=NUM_DAYS - 1 - day, hours=-lots.randint(8, 20))
            customer = f"c{lots.randint(1, 25):02d}"
            for title, sku, price in lots.sample(PRODUCTS, lots.randint(1, 3)):
                many = lots.randint(1, 3)
                cells = (f"A{number:04d}", f"{at:%Y-%m-%d %H:%M}", customer, title, sku, many)
                rows.append(",".join(map(str, (*cells, f"{price:.2f}", f"{many * price:.2f}"))))
    if is_damaged:
        rows[DAMAGED_ROW] = rows[DAMAGED_ROW].rpartition(",")[0] + ",n/a"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def empty_shop(root: Path) -> Shop:
    """With an account of each role, named as the role, and nothing else."""
    shop = create_shop(root, {"store": {"name": "Tea & 茶", "currency": "EUR", "time_zone": "Europe/Berlin"}})
    for role in ROLES:
        add_account(shop, role, role, PASSWORD, "test")
    return shop


def full_shop(root: Path, work: Path) -> Shop:
    from foresell.services.forecasting.fit import fit_forecast

    shop = empty_shop(root)
    mapping = work / "orders.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    orders = write_orders(work / "orders.csv", is_damaged=True)
    import_files(shop, ImportRequest(orders, mapping=mapping))
    fit_forecast(shop)
    for _ in range(2):
        put_recommender(shop)
    return shop


def put_recommender(shop: Shop) -> str:
    """What is bought after what, fitted and put to work: the quickest recommender that gives reasons."""
    from dataclasses import asdict

    from foresell.predict.recommend import load_model
    from foresell.predict.recommend.backtest import config_of
    from foresell.predict.recommend.interactions import interactions

    with shop.reading_matched() as tables:
        learned = interactions(tables)
    fitted = load_model("item_knn").fit(learned, config_of("item_knn", shop.settings))
    config, tables_of = asdict(fitted.config), fitted.to_tables()
    return put_to_work(shop, "recommend", "item_knn", config, tables_of, origin=Origin())
