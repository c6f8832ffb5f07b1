"""Quarantine: every row that could not be used is kept with its reason, and can come back."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.privacy.tokens import token
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.quarantine import (
    count_quarantine,
    discard_quarantine,
    fix_quarantine,
    list_quarantine,
    replay_quarantine,
    show_quarantine,
)
from foresell.services.shop import Shop

Lines = Callable[[], Any]
CUSTOMERS = "customer_id,birth_year,email"


def only(shop: Shop, **named: Any) -> Any:
    [row] = list_quarantine(shop, **named)
    return row


def test_a_row_says_what_is_wrong_and_keeps_its_values(shop: Shop, import_rows: Any) -> None:
    run = import_rows("l1,o1,p1,1,5", "l2,o1,p1,1,oops")
    row = only(shop)
    assert (row.run_id, row.row_number, row.target_table) == (run.run_id, 2, "order_lines")
    assert row.column == "line_amount"
    assert row.raw["order_line_id"] == "l2"
    assert row.raw["line_amount"] == "oops"
    assert row.status == "open"
    assert row.message


def test_a_fixed_row_comes_in_and_everything_is_still_counted(
    shop: Shop, import_rows: Any, lines: Lines
) -> None:
    import_rows("l1,o1,p1,1,5", "l2,o1,p1,1,oops")
    row = only(shop)
    assert fix_quarantine(shop, row.quarantine_id, {"line_amount": "7.5"}).status == "fixed"
    assert list_quarantine(shop) == []
    [replay] = replay_quarantine(shop)
    assert (replay.counts.rows_read, replay.counts.rows_accepted) == (1, 1)
    assert lines() == [("l1", 5.0), ("l2", 7.5)]
    assert show_quarantine(shop, row.quarantine_id).status == "replayed"
    assert replay_quarantine(shop) == []


def test_a_replay_that_still_fails_is_quarantined_anew(shop: Shop, import_rows: Any, lines: Lines) -> None:
    import_rows("l1,o1,p1,1,oops")
    first = only(shop)
    fix_quarantine(shop, first.quarantine_id, {"line_amount": "still not"})
    [replay] = replay_quarantine(shop)
    assert replay.counts.rows_quarantined == 1
    again = only(shop)
    assert again.run_id == replay.run_id
    assert again.raw["line_amount"] == "still not"
    fix_quarantine(shop, again.quarantine_id, {"line_amount": "3"})
    replay_quarantine(shop)
    assert lines() == [("l1", 3.0)]
    assert list_quarantine(shop) == []


def test_an_open_row_can_be_replayed_by_name(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,oops")
    [replay] = replay_quarantine(shop, [only(shop).quarantine_id])
    assert replay.counts.rows_quarantined == 1


def test_fixes_add_up_and_the_last_one_of_a_column_counts(shop: Shop, import_rows: Any, lines: Lines) -> None:
    import_rows("l1,o1,p1,many,oops")
    quarantine_id = only(shop).quarantine_id
    fix_quarantine(shop, quarantine_id, {"line_amount": "1"})
    fix_quarantine(shop, quarantine_id, {"quantity": "2"})
    row = fix_quarantine(shop, quarantine_id, {"line_amount": "9"})
    assert row.fixes == {"line_amount": "9", "quantity": "2"}
    replay_quarantine(shop)
    assert lines() == [("l1", 9.0)]


def test_a_discarded_row_stays_in_the_counts_and_out_of_the_way(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,oops", "l2,o1,p1,1,oops")
    first, second = list_quarantine(shop)
    assert discard_quarantine(shop, [first.quarantine_id]) == 1
    assert list_quarantine(shop) == [second]
    assert {count.status: count.num_rows for count in count_quarantine(shop)} == {"discarded": 1, "open": 1}
    with pytest.raises(ConflictError, match="discarded"):
        fix_quarantine(shop, first.quarantine_id, {"line_amount": "1"})
    with pytest.raises(ConflictError, match="discarded"):
        replay_quarantine(shop, [first.quarantine_id])


def test_wrong_requests_say_what_would_be_right(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,oops")
    quarantine_id = only(shop).quarantine_id
    with pytest.raises(InputError, match="Did you mean 'line_amount'"):
        fix_quarantine(shop, quarantine_id, {"lineamount": "1"})
    with pytest.raises(InputError, match="Nothing to fix"):
        fix_quarantine(shop, quarantine_id, {})
    with pytest.raises(NotFoundError, match="no quarantined row 'nothing'"):
        show_quarantine(shop, "nothing")


def test_a_line_that_could_not_be_split_comes_in_with_its_values_given(
    shop: Shop, import_rows: Any, lines: Lines
) -> None:
    import_rows("l1,o1,p1,1,5", "l2;o1;p1")
    row = only(shop)
    assert row.raw == {"line": "l2;o1;p1"}
    with pytest.raises(InputError, match="could not be split"):
        replay_quarantine(shop, [row.quarantine_id])
    values = {
        "order_line_id": "l2",
        "order_id": "o1",
        "product_id": "p1",
        "quantity": "1",
        "line_amount": "2",
    }
    fix_quarantine(shop, row.quarantine_id, values)
    replay_quarantine(shop)
    assert lines() == [("l1", 5.0), ("l2", 2.0)]


def test_a_line_that_could_not_be_split_is_given_columns_that_are_read(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5", "l2,o1")
    with pytest.raises(InputError, match="no column 'line_amonut'") as refused:
        fix_quarantine(shop, only(shop).quarantine_id, {"line_amonut": "7.5"})
    assert "line_amount" in str(refused.value.do)


def test_a_replayed_row_of_a_typed_file_reads_as_it_would_have_been(shop: Shop, tmp_path: Path) -> None:
    """Numbers that are no text know no decimal comma, and a whole one names the same customer."""
    path, mapping = tmp_path / "orders.parquet", tmp_path / "orders.toml"
    pl.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "created_at": ["2024-01-05", "2024-13-45", "2024-13-45"],
            "customer_id": [123.0, 123.0, float("nan")],
            "total_amount": [1.125, 1.125, 1e-3],
        }
    ).write_parquet(path)
    columns = "".join(f'{name} = "{name}"\n' for name in pl.read_parquet_schema(path))
    mapping.write_text(f'decimal = ","\n[tables.orders.columns]\n{columns}')
    import_files(shop, ImportRequest(path, mapping=mapping))
    for row in list_quarantine(shop):
        fix_quarantine(shop, row.quarantine_id, {"created_at": "2024-01-05"})
    replay_quarantine(shop)
    with shop.reading() as tables:
        orders = tables.current("orders").order_by("order_id").to_pyarrow().to_pylist()
    assert [order["customer_id"] for order in orders] == ["123", "123", None]
    assert [float(order["total_amount"]) for order in orders] == [1.125, 1.125, 0.001]


def test_a_fix_never_stores_a_direct_identifier(shop: Shop, import_rows: Any) -> None:
    """What is typed in becomes the token that the same text in a file becomes."""
    import_rows("c1,old,ann@example.org", header=CUSTOMERS, preset="customers")
    row = only(shop)
    mark = token(shop.key, "email", "bea@example.org")
    fixed = fix_quarantine(shop, row.quarantine_id, {"birth_year": "1990", "email": " Bea@Example.org"})
    assert fixed.fixes["email"] == mark
    replay_quarantine(shop)
    with shop.reading() as tables:
        assert tables.current("identities").id_token.to_polars().to_list() == [mark]
    held = b"".join(path.read_bytes() for path in shop.folder.root.rglob("*") if path.is_file())
    assert b"bea@example" not in held.lower()


def test_a_replayed_line_of_online_retail_keeps_its_occurrence(shop: Shop, tmp_path: Path) -> None:
    """Alone in its replay, the second of two lines of one product must not become the first."""
    path = tmp_path / "retail.csv"
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    rest = "12/1/2010 8:26"
    sold = [
        f"536365,85123A,Heart,{quantity},{rest},{price},17850,UK"
        for quantity, price in ((6, "2.5"), (4, "?"))
    ]
    path.write_text("\n".join([header, *sold]) + "\n")
    import_files(shop, ImportRequest(path, "online_retail"))
    row = only(shop)
    assert row.raw["_occurrence"] == "2"
    fix_quarantine(shop, row.quarantine_id, {"UnitPrice": "2"})
    [replay] = replay_quarantine(shop)
    assert replay.counts.rows_accepted == 1
    with shop.reading() as tables:
        found = tables.current("order_lines").to_polars().sort("order_line_id")
    assert found["order_line_id"].to_list() == ["536365-85123A-1", "536365-85123A-2"]
    assert [float(amount) for amount in found["line_amount"]] == [15.0, 8.0]


def test_a_replay_that_was_killed_when_its_rows_were_in_is_not_repeated(
    shop: Shop, import_rows: Any, lines: Lines
) -> None:
    import_rows("l1,o1,p1,1,oops")
    fix_quarantine(shop, only(shop).quarantine_id, {"line_amount": "1"})
    killed = subprocess.run(
        [sys.executable, "-m", "foresell", "quarantine", "replay", "--store", str(shop.folder.root)],
        env={**os.environ, "FORESELL_KILL_AT": "import.finished"},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert replay_quarantine(shop) == []
    assert lines() == [("l1", 1.0)]
    assert only(shop, status="replayed").fixes == {}


def test_lists_can_be_narrowed_and_cut(shop: Shop, import_rows: Any) -> None:
    first = import_rows("l1,o1,p1,1,oops", "l2,o1,p1,many,1")
    second = import_rows("l3,o1,p1,1,oops")
    assert [row.row_number for row in list_quarantine(shop, run_id=first.run_id)] == [1, 2]
    codes = {row.error_code for row in list_quarantine(shop, run_id=second.run_id)}
    assert {row.raw["order_line_id"] for row in list_quarantine(shop, error_code=codes.pop())} >= {"l1", "l3"}
    assert len(list_quarantine(shop, limit=2)) == 2
    fix_quarantine(shop, list_quarantine(shop)[0].quarantine_id, {"line_amount": "1"})
    assert len(list_quarantine(shop, status="fixed")) == 1
    assert len(list_quarantine(shop, status=None)) == 3
