"""UCI Online Retail: 541,909 rows, each accounted for, against figures that Polars computes from the file.

What the shop's rules are is in `sources/presets/online_retail.py`; here they are written a second time,
over the file itself, without any code of ours.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.measure import Question, measure
from foresell.services.quarantine import count_quarantine
from foresell.services.rebuild import table_hash
from foresell.services.shop import Shop, create_shop
from foresell.store.raw import raw_rows_sql

pytestmark = [pytest.mark.shared, pytest.mark.slow]

NUM_ROWS = 541_909
SUM_OF_ALL_ROWS = Decimal("9747747.93")
SETTINGS: dict[str, dict[str, object]] = {"store": {"time_zone": "Europe/London", "currency": "GBP"}}
COLUMNS = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]


@pytest.fixture(scope="module")
def path(shared_data: Path) -> Path:
    return shared_data / "online_retail" / "online_retail.parquet"


@pytest.fixture(scope="module")
def shop(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "0b" * 32)
        made = create_shop(tmp_path_factory.mktemp("retail") / "store", SETTINGS)
        made_runs = import_files(made, ImportRequest(path, preset="online_retail"))
        assert len(made_runs) == 1
        yield made


@pytest.fixture(scope="module")
def first_run(shop: Shop) -> dict[str, Any]:
    """The run of the import, as the store recorded it."""
    with shop.reading() as tables:
        runs = tables.current("ingest_runs")
        [record] = (
            runs.filter(runs.status == "finished").order_by("started_at").limit(1).to_pyarrow().to_pylist()
        )
    return record


@pytest.fixture(scope="module")
def judged(path: Path) -> pl.DataFrame:
    """The file's rows with their exact amount and how each must end: a reason, 'duplicate' or 'accepted'."""
    quantity, price = pl.col("Quantity"), pl.col("UnitPrice")
    is_cancellation = pl.col("InvoiceNo").str.starts_with("C")
    rows = pl.read_parquet(path).with_row_index("n")
    reason = (
        pl.when(~is_cancellation & (quantity < 0))
        .then(pl.lit("negative_quantity"))
        .when(is_cancellation & (quantity > 0))
        .then(pl.lit("positive_quantity"))
        .when(price < 0)
        .then(pl.lit("negative_price"))
    )
    is_repeated = pl.col("n") != pl.col("n").min().over(COLUMNS)
    outcome = pl.when(is_repeated).then(pl.lit("duplicate")).otherwise(pl.lit("accepted"))
    # Prices have at most three decimals: thousandths are exact.
    thousandths = (price * 1000).round().cast(pl.Int64)
    return rows.with_columns(
        pl.coalesce(reason, outcome).alias("outcome"),
        (quantity * thousandths).alias("thousandths"),
        is_cancellation.alias("is_cancellation"),
    )


def money(thousandths: int) -> Decimal:
    return Decimal(thousandths) / 1000


def amount(judged: pl.DataFrame, outcome: str) -> Decimal:
    return money(judged.filter(pl.col("outcome") == outcome)["thousandths"].sum())


def test_every_row_is_accounted_for(first_run: dict[str, Any], judged: pl.DataFrame) -> None:
    counts = Counter(judged["outcome"].to_list())
    assert first_run["rows_read"] == NUM_ROWS
    assert first_run["rows_accepted"] == counts["accepted"]
    assert first_run["rows_duplicate"] == counts["duplicate"]
    assert first_run["rows_updated"] == 0
    assert first_run["rows_quarantined"] == NUM_ROWS - counts["accepted"] - counts["duplicate"]


def test_each_reason_has_its_count(shop: Shop, judged: pl.DataFrame) -> None:
    expected = Counter(judged["outcome"].to_list())
    del expected["accepted"], expected["duplicate"]
    assert set(expected) == {"negative_quantity", "negative_price"}
    found = {count.error_code: count.num_rows for count in count_quarantine(shop)}
    assert found == dict(expected)


def test_the_raw_zone_holds_every_row_as_it_came(shop: Shop) -> None:
    [run] = shop.folder.raw.runs()[:1]
    with shop.connect() as connection:
        rows = raw_rows_sql(shop.folder.raw.part_paths(run))
        price = 'CAST("UnitPrice" AS DECIMAL(18,4))'
        [found] = connection.execute(f'SELECT count(*), sum("Quantity" * {price}) FROM ({rows})').fetchall()
    assert found[0] == NUM_ROWS
    assert round(Decimal(found[1]), 2) == SUM_OF_ALL_ROWS


