"""Tables of what shops' files hold at their worst, and each kind of file that may hold them."""

import csv
import gzip
import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import polars as pl
import xlsxwriter
import xlwt

OPEN_DOCUMENT = "urn:oasis:names:tc:opendocument:xmlns"
COLUMNS = ("product_id", "title", "brand", "price", "email")
WORDS = (
    *("", "a", " ", "tea", "0", "1.5", "-7", "1,234", "NULL", "#N/A", "2024-02-30", "é", "茶叶", "🍵", "n/a"),
    *(
        '"',
        "'",
        '""',
        'a"b',
        "a,b",
        "a;b",
        "a\tb",
        "a|b",
        "a\nb",
        "a\r\nb",
        "a\rb",
        "\\",
        "\\n",
        "=1+1",
        "{}",
    ),
    *("\ufeff", "\u200b", "\u2028", "\x0b", "\x1f", "\x7f", "x" * 3000, "[1,2]", '{"a":1}', "%s", "../x"),
)


@dataclass(frozen=True)
class Table:
    """Named columns and rows, whose first value is never empty."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]


def make_table(chance: random.Random) -> Table:
    # Without an identifier nothing is replaced, and readers take other roads.
    columns = COLUMNS if chance.random() < 0.5 else COLUMNS[:-1]
    num_rows = chance.choice([0, 1, 2, 10, 10, 300])
    rows = [[f"p{n}", *(chance.choice(WORDS) or None for _ in columns[1:])] for n in range(num_rows)]
    return Table(columns, rows)


def _write_csv(chance: random.Random, table: Table) -> bytes:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=chance.choice([",", ";", "\t", "|"]),
        quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        lineterminator=chance.choice(["\n", "\r\n"]),
    )
    writer.writerows([table.columns, *table.rows])
    return out.getvalue().encode(chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))


def _write_jsonl(chance: random.Random, table: Table) -> bytes:
    is_ascii = chance.random() < 0.5
    lines = [
        json.dumps(dict(zip(table.columns, row, strict=True)), ensure_ascii=is_ascii) for row in table.rows
    ]
    return "".join(line + "\n" for line in lines).encode()


def _write_json(chance: random.Random, table: Table) -> bytes:
    objects = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return json.dumps(objects, indent=chance.choice([None, 2]), ensure_ascii=chance.random() < 0.5).encode()


def _write_parquet(chance: random.Random, table: Table) -> bytes:
    frame = pl.DataFrame(table.rows, schema=dict.fromkeys(table.columns, pl.String), orient="row")
    if chance.random() < 0.5:
        frame = _typed(chance, frame)
    out = io.BytesIO()
    frame.write_parquet(out, compression=chance.choice(["zstd", "snappy", "uncompressed"]))
    return out.getvalue()


def _typed(chance: random.Random, frame: pl.DataFrame) -> pl.DataFrame:
    """Some columns with values that no text file has."""
    day = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    made: list[list[Any]] = [
        [1, None, -(2**63), 2**63 - 1],
        [1.5, float("nan"), float("inf"), None, -0.0],
        [True, None, False],
        [b"\xff\0", None, b""],
        [[1, 2], [], None],
        [{"a": 1, "b": None}, None],
        [day.date(), None, date(1, 1, 1), date(9999, 12, 31)],
        [day, None, datetime(1, 1, 1, tzinfo=UTC)],
        [day.time(), None],
        [timedelta(days=-3), None],
        [Decimal("1.23"), None, Decimal("-99999999999999999999.99")],
        [None],
    ]
    for name in frame.columns[1:]:
        if chance.random() < 0.6:
            values = chance.choice(made)
            typed = [chance.choice(values) for _ in range(frame.height)]
            frame = frame.with_columns(pl.Series(name, typed, strict=False))
    if chance.random() < 0.3:
        frame = frame.with_columns(pl.int_range(pl.len()).alias("product_id"))
    return frame


def _write_xlsx(chance: random.Random, table: Table) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("S")
    for number, row in enumerate([table.columns, *table.rows]):
        for place, value in enumerate(row):
            if value is not None:
                sheet.write_string(number, place, value[:3000])
    if chance.random() < 0.2:
        book.add_worksheet("T").write(3, 3, "x")
    book.close()
    return out.getvalue()


def _write_xls(_chance: random.Random, table: Table) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("S")
    for number, row in enumerate([table.columns, *table.rows]):
        for place, value in enumerate(row):
            if value is not None:
                sheet.write(number, place, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_ods(_chance: random.Random, table: Table) -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    empty = "<table:table-cell/>"
    rows = "".join(
        f"<table:table-row>{''.join(cell.format(_in_xml(v)) if v else empty for v in row)}</table:table-row>"
        for row in [table.columns, *table.rows]
    )
    names = "".join(f' xmlns:{n}="{OPEN_DOCUMENT}:{n}:1.0"' for n in ("office", "table", "text"))
    content = (
        f"<office:document-content{names}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content.encode())
    return out.getvalue()


def _in_xml(text: str) -> str:
    return escape("".join(sign for sign in text if sign >= " " or sign in "\t\n"))


def _write_zip(chance: random.Random, table: Table) -> bytes:
    out = io.BytesIO()
    kind = chance.choice(["csv", "jsonl", "parquet", "xlsx", "xls"])
    if kind == "jsonl" and not table.rows:
        kind = "csv"
    with zipfile.ZipFile(out, "w", chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as archive:
        archive.writestr(f"f.{kind}", WRITERS[kind](chance, table))
        archive.writestr("__MACOSX/._f", b"\0")
    return out.getvalue()


def _write_gz(chance: random.Random, table: Table) -> bytes:
    return gzip.compress(_write_csv(chance, table), mtime=0)


def _write_sqlite(chance: random.Random, table: Table) -> bytes:
    odd: list[Any] = [None, 1, 2**63 - 1, 1.5, float("inf"), b"\xff\0", b"", "a\0b"]
    rows = [
        [row[0], *(chance.choice(odd) if chance.random() < 0.3 else value for value in row[1:])]
        for row in table.rows
    ]
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE products ({', '.join(table.columns)})")
    connection.executemany(f"INSERT INTO products VALUES ({', '.join('?' for _ in table.columns)})", rows)
    # Text that is no UTF-8, as programs of other times have left it.
    if table.rows and chance.random() < 0.3:
        connection.execute("UPDATE products SET title = CAST(x'b2e8ff' AS TEXT) WHERE product_id = 'p0'")
    connection.commit()
    content = connection.serialize()
    connection.close()
    return content


def _write_sequences(_chance: random.Random, table: Table) -> bytes:
    return "".join(f"{row[0]} i1 i2\n" for row in table.rows).encode()


def _write_attributes(_chance: random.Random, table: Table) -> bytes:
    return json.dumps({row[0]: [1, "2"] for row in table.rows}).encode()


WRITERS: dict[str, Callable[[random.Random, Table], bytes]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "json": _write_json,
    "parquet": _write_parquet,
    "xlsx": _write_xlsx,
    "xls": _write_xls,
    "ods": _write_ods,
    "zip": _write_zip,
    "sqlite": _write_sqlite,
    "gz": _write_gz,
    "s3rec_sequences": _write_sequences,
    "s3rec_attributes": _write_attributes,
}
