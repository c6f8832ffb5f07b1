"""The two shops that are spoiled: their clean files as text, and what a cell of them becomes in a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import polars as pl
from damage import ROW, Frames

RETAIL_MOMENT = "%m/%d/%Y %H:%M"
JOURNEY_MOMENT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Place:
    """Where a cell of a file lands in the store: the table and its column."""

    table: str
    column: str


@dataclass(frozen=True)
class Orders:
    """The file that holds orders a row a line: which columns make one, and how its time is written."""

    file: str
    order: str
    product: str
    quantity: str
    time: str
    time_format: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The file and columns in which a product stands: its id, and the words that name it."""

    file: str
    product: str
    title: str


@dataclass(frozen=True)
class Dataset:
    """`swaps`: (file, one column, another, whether all rows of an order are swapped together).
    `blanks`: file → columns that may lose values. `places`: (file, column) → where it lands."""

    name: str
    preset: str
    settings: Mapping[str, Mapping[str, object]]
    load: Callable[[Path, int], Frames]
    orders: Orders
    catalog: Catalog
    swaps: tuple[tuple[str, str, str, bool], ...]
    blanks: Mapping[str, tuple[str, ...]]
    places: Mapping[tuple[str, str], Place]
    keys: Callable[[str, pl.DataFrame], Mapping[str, pl.Series]] = field(repr=False)


def load_retail(folder: Path, every: int) -> Frames:
    """UCI Online Retail as text, in file order; `every` n: one product in n (by a hash of its code)."""
    rows = pl.read_parquet(folder / "online_retail.parquet")
    if every > 1:
        codes = rows["StockCode"].unique()
        taken = [code for code in codes if crc32(code.encode()) % every == 0]
        rows = rows.filter(pl.col("StockCode").is_in(taken))
    moment = pl.col("InvoiceDate").dt.strftime(RETAIL_MOMENT)
    return {"online_retail": _numbered(rows.with_columns(moment))}


def load_journey(folder: Path, every: int) -> Frames:
    """The Complete Journey as text: products, demographics, and the transactions of one household in n,
    ordered by time (the package gives them so)."""
    transactions = pl.read_parquet(folder / "transactions.parquet")
    if every > 1:
        transactions = transactions.filter(pl.col("household_id") % every == 0)
    moment = pl.col("transaction_timestamp").dt.strftime(JOURNEY_MOMENT)
    products = pl.read_parquet(folder / "products.parquet")
    if every > 1:
        products = products.join(transactions.select("product_id").unique(), on="product_id", how="semi")
    return {
        "products": _numbered(products),
        "demographics": _numbered(pl.read_parquet(folder / "demographics.parquet")),
        "transactions": _numbered(transactions.with_columns(moment)),
    }


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, and ROW: the row's number in the clean file, from 1."""
    return (
        rows.select(pl.all().cast(pl.String))
        .with_row_index(ROW, offset=1)
        .with_columns(pl.col(ROW).cast(pl.Int64))
    )


def retail_keys(_file: str, rows: pl.DataFrame) -> Mapping[str, pl.Series]:
    """Written a second time, without the preset's code: lines that share invoice and stock code but differ
    are numbered as they first appear."""
    columns = [name for name in rows.columns if name != ROW]
    numbered = rows.with_row_index("n").with_columns(pl.col("n").min().over(columns).alias("first"))
    occurrence = pl.col("first").rank("dense").over("InvoiceNo", "StockCode").cast(pl.Int64)
    invoice, stock = (pl.col(c).str.strip_chars() for c in ("InvoiceNo", "StockCode"))
    line = numbered.with_columns(occurrence.alias("n")).select(
        line=pl.concat_str(invoice, stock, "n", separator="-"), invoice=invoice, stock=stock
    )
    return {"order_lines": line["line"], "orders": line["invoice"], "products": line["stock"]}


def journey_keys(file: str, rows: pl.DataFrame) -> Mapping[str, pl.Series]:
    if file == "products":
        return {"products": rows["product_id"]}
    if file == "demographics":
        return {"customers": rows["household_id"]}
    line = rows.select(line=pl.concat_str("basket_id", "product_id", separator="-"))
    return {"order_lines": line["line"], "orders": rows["basket_id"], "products": rows["product_id"]}


RETAIL = Dataset(
    name="online_retail",
    preset="online_retail",
    settings={"store": {"time_zone": "Europe/London", "currency": "GBP"}},
    load=load_retail,
    orders=Orders(
        "online_retail", "InvoiceNo", "StockCode", "Quantity", "InvoiceDate", RETAIL_MOMENT, ("Description",)
    ),
    catalog=Catalog("online_retail", "StockCode", "Description"),
    swaps=(
        ("online_retail", "Quantity", "UnitPrice", False),
        ("online_retail", "StockCode", "Description", False),
        ("online_retail", "CustomerID", "Country", True),
    ),
    blanks={
        "online_retail": ("Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
    },
    places={
        ("online_retail", "StockCode"): Place("order_lines", "product_id"),
        ("online_retail", "Description"): Place("products", "title"),
        ("online_retail", "Quantity"): Place("order_lines", "quantity"),
        ("online_retail", "UnitPrice"): Place("order_lines", "unit_price"),
        ("online_retail", "InvoiceDate"): Place("orders", "created_at"),
        ("online_retail", "CustomerID"): Place("orders", "customer_id"),
        ("online_retail", "Country"): Place("orders", "billing_country"),
        ("online_retail", "InvoiceNo"): Place("order_lines", "order_id"),
    },
    keys=retail_keys,
)

JOURNEY = Dataset(
    name="complete_journey",
    preset="completejourney",
    settings={"store": {"time_zone": "America/New_York", "currency": "USD"}},
    load=load_journey,
    orders=Orders(
        "transactions", "basket_id", "product_id", "quantity", "transaction_timestamp", JOURNEY_MOMENT, ()
    ),
    catalog=Catalog("products", "product_id", "product_type"),
    swaps=(
        ("transactions", "quantity", "sales_value", False),
        ("transactions", "household_id", "store_id", True),
        ("products", "department", "product_category", False),
        ("products", "brand", "department", False),
    ),
    blanks={
        "transactions": ("household_id", "store_id", "quantity", "sales_value", "transaction_timestamp"),
        "products": ("brand", "department", "product_category"),
        "demographics": ("age", "income"),
    },
    places={
        ("transactions", "household_id"): Place("orders", "customer_id"),
        ("transactions", "store_id"): Place("orders", "location_id"),
        ("transactions", "quantity"): Place("order_lines", "quantity"),
        ("transactions", "sales_value"): Place("order_lines", "line_amount"),
        ("transactions", "transaction_timestamp"): Place("orders", "created_at"),
        ("transactions", "product_id"): Place("order_lines", "product_id"),
        ("transactions", "basket_id"): Place("order_lines", "order_id"),
        ("products", "brand"): Place("products", "brand"),
        ("products", "department"): Place("products", "department"),
        ("products", "product_category"): Place("products", "category"),
        ("products", "product_type"): Place("products", "title"),
        ("demographics", "age"): Place("customers", "age_band"),
        ("demographics", "income"): Place("customers", "income_band"),
    },
    keys=journey_keys,
)

DATASETS = {dataset.name: dataset for dataset in (RETAIL, JOURNEY)}
