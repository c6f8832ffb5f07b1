"""Sheets of workbooks as a shop's people make them."""

import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from foresell.contracts.errors import ForesellError, InputError

HEADER = ["order_line_id", "order_id", "product_id", "quantity", "line_amount"]
Make = Callable[..., bytes]


@pytest.fixture
def book(tmp_path: Path, make_workbook: Make) -> Callable[..., Path]:
    def write(sheets: dict[str, list[list[object]]], name: str = "book.xlsx", **options: object) -> Path:
        (tmp_path / name).write_bytes(make_workbook(sheets, **options))
        return tmp_path / name

    return write


def test_every_sheet_that_fits_is_a_run_and_the_others_are_named(
    imported: Callable, book: Callable[..., Path]
) -> None:
    path = book(
        {
            "May": [["My shop"], [], HEADER, ["l1", "o1", "p1", 1, 2.5]],
            "June": [HEADER, ["l2", "o2", "p1", 1, 2.5], ["l3", "o2", "p2", 1, 2.5]],
            "Remarks": [["bring milk"]],
            "Empty": [],
            "Old": [HEADER, ["l9", "o9", "p1", 1, 1]],
        },
        hidden=["Old"],
    )
    done = imported(path)
    assert done.names == ["book.xlsx/May", "book.xlsx/June"]
    assert [line["order_line_id"] for line in done.lines()] == ["l1", "l2", "l3"]
    [note] = done.notes
    assert "Empty (empty)" in note
    assert "Old (hidden)" in note
    assert "Remarks (it has no column 'order_line_id'" in note
    assert imported(path, sheet="old").names == ["book.xlsx/Old"]
    with pytest.raises(InputError, match=r"no sheet 'Jun'.*Did you mean 'June'"):
        imported(path, sheet="Jun")


def test_cells_are_read_as_a_person_sees_them(imported: Callable, book: Callable[..., Path]) -> None:
    header = [*HEADER, "discount_amount"]
    path = book(
        {
            "Lines": [
                header,
                ["007", 12345, "p1", 2, 0.1 + 0.2, "1.5"],
                ["=A2→l2", "o1", "p1", "3", "=1+1→2", None],
                ["l3", "o1", "p1", 1, "=1/0→#DIV/0!", None],
                ["=NA()→#N/A", "o1", "p1", 1, 2, None],
                ["l5", "o1", "=NA()→#N/A", 1, 5, "=NA()→#N/A"],
                [" ", "", None, None, None, None],
                ["Total", None, None, None, 1234, None],
            ]
        }
    )
    done = imported(path)
    lines = {line["order_line_id"]: line for line in done.lines()}
    assert set(lines) == {"007", "l2"}
    assert lines["007"]["order_id"] == "12345"
    assert lines["007"]["line_amount"] == Decimal("0.3")
    assert lines["l2"]["quantity"] == 3
    assert done.quarantined() == [
        (3, "invalid_number", "line_amount"),
        (4, "missing_required", "order_line_id"),
        (5, "missing_required", "product_id"),
        (6, "missing_required", "order_id"),
    ]
    assert done.runs[0].counts.rows_read == 6
    assert any("error such as #N/A: 4" in note for note in done.notes)


@pytest.mark.parametrize(("form", "text"), [("%d.%m.%Y", "04.05.2024"), ("%Y-%d-%m", "2024-04-05")])
def test_dates_and_decimal_commas_suit_the_mapping_that_texts_need(
    imported: Callable, book: Callable[..., Path], tmp_path: Path, form: str, text: str
) -> None:
    mapping = tmp_path / "mine.toml"
    mapping.write_text(
        'name = "mine"\ndecimal = ","\n[tables.orders.columns]\norder_id = "Nr"\n'
        'created_at = {from = "Datum", formats = ["' + form + '"]}\ntotal_amount = "Summe"\n'
    )
    path = book(
        {
            "Tabelle1": [
                ["Nr", "Datum", "Summe"],
                ["a", date(2024, 5, 3), 1234.567],
                ["b", text, "7,25"],
            ]
        }
    )
    done = imported(path, None, mapping)
    with done.shop.reading() as tables:
        rows = tables.current("orders").order_by("order_id").to_polars().to_dicts()
    assert [(row["order_id"], row["local_date"], float(row["total_amount"])) for row in rows] == [
        ("a", date(2024, 5, 3), 1234.567),
        ("b", date(2024, 5, 4), 7.25),
    ]
    assert done.quarantined() == []