def test_lines_refunds_quarantine_and_duplicates_add_up_to_all(shop: Shop, judged: pl.DataFrame) -> None:
    with shop.reading() as tables:
        lines = tables.current("order_lines").line_amount.sum().execute()
        refunds = tables.current("refunds").amount.sum().execute()
        quarantined = tables.current("quarantine").select("raw").to_polars()
    raw = quarantined["raw"].str.json_decode(pl.Struct({"Quantity": pl.Float64, "UnitPrice": pl.Float64}))
    values = raw.struct.unnest()
    unused = money(round((values["Quantity"] * values["UnitPrice"] * 1000).sum()))
    assert unused == amount(judged, "negative_quantity") + amount(judged, "negative_price")
    total = lines - refunds + unused + amount(judged, "duplicate")
    assert round(total, 2) == SUM_OF_ALL_ROWS
    accepted = judged.filter(pl.col("outcome") == "accepted")
    returned = accepted.filter("is_cancellation")["thousandths"].sum()
    assert refunds == -money(returned)
    assert lines == money(accepted["thousandths"].sum() - returned)


def test_a_line_is_an_invoice_a_stock_code_and_an_occurrence(shop: Shop, judged: pl.DataFrame) -> None:
    """Lines that share invoice and stock code are numbered as they first appear; none is lost or merged."""
    sold = judged.filter((pl.col("outcome") == "accepted") & ~pl.col("is_cancellation"))
    occurrence = (pl.col("first").rank("dense").over("InvoiceNo", "StockCode")).cast(pl.Int64)
    firsts = judged.with_columns(pl.col("n").min().over(COLUMNS).alias("first"))
    numbered = firsts.select("n", occurrence.alias("occurrence")).join(sold, on="n")
    expected = numbered.select(
        pl.format(
            "{}-{}-{}",
            pl.col("InvoiceNo").str.strip_chars(),
            pl.col("StockCode").str.strip_chars(),
            "occurrence",
        )
    ).to_series()
    with shop.reading() as tables:
        found = tables.current("order_lines").order_line_id.to_polars()
    assert found.n_unique() == len(found) == len(expected)
    assert set(found) == set(expected)


def test_sales_of_the_shop(shop: Shop, judged: pl.DataFrame) -> None:
    accepted = judged.filter(pl.col("outcome") == "accepted")
    sold = accepted.filter(~pl.col("is_cancellation"))
    expected = {
        "net_sales": float(money(accepted["thousandths"].sum())),
        "gross_sales": float(money(sold["thousandths"].sum())),
        "orders": sold["InvoiceNo"].n_unique(),
        "customers": sold["CustomerID"].drop_nulls().n_unique(),
        "units_with_services": sold["Quantity"].sum(),
    }
    for kpi, value in expected.items():
        [row] = measure(shop, kpi, Question()).as_record()["rows"]
        assert row["value"] == pytest.approx(value, abs=1e-4), kpi


def test_importing_again_changes_nothing(
    shop: Shop, path: Path, first_run: dict[str, Any], tmp_path: Path
) -> None:
    """Neither the very file, nor its rows in other bytes (where what was bad is bad again)."""
    names = ["order_lines", "orders", "refunds", "products", "customers"]
    before = {name: table_hash(shop, name) for name in [*names, "quarantine"]}
    [again] = import_files(shop, ImportRequest(path, preset="online_retail"))
    assert again.counts.rows_duplicate == NUM_ROWS
    assert {name: table_hash(shop, name) for name in before} == before
    other = tmp_path / "online_retail.parquet"
    pl.read_parquet(path).write_parquet(other, compression="lz4")
    [rows_again] = import_files(shop, ImportRequest(other, preset="online_retail"))
    assert rows_again.counts.rows_accepted == 0
    assert rows_again.counts.rows_updated == 0
    assert rows_again.counts.rows_quarantined == first_run["rows_quarantined"]
    assert {name: table_hash(shop, name) for name in names} == {name: before[name] for name in names}
