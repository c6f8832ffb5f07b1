"""Texts as Windows and Excel write them, imported without a word about how they are written."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

HEADER = "product_id,title,brand"
ROWS = [f"p{n},这个茶叶很好喝{n},顾客下次还会再来购买" for n in range(40)]
TEXT = "\n".join([HEADER, *ROWS]) + "\n"


def titles(done: object) -> list[str]:
    with done.shop.reading() as tables:  # type: ignore[attr-defined]
        rows = tables.current("products").to_polars().to_dicts()
    return [row["title"] for row in sorted(rows, key=lambda row: int(row["product_id"][1:]))]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030", "utf-8-sig"])
def test_an_encoding_is_found_out(imported: Callable, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "p.csv").write_bytes(TEXT.encode(encoding))
    assert titles(imported(tmp_path / "p.csv", "products")) == [row.split(",")[1] for row in ROWS]


def test_broken_bytes_cost_a_sign_and_no_row(imported: Callable, tmp_path: Path) -> None:
    data, chance = bytearray(TEXT.encode("gbk")), random.Random(5)
    for _ in range(3):
        place = data.index("购买".encode("gbk"), chance.randrange(200, len(data) - 200))
        data[place] = 0xFF
    (tmp_path / "p.csv").write_bytes(data)
    done = imported(tmp_path / "p.csv", "products")
    assert done.runs[0].counts.rows_accepted == 40
    assert titles(done) == [row.split(",")[1] for row in ROWS]
    assert any("places that are not gb18030" in note for note in done.notes)


def test_lines_of_two_encodings_are_each_read_in_their_own(imported: Callable, tmp_path: Path) -> None:
    lines = TEXT.splitlines(keepends=True)
    mixed = (line.encode("gbk" if n % 5 == 4 else "utf-8") for n, line in enumerate(lines))
    (tmp_path / "p.csv").write_bytes(b"".join(mixed))
    done = imported(tmp_path / "p.csv", "products")
    assert titles(done) == [row.split(",")[1] for row in ROWS]
    assert any("in GB18030 among those in UTF-8, read as such: 8" in note for note in done.notes)


@pytest.mark.parametrize("stated", ["sep=;\r\n", '"sep=;"\n', "SEP=;;;;\r\n"])
def test_the_line_that_excel_states_its_delimiter_in_is_no_header(
    imported: Callable, tmp_path: Path, stated: str
) -> None:
    lines = "order_line_id;order_id;product_id;quantity;line_amount\nl1;o1;p1;1;2\nTotal;;;;2\n"
    (tmp_path / "a.csv").write_bytes((stated + lines).encode())
    done = imported(tmp_path / "a.csv")
    assert [line["order_line_id"] for line in done.lines()] == ["l1"]
    assert done.quarantined() == [(2, "missing_required", "order_id")]


def test_decimal_commas_ask_for_the_mapping_to_say_so(imported: Callable, tmp_path: Path) -> None:
    text = "order_line_id;order_id;product_id;quantity;line_amount\nl1;o1;p1;1;1234,5\n"
    (tmp_path / "a.csv").write_text(text)
    assert imported(tmp_path / "a.csv").quarantined() == [(1, "invalid_number", "line_amount")]
