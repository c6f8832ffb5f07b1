"""Files of a shop in every wrapping, and importing them into a store of the test's own."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from foresell.contracts.records import IngestRun
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Shop, create_shop
from foresell.services.sql_inputs import DatabaseRequest
from foresell.sources.readers import ReadOptions

HEADER = "order_line_id,order_id,product_id,quantity,line_amount"


@dataclass
class Imported:
    """What an import came to: its runs, what the user was told, and what became of the rows."""

    shop: Shop
    runs: list[IngestRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [run.source_file for run in self.runs]

    def lines(self) -> list[dict[str, Any]]:
        with self.shop.reading() as tables:
            rows = tables.current("order_lines").order_by("order_line_id").to_polars()
        return rows.to_dicts()

    def quarantined(self) -> list[tuple[int, str, str]]:
        with self.shop.reading() as tables:
            rows = tables.current("quarantine").order_by("row_number").to_polars()
        return [(row["row_number"], row["error_code"], row["column"]) for row in rows.to_dicts()]


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Imported]:
    """`imported(path, preset=…, mapping=…, database=…, **options)`, all into one store."""
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "store")

    def run(
        path: Path | None,
        preset: str | None = "order_lines",
        mapping: Path | None = None,
        database: DatabaseRequest | None = None,
        **options: Any,
    ) -> Imported:
        done = Imported(shop)
        request = ImportRequest(path, preset, mapping, ReadOptions(**options), database=database)
        done.runs = import_files(shop, request, note=done.notes.append)
        return done

    return run


@pytest.fixture
def csv_lines() -> Callable[..., bytes]:
    """`csv_lines(first, last, header=True)`: order lines as CSV."""

    def make(first: int, last: int, *, header: bool = True) -> bytes:
        rows = [f"l{n},o{n // 2},p{n % 5},{n % 3 + 1},{n % 90}.50" for n in range(first, last)]
        return ("\n".join([HEADER, *rows] if header else rows) + "\n").encode()

    return make


@pytest.fixture
def make_workbook() -> Callable[..., bytes]:
    return workbook


def workbook(
    sheets: Mapping[str, Sequence[Sequence[object]]],
    *,
    hidden: Sequence[str] = (),
    merged: Mapping[str, str] | None = None,
) -> bytes:
    """An .xlsx. None leaves a cell empty; `=formula→value` is a formula as saved with its value.

    `merged`: ranges of the first sheet such as "A2:A4" → value.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        if name in hidden:
            sheet.hide()
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                _write(sheet, day, number, place, value)
        if merged and name == next(iter(sheets)):
            for cells, value in merged.items():
                sheet.merge_range(cells, value)
    book.close()
    return buffer.getvalue()


def _write(sheet: Any, day: Any, number: int, place: int, value: object) -> None:
    if isinstance(value, date):
        sheet.write_datetime(number, place, value, day)
    elif isinstance(value, str) and value.startswith("="):
        formula, _, cached = value.partition("→")
        sheet.write_formula(number, place, formula, None, cached)
    elif isinstance(value, str):
        sheet.write_string(number, place, value)
    elif value is not None:
        sheet.write(number, place, value)
