from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import make_settings
from foresell.contracts.tables import TABLES
from foresell.sources import PRESETS
from foresell.sources.mapping import Mapping, Target
from foresell.sources.normalize import normalize_sql
from foresell.sources.presets.preset import Preset
from foresell.store.engine import literal

NEW_YORK = make_settings({"store": {"time_zone": "America/New_York"}})


def rows_of(connection: duckdb.DuckDBPyConnection, mapping: Mapping, target: Target, relation: str) -> str:
    """The normalized rows of a relation without row numbers, as a SELECT."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE numbered AS "
        f"SELECT *, row_number() OVER () AS _row_number FROM {relation}"
    )
    prepared = mapping.prepare.format(raw="numbered") if mapping.prepare else "SELECT * FROM numbered"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE prepared_rows AS {prepared}")
    described = connection.execute("DESCRIBE prepared_rows").fetchall()
    columns = {row[0]: row[1] for row in described if row[0] != "_row_number"}
    return normalize_sql(target, mapping, columns, "prepared_rows", NEW_YORK)


def target_of(mapping: Mapping, table: str) -> Target:
    return next(target for target in mapping.targets if target.table == table)


def test_there_is_a_preset_for_every_table_and_its_own_file_alone() -> None:
    trackers = {"ga4", "segment", "rudderstack"}
    platforms = {"completejourney", "online_retail", "rees46", "s3rec", "shopify", "woocommerce", *trackers}
    platforms |= {f"{tracker}_orders" for tracker in trackers}
    assert set(PRESETS) == {*platforms, *TABLES}
    assert all(preset.name == name for name, preset in PRESETS.items())


def test_only_what_is_installed_is_known_without_a_path() -> None:
    with pytest.raises(InputError, match="needs a path"):
        PRESETS["orders"].installed()
    absent = Preset("x", "", {}, package=("no_such_package_at_all", "data"), extra="demo")
    with pytest.raises(InputError, match=r"foresell\[demo\]"):
        absent.installed()


def test_a_line_of_the_complete_journey(connection: duckdb.DuckDBPyConnection) -> None:
    mapping = PRESETS["completejourney"].mappings["transactions"]
    given = """(SELECT 900 AS household_id, 330 AS store_id, 31198570044 AS basket_id, 1095275 AS product_id,
        2 AS quantity, 1.50::DOUBLE AS sales_value, 0.30::DOUBLE AS retail_disc, 0.25::DOUBLE AS coupon_disc,
        0.20::DOUBLE AS coupon_match_disc, 1 AS week,
        TIMESTAMP '2017-01-02 03:00:00' AS transaction_timestamp)"""
    lines = rows_of(connection, mapping, target_of(mapping, "order_lines"), given)
    line = connection.execute(
        "SELECT order_line_id, unit_price::DOUBLE, discount_amount::DOUBLE, vendor_discount_amount::DOUBLE, "
        f"line_amount::DOUBLE FROM ({lines})"
    ).fetchone()
    assert line == ("31198570044-1095275", 1.0, 0.5, 0.25, 1.5)
    orders = rows_of(connection, mapping, target_of(mapping, "orders"), given)
    order = connection.execute(f"SELECT customer_id, status, local_date FROM ({orders})").fetchone()
    assert order == ("900", "completed", date(2017, 1, 1))


def test_promotion_weeks_are_the_shops_own(connection: duckdb.DuckDBPyConnection) -> None:
    mapping = PRESETS["completejourney"].mappings["promotions"]
    given = """(SELECT 1 AS product_id, 2 AS store_id, '0' AS display_location, 'A' AS mailer_location,
        w AS week FROM (VALUES (1), (12)) t(w))"""
    select = rows_of(connection, mapping, mapping.targets[0], given)
    found = connection.execute(
        "SELECT promotion_id, kind, display, mailer, starts_at::VARCHAR, ends_at::VARCHAR "
        f"FROM ({select}) ORDER BY promotion_id"
    ).fetchall()
    # The twelfth week is the one in which summer time begins.
    assert found == [
        ("1-2-1-0-A", "mailer", None, "A", "2016-12-26 05:00:00+00", "2017-01-02 05:00:00+00"),
        ("1-2-12-0-A", "mailer", None, "A", "2017-03-13 04:00:00+00", "2017-03-20 04:00:00+00"),
    ]


RETAIL_ROWS = """(SELECT * FROM (VALUES
    ('1', 'A', 'LAMP', 2, TIMESTAMP '2011-07-01 10:00', 1.5::DOUBLE, 17850::BIGINT, 'France'),
    ('1', 'A', 'LAMP', 2, TIMESTAMP '2011-07-01 10:00', 1.5::DOUBLE, 17850::BIGINT, 'France'),
    ('1', 'A', 'LAMP', 3, TIMESTAMP '2011-07-01 10:00', 1.5::DOUBLE, 17850::BIGINT, 'France'),
    ('2', 'B', 'lost', -5, TIMESTAMP '2011-07-01 10:00', 0::DOUBLE, NULL, 'France'),
    ('C3', 'A', 'LAMP', -1, TIMESTAMP '2011-07-02 10:00', 1.5::DOUBLE, 17850::BIGINT, 'France'),
    ('A4', 'B', 'Adjust bad debt', 1, TIMESTAMP '2011-07-02 10:00', -9::DOUBLE, NULL, 'France'),
    ('5', 'B', 'BOX', 1, TIMESTAMP '2011-07-02 10:00', 0::DOUBLE, NULL, 'France')
    ) t(InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country))"""


def test_invoices_of_online_retail(connection: duckdb.DuckDBPyConnection) -> None:
    mapping = PRESETS["online_retail"].mappings["online_retail"]
    lines = rows_of(connection, mapping, target_of(mapping, "order_lines"), RETAIL_ROWS)
    found = connection.execute(
        f"SELECT order_line_id, line_amount::DOUBLE, _error_code FROM ({lines}) ORDER BY _row_number"
    ).fetchall()
    assert found == [
        ("1-A-1", 3.0, None),
        ("1-A-1", 3.0, None),
        ("1-A-2", 4.5, None),
        ("2-B-1", 0.0, "negative_quantity"),
        ("A4-B-1", -9.0, "negative_price"),
        ("5-B-1", 0.0, None),
    ]
    refunds = rows_of(connection, mapping, target_of(mapping, "refunds"), RETAIL_ROWS)
    refund = connection.execute(
        "SELECT refund_id, quantity, amount::DOUBLE, customer_id, created_at::VARCHAR, _error_code "
        f"FROM ({refunds})"
    ).fetchall()
    assert refund == [("C3-A-1", 1.0, 1.5, "17850", "2011-07-02 09:00:00+00", None)]
    customers = rows_of(connection, mapping, target_of(mapping, "customers"), RETAIL_ROWS)
    ids = connection.execute(f"SELECT DISTINCT customer_id FROM ({customers})").fetchall()
    assert ids == [("17850",)]


def test_online_retail_as_text_gives_the_same_rows(connection: duckdb.DuckDBPyConnection) -> None:
    mapping = PRESETS["online_retail"].mappings["online_retail"]
    texts = """(SELECT InvoiceNo, StockCode, Description, Quantity::VARCHAR AS Quantity,
        strftime(InvoiceDate, '%-m/%-d/%Y %-H:%M') AS InvoiceDate, UnitPrice::VARCHAR AS UnitPrice,
        CustomerID::VARCHAR || '.0' AS CustomerID, Country FROM """
    for table in ("order_lines", "refunds", "orders", "products", "customers"):
        target = target_of(mapping, table)
        typed = connection.execute(rows_of(connection, mapping, target, RETAIL_ROWS)).fetchall()
        from_text = connection.execute(
            rows_of(connection, mapping, target, f"{texts}{RETAIL_ROWS})")
        ).fetchall()
        assert sorted(map(str, from_text)) == sorted(map(str, typed))


@pytest.mark.shared
def test_every_row_of_online_retail_is_accounted_for(
    connection: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "online_retail" / "online_retail.parquet"
    mapping = PRESETS["online_retail"].mappings["online_retail"]
    counts: Counter[Any] = Counter()
    total, keys = 0.0, 0
    for table, amount in (("order_lines", "line_amount"), ("refunds", "-amount")):
        target = target_of(mapping, table)
        select = rows_of(connection, mapping, target, f"read_parquet({literal(str(path))})")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE typed_rows AS {select}")
        for code, count, money in connection.execute(
            f"SELECT _error_code, count(*), sum(({amount})::DOUBLE) FROM typed_rows GROUP BY 1"
        ).fetchall():
            counts[code] += count
            total += money
        [(distinct,)] = connection.execute(
            f"SELECT count(DISTINCT {target.contract.key[0]}) FROM typed_rows WHERE _error_code IS NULL"
        ).fetchall()
        keys += distinct
    assert sum(counts.values()) == 541_909
    assert total == pytest.approx(9_747_747.93, abs=0.01)
    assert (counts["negative_quantity"], counts["negative_price"]) == (1336, 2)
    assert set(counts) == {None, "negative_quantity", "negative_price"}
    assert counts[None] - keys == 5268
