"""What the fuzzing campaign has found, each as the smallest file that did it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foresell.contracts.errors import InputError
from foresell.services.sql_inputs import DatabaseRequest

HEADER = "order_line_id,order_id,product_id,quantity,line_amount\n"
LINE = HEADER + "l1,o1,p1,1,5\n"


@pytest.mark.parametrize("name", ["rot13", "idna", "punycode", "base64", "nonsense"])
def test_what_only_python_calls_an_encoding(imported: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_text(LINE)
    with pytest.raises(InputError, match="no encoding"):
        imported(tmp_path / "a.csv", encoding=name)


@pytest.mark.parametrize(
    ("named", "written"), [("utf-16", "utf-16-le"), ("utf-16", "utf-16-be"), ("utf-32", "utf-32-le")]
)
def test_an_encoding_is_named_without_its_order_and_the_file_has_no_mark(
    imported: Callable, tmp_path: Path, named: str, written: str
) -> None:
    (tmp_path / "a.csv").write_bytes(LINE.encode(written))
    assert imported(tmp_path / "a.csv", encoding=named).runs[0].counts.rows_accepted == 1


def test_a_bare_return_in_a_line_of_a_file_without_quotes(imported: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(LINE.encode() + b"l2,o\r1,p1,1,5,x,y\n")
    done = imported(tmp_path / "a.csv", quote="")
    assert [code for _, code, _ in done.quarantined()] == ["too_many_columns"]


def test_a_delimiter_that_excel_cannot_mean_is_not_believed(imported: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("sep=é\n".encode() + LINE.encode())
    with pytest.raises(InputError):
        imported(tmp_path / "a.csv")


def products(folder: Path, compression: str = "none") -> Path:
    rows = pa.table({"product_id": ["p1", "p2"] * 50, "title": ["tea", "coffee"] * 50})
    pq.write_table(rows, folder / "products.parquet", compression=compression, use_dictionary=False)
    return folder / "products.parquet"


def test_damaged_pages_are_refused_before_the_run_is_published(imported: Callable, tmp_path: Path) -> None:
    """A published run is applied by every later import until it succeeds: this one never would."""
    path = products(tmp_path)
    data = bytearray(path.read_bytes())
    data[4:12] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a whole Parquet file"):
        imported(path, "products")
    (tmp_path / "next.csv").write_text("product_id,title\np3,tea\n")
    assert imported(tmp_path / "next.csv", "products").runs[0].counts.rows_accepted == 1


def test_a_schema_that_one_library_reads_and_the_other_does_not(imported: Callable, tmp_path: Path) -> None:
    """The next import looks at the columns of this one."""
    path = products(tmp_path)
    data = path.read_bytes()
    place = data.index(b"ARROW:schema") + 20
    path.write_bytes(data[:place] + b"!!!!" + data[place + 4 :])
    with pytest.raises(pa.ArrowException):
        pq.read_schema(path)
    assert imported(path, "products").runs[0].counts.rows_accepted == 2
    (tmp_path / "next.csv").write_text("product_id,title\np3,tea\n")
    assert imported(tmp_path / "next.csv", "products").runs[0].counts.rows_accepted == 1


def test_text_of_sqlite_that_is_no_utf8_is_read(imported: Callable, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as made:
        made.execute("CREATE TABLE products (product_id, title)")
        made.execute(
            "INSERT INTO products VALUES ('p1', CAST(x'b2e8d2b6' AS TEXT)), ('p2', CAST(x'61ff' AS TEXT))"
        )
        made.commit()
    database = DatabaseRequest(f"sqlite:///{tmp_path / 'shop.db'}", "products")
    done = imported(None, "products", database=database)
    with done.shop.reading() as tables:
        rows = tables.current("products").order_by("product_id").to_polars()
    assert rows["title"].to_list() == ["茶叶", "a\ufffd"]
