import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.sources.readers import ReadOptions, stage_file

Stage = Callable[..., Any]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_even_where_values_hold_another(stage: Stage, delimiter: str) -> None:
    lines = [
        delimiter.join(row) for row in (("id", "amount", "note"), ("1", "2.5", "a:b"), ("2", "3.5", "c:d"))
    ]
    staged = stage("\n".join(lines).encode())
    assert staged.file.columns == ("id", "amount", "note")
    assert staged.file.details["delimiter"] == delimiter
    assert staged.rows == [("1", "2.5", "a:b"), ("2", "3.5", "c:d")]


@pytest.mark.parametrize(("given_delimiter", "used"), [(",", ";"), (None, "^")])
def test_wrong_delimiter_names_the_one_that_fits(
    stage: Stage, given_delimiter: str | None, used: str
) -> None:
    data = f"a{used}b{used}c\n1{used}2{used}3\n".encode()
    with pytest.raises(InputError, match=rf"--delimiter '\{used}'"):
        stage(data, delimiter=given_delimiter)


def test_file_of_one_column_is_no_wrong_delimiter(stage: Stage) -> None:
    staged = stage(b"email\na@b.c\n\nd@e.f\n")
    assert staged.rows == [("a@b.c",), ("d@e.f",)]


def test_header_only_is_a_file_without_rows(stage: Stage) -> None:
    staged = stage(b"a,b\n")
    assert (staged.file.columns, staged.file.num_rows, staged.rows) == (("a", "b"), 0, [])
    assert "header" in staged.file.details["warning"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "no header"),
        (b"a,a\n1,2\n", "two columns named 'a'"),
        (b"a,A\n1,2\n", "two columns named 'A'"),
        (b"a, ,c\n1,2,3\n", "Column 2 .* has no name"),
    ],
)
def test_unusable_files_say_why(stage: Stage, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        stage(data)


def test_names_lose_byte_order_mark_and_white_space(stage: Stage) -> None:
    staged = stage("\ufeff id ,name \n1,x\n".encode())
    assert staged.file.columns == ("id", "name")


def test_values_stay_text_with_leading_zeros_emoji_and_inner_newlines(stage: Stage) -> None:
    staged = stage('id,note\r\n007,"a\r\nb"\r\n008,"say ""hi"" 😀 商品"\r\n'.encode())
    assert staged.rows == [("007", "a\r\nb"), ("008", 'say "hi" 😀 商品')]
    assert staged.file.num_rejected == 0


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_newline_is_understood(stage: Stage, newline: str) -> None:
    staged = stage(newline.join(["a,b", "1,2", "3,4"]).encode())
    assert staged.rows == [("1", "2"), ("3", "4")]


def test_mixed_newlines_and_bare_returns_lose_no_row(stage: Stage) -> None:
    staged = stage(b"a,b\r\n1,2\n3,x\ry\r\n5,6\n")
    assert staged.rows == [("1", "2"), ("3", "x\ry"), ("5", "6")]


def test_bad_rows_are_rejected_with_their_place_and_the_rest_is_read(stage: Stage) -> None:
    staged = stage(b'a,b,c\n1,2,3\n4,5\n\n6,7,8,9\n"x" y,2,3\n1,2,"x\n7,8,9\n1,2,3,\n')
    assert staged.rows == [("1", "2", "3"), ("7", "8", "9"), ("1", "2", "3")]
    assert [(r["row_number"], r["line_number"], r["raw"], r["error_code"]) for r in staged.rejects] == [
        (2, 3, "4,5", "too_few_columns"),
        (3, 5, "6,7,8,9", "too_many_columns"),
        (4, 6, '"x" y,2,3', "malformed_quote"),
        (5, 7, '1,2,"x', "unterminated_quote"),
    ]
    assert (staged.file.num_rows, staged.file.num_rejected) == (3, 4)


def test_one_open_quote_costs_one_line_of_a_long_file(stage: Stage) -> None:
    good = b"".join(b"%d,name %d\n" % (n, n) for n in range(20_000))
    staged = stage(b"id,name\n" + good + b'x,"open\n' + good)
    assert staged.file.num_rows == 40_000
    assert [reject["raw"] for reject in staged.rejects] == ['x,"open']


def test_overlong_line_is_rejected_not_fatal(stage: Stage) -> None:
    staged = stage(b"a,b\n1,2\n3," + b"x" * (5 << 20) + b"\n5,6\n")
    assert staged.rows == [("1", "2"), ("5", "6")]
    assert [reject["error_code"] for reject in staged.rejects] == ["line_too_long"]


def test_replaced_columns_are_replaced_and_raw_lines_withheld(stage: Stage) -> None:
    staged = stage(b"email,n\nA@B.C,1\nsecret@x.y\n", replaced={"email": 'md5("email")'})
    assert [row[1] for row in staged.rows] == ["1"]
    assert "@" not in str(staged.rows)
    assert [(r["raw"], r["error_code"]) for r in staged.rejects] == [(None, "too_few_columns")]


def test_gzip_is_read_and_a_cut_one_is_named_damaged(stage: Stage) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1000)
    assert stage(packed, "file.csv.gz").file.num_rows == 1000
    with pytest.raises(InputError, match="damaged"):
        stage(packed[:-9], "file.csv.gz")


def test_no_header_and_no_quoting(stage: Stage) -> None:
    staged = stage(b'5" pipe\t2\n"Best" shoes\t3\n', has_header=False, quote="")
    assert staged.file.columns == ("column_1", "column_2")
    assert staged.rows == [('5" pipe', "2"), ('"Best" shoes', "3")]


def test_order_is_kept_by_a_connection_that_does_not_keep_it(stage: Stage) -> None:
    rows = b"".join(b"%d,%s\n" % (n, b"x" * 40) for n in range(400_000))
    staged = stage(b"id,pad\n" + rows)
    assert [row[0] for row in staged.rows] == [str(n) for n in range(400_000)]


VALUES = st.text(alphabet='ab1 ,"\n\r;é', max_size=6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=8))
def test_what_a_csv_writer_writes_is_read_back(stage: Stage, rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("first", "second", "third"), *rows])
    staged = stage(text.getvalue().encode(), delimiter=",")
    assert staged.rejects == []
    assert staged.rows == [tuple(value or None for value in row) for row in rows]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text(alphabet="ab1,é ", min_size=1, max_size=10), min_size=1, max_size=10))
def test_every_line_is_read_or_rejected(stage: Stage, lines: list[str]) -> None:
    staged = stage(("x,y,z\n" + "\n".join(lines) + "\n").encode(), delimiter=",")
    written = [line for line in lines if line.strip()]
    assert staged.file.num_rows + staged.file.num_rejected == len(written)
    rejected = {reject["row_number"] for reject in staged.rejects}
    for number, line in enumerate(written, 1):
        fields = line.split(",")
        is_good = len(fields) >= 3 and not any(fields[3:])
        assert (number not in rejected) == is_good


def test_nothing_is_left_on_disk_beside_the_parts(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_bytes(b"a,b\n1,caf\xe9\n2\n")
    stage_file(
        connection, tmp_path / "in.csv", tmp_path / "out", options=ReadOptions(), projection=lambda _: {}
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "part-00000.parquet",
        "rejects.parquet",
    ]
    tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert not [name for (name,) in tables if "reject" in name]
