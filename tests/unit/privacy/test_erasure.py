"""Blanking raw rows: the erased go, everything else keeps its place and its words."""

from pathlib import Path

import polars as pl
import pytest

from foresell.contracts.settings import EngineSettings
from foresell.privacy.erasure import Tombstone, blank_erased_rows, tombstone
from foresell.privacy.tokens import prepare_tokens
from foresell.store.engine import connect

KEY = bytes(range(32))
MARKS = [tombstone(KEY, "customer_id", "c-2"), tombstone(KEY, "order_id", "A-7")]
IDENTIFIERS = {"customer_id": ('"customer"',), "order_id": ("concat_ws('-', shop, number)",)}


def blank(folder: Path, marks: list[Tombstone] = MARKS) -> int:
    with connect(EngineSettings()) as connection:
        prepare_tokens(connection, KEY)
        return blank_erased_rows(connection, folder, IDENTIFIERS, marks)


def write_part(folder: Path) -> None:
    rows = {
        "customer": ["c-1", "c-2", None, "c-22", "c-2"],
        "shop": ["A", "A", "A", "A", None],
        "number": [1, 2, 7, 77, None],
    }
    pl.DataFrame(rows).write_parquet(folder / "part-00000.parquet")


def test_rows_of_the_erased_are_blank_and_the_others_as_they_were(tmp_path: Path) -> None:
    write_part(tmp_path)
    assert blank(tmp_path) == 3
    rows = pl.read_parquet(tmp_path / "part-00000.parquet").rows()
    nothing = (None, None, None, True)
    assert rows == [("c-1", "A", 1, False), nothing, nothing, ("c-22", "A", 77, False), nothing]


def test_blanking_twice_is_blanking_once(tmp_path: Path) -> None:
    write_part(tmp_path)
    blank(tmp_path)
    once = pl.read_parquet(tmp_path / "part-00000.parquet")
    assert blank(tmp_path) == 0
    assert pl.read_parquet(tmp_path / "part-00000.parquet").equals(once)
    assert blank(tmp_path, [*MARKS, tombstone(KEY, "customer_id", "c-1")]) == 1
    marked = pl.read_parquet(tmp_path / "part-00000.parquet")["_erased"]
    assert marked.to_list() == [True, True, True, False, True]


def test_a_file_without_them_is_not_written_again(tmp_path: Path) -> None:
    write_part(tmp_path)
    before = (tmp_path / "part-00000.parquet").stat().st_ino
    assert blank(tmp_path, [tombstone(KEY, "order_id", "c-2")]) == 0
    assert (tmp_path / "part-00000.parquet").stat().st_ino == before


@pytest.mark.parametrize(
    "line",
    [
        "c-2,1,2",
        "x;c-2",
        "x|'c-2'|y",
        '"c-2 ","torn\nover,lines"',
        '{"customer":"c-2","order":7',
        "{order:A-7}",
        "c-2",
        "a\tc-2\tb",
    ],
)
def test_a_line_that_could_not_be_split_goes_if_it_names_them(tmp_path: Path, line: str) -> None:
    lines = [line, "c-22,A-77", None]
    pl.DataFrame({"line_number": [2, 3, 4], "raw": lines}).write_parquet(tmp_path / "rejects.parquet")
    assert blank(tmp_path) == 1
    assert pl.read_parquet(tmp_path / "rejects.parquet")["raw"].to_list() == [None, "c-22,A-77", None]