def test_a_merged_cell_holds_for_each_of_its_rows(imported: Callable, book: Callable[..., Path]) -> None:
    rows: list[list[object]] = [[f"l{n}", None, "p1", 1, n] for n in range(1, 5)]
    path = book({"L": [HEADER, *rows]}, merged={"B2:B3": "o1", "B4:B9": "o2"})
    done = imported(path)
    assert [(line["order_line_id"], line["order_id"]) for line in done.lines()] == [
        ("l1", "o1"),
        ("l2", "o1"),
        ("l3", "o2"),
        ("l4", "o2"),
    ]
    assert any("merged cell above that were given its value: 2" in note for note in done.notes)


def test_what_has_no_name_beside_the_table_keeps_its_letters(
    imported: Callable, book: Callable[..., Path]
) -> None:
    path = book({"L": [[None, *HEADER], [], [None, "l1", "o1", "p1", 1, 2, None, "checked by Ann"]]})
    done = imported(path)
    assert len(done.lines()) == 1
    assert any('not used: "column_H"' in note for note in done.notes)


def test_long_numbers_are_told_to_be_rounded(imported: Callable, book: Callable[..., Path]) -> None:
    done = imported(book({"L": [HEADER, ["l1", 1234567890123456789, "p1", 1, 2]]}))
    assert any("16 digits or more: 1" in note for note in done.notes)


def test_a_header_row_can_be_named(imported: Callable, book: Callable[..., Path], tmp_path: Path) -> None:
    path = book({"L": [HEADER, ["of May", None, None, None, None], HEADER, ["l1", "o1", "p1", 1, 2]]})
    assert imported(path, header_row=3).runs[0].counts.rows_read == 1
    with pytest.raises(InputError, match="header-row"):
        imported(path, header_row=2)
    (tmp_path / "a.csv").write_text("My export\nof May\n" + ",".join(HEADER) + "\nl2,o1,p1,1,2\n")
    assert imported(tmp_path / "a.csv", header_row=3).runs[0].counts.rows_accepted == 1


def test_sheets_match_the_files_of_a_preset(imported: Callable, book: Callable[..., Path]) -> None:
    people = ["household_id", "age", "income", "home_ownership", "marital_status", "household_size"]
    goods = ["product_id", "manufacturer_id", "department", "brand", "product_category", "product_type"]
    path = book(
        {
            "Demographics": [[*people, "household_comp", "kids_count"], list(range(8))],
            "Products": [[*goods, "package_size"], list(range(7))],
        }
    )
    assert imported(path, "completejourney").names == ["book.xlsx/Products", "book.xlsx/Demographics"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "web page"),
        ("a.xls", b"\xff\xfe" + "<!DOCTYPE html>".encode("utf-16-le"), "web page"),
        ("a.xls", b'<?xml version="1.0"?><Workbook/>', "XML"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4000, "damaged"),
        ("a.csv", b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_no_workbook_says_what_it_is(
    imported: Callable, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        imported(tmp_path / name)


def test_a_sheet_that_would_fill_all_memory_is_refused(
    imported: Callable, book: Callable[..., Path], tmp_path: Path
) -> None:
    """One cell in the last corner of the sheet: as a grid it would take half a terabyte."""
    path = book({"L": [HEADER, ["l1", "o1", "p1", 1, 2], ["corner"]]})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "wide.xlsx", "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "xl/worksheets/sheet1.xml":
                assert b'r="A3"' in data
                data = data.replace(b'r="A3"', b'r="XFD1048576"').replace(b'<row r="3"', b'<row r="1048576"')
            new.writestr(info, data)
    with pytest.raises(ForesellError, match="memory"):
        imported(tmp_path / "wide.xlsx")
