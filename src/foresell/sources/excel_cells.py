"""The cells of a workbook as text, read in a process of its own.

Run as a program: a broken or hostile workbook can make the library below take all memory or end the process,
and then this one ends and not the import; what it held is given back when it ends. Nothing is imported from
Foresell, so that it starts at once.

    python excel_cells.py '{"path": …, "task": "survey"}'               → JSON, a list of sheets
    python excel_cells.py '{"path": …, "task": "rows", "sheet": …, …}'  → a line of JSON, then CSV

An error goes to standard error as a line of JSON, {"error": kind, "reason": text}, with exit code 3.
"""

import datetime
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

MOST_MEMORY = 4 << 30
MOST_SECONDS = 3600
SURVEYED_ROWS = 100
BLOCK = 1 << 20
EXIT_REFUSED = 3
# Excel keeps 15 digits of a number; what has more was rounded before it was saved.
MOST_DIGITS = 10**15
MIDNIGHT = datetime.time()

Row = list[Any]
Style = dict[str, Any]
ERROR_CELL = re.compile(rb'<c\b(?=[^>]*?\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>(.*?)</c>', re.S)
ERROR_VALUE = re.compile(rb"<v>([^<]*)</v>")


def main(request: dict[str, Any]) -> None:
    """Answer one request on standard output."""
    for limit, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_SECONDS)):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most if hard < 0 else min(most, hard), hard))
    # Imported here, where the limits hold already.
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(request["path"]) as book:
        if request["task"] == "survey":
            sys.stdout.write(json.dumps([survey(book, sheet) for sheet in book.sheets_metadata]))
        else:
            write_rows(book, request)


def survey(book: Any, sheet: Any) -> dict[str, Any]:
    """A sheet's name, whether it is hidden, and its first rows; `first_row`: the number of the first."""
    answer: dict[str, Any] = {"name": sheet.name, "is_hidden": not str(sheet.visible).endswith(".Visible")}
    if not str(sheet.typ).endswith(".WorkSheet"):
        return {**answer, "rows": []}
    rows = []
    for row in book.get_sheet_by_name(sheet.name).iter_rows():
        rows.append([text_of(cell, {}) for cell in row])
        if len(rows) == SURVEYED_ROWS:
            break
    return {**answer, "rows": rows}


def write_rows(book: Any, request: dict[str, Any]) -> None:
    """Write {"columns": […]}, then a line of CSV for each row below the header that is not empty, then on
    standard error {"num_rows": …, "num_filled": …, "num_errors": …, "num_rounded": …}.

    A column without a name is called `column_` and its letters; without a name and values it is left out.
    """
    sheet = Sheet(book, request)
    columns = sheet.columns()
    out = sys.stdout.buffer
    names = [name for _, name in columns]
    out.write(json.dumps({"columns": names}).encode() + b"\n")
    styles = request["styles"]
    waiting: list[str] = []
    for row in sheet.rows():
        texts = [text_of(row[place], styles.get(name.strip(), {})) for place, name in columns]
        if all(text is None for text in texts):
            continue
        waiting.append(",".join(map(_quoted, texts)))
        sheet.num_rows += 1
        if len(waiting) == 1000:
            out.write(("\n".join(waiting) + "\n").encode())
            waiting.clear()
    if waiting:
        out.write(("\n".join(waiting) + "\n").encode())
    out.flush()
    counts = {name: getattr(sheet, name) for name in ("num_rows", "num_filled", "num_errors")}
    sys.stderr.write(json.dumps({**counts, "num_rounded": sheet.num_rounded}) + "\n")


class Sheet:
    """A sheet whose header is in row `header_row`, counted from 1."""

    def __init__(self, book: Any, request: dict[str, Any]) -> None:
        self._cells = book.get_sheet_by_name(request["sheet"])
        self._header_row: int = request["header_row"]
        self._first_column = (self._cells.start or (0, 0))[1]
        self._errors = dict(error_cells(request["path"], request["sheet"]))
        self._texts = self._text_columns(request["styles"])
        self._merged = self._merged_below_header()
        self.num_rows = self.num_filled = self.num_errors = self.num_rounded = 0

    def columns(self) -> list[tuple[int, str]]:
        """The place in a row, and the name, of every column that has a name or a value."""
        header: Row = []
        filled: set[int] = set()
        for number, row in enumerate(self._cells.iter_rows(), 1):
            if number == self._header_row:
                header = row
                if all(cell != "" for cell in row):
                    break
            elif number > self._header_row:
                filled.update(place for place, cell in enumerate(row) if cell != "")
        names = [(place, text_of(cell, {})) for place, cell in enumerate(header)]
        return [
            (place, name or f"column_{letters(place + self._first_column)}")
            for place, name in names
            if (name or "").strip() or place in filled
        ]

    def rows(self) -> Iterator[Row]:
        for number, row in enumerate(self._cells.iter_rows(), 1):
            if number <= self._header_row:
                continue
            errors = self._errors.get(number, ())
            if not errors and all(cell == "" or (type(cell) is str and not cell.strip()) for cell in row):
                continue
            for place, text in errors:
                if 0 <= (at := place - self._first_column) < len(row):
                    row[at] = "" if at in self._texts else text
                    self.num_errors += 1
            for place, value in self._merged.get(number, ()):
                if row[place] == "":
                    row[place] = value
                    self.num_filled += 1
            self.num_rounded += any(type(cell) is float and abs(cell) >= MOST_DIGITS for cell in row)
            yield row

    def _text_columns(self, styles: dict[str, Style]) -> set[int]:
        return {place for place, name in self.columns() if styles.get(name.strip(), {}).get("is_text")}

    def _merged_below_header(self) -> dict[int, list[tuple[int, Any]]]:
        """Row number → the cells that a merged one above covers, with its value."""
        ranges = [
            (top + 1, left - self._first_column, bottom + 1)
            for (top, left), (bottom, _) in self._cells.merged_cell_ranges or ()
            if bottom > top and top >= self._header_row
        ]
        if not ranges:
            return {}
        tops = {top for top, _, _ in ranges}
        values = {n: row for n, row in enumerate(self._cells.iter_rows(), 1) if n in tops}
        covered: dict[int, list[tuple[int, Any]]] = {}
        last = (self._cells.end or (0, 0))[0] + 1
        for top, place, bottom in ranges:
            row = values.get(top, [])
            if 0 <= place < len(row) and row[place] != "":
                for number in range(top + 1, min(bottom, last) + 1):
                    covered.setdefault(number, []).append((place, row[place]))
        return covered


def text_of(cell: Any, style: Style) -> str | None:
    """A cell as the text that a CSV file would have; None where it is empty.

    `style`: how the mapping reads the column: `decimal`, its decimal sign; `formats`, its formats of times.
    """
    if isinstance(cell, str):
        return cell.replace("\0", "") or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        return _number(cell).replace(".", style.get("decimal") or ".")
    if isinstance(cell, datetime.datetime | datetime.date):
        return _time(cell, style.get("formats") or ())
    if isinstance(cell, datetime.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def _number(cell: float) -> str:
    """All digits that Excel keeps, without an exponent."""
    if float(cell).is_integer():
        return str(int(cell))
    return format(Decimal(f"{cell:.15g}"), "f")


def _time(cell: datetime.date, formats: Sequence[str]) -> str:
    for form in formats:
        try:
            text = cell.strftime(form)
            again = datetime.datetime.strptime(text, form)  # noqa: DTZ007 - cells know no time zone
        except ValueError:
            continue
        if again == cell or (again.date() == cell and again.time() == MIDNIGHT):
            return text
    return cell.isoformat(" ") if isinstance(cell, datetime.datetime) else cell.isoformat()


def letters(place: int) -> str:
    """The letters of a column, from 0: A, B, …, Z, AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def error_cells(path: str, sheet: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Row number → (column from 0, "#N/A") of an .xlsx sheet; the library below makes such cells empty.

    Nothing for other formats.
    """
    found: dict[int, list[tuple[int, str]]] = {}
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part_of(archive, sheet)) as part:
            for column, row, inside in _matches(iter(lambda: part.read(BLOCK), b"")):
                value = ERROR_VALUE.search(inside)
                text = value.group(1).decode("utf-8", errors="replace") if value else "#ERROR"
                found.setdefault(int(row), []).append((_place(column), text))
    except (KeyError, ValueError, NotImplementedError, zipfile.BadZipFile, ElementTree.ParseError):
        return
    yield from found.items()


def _matches(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    rest = b""
    for block in blocks:
        text = rest + block
        end = text.rfind(b"</c>") + 4 if b"</c>" in text else 0
        if b't="e"' in text[:end]:
            for match in ERROR_CELL.finditer(text, 0, end):
                yield match.group(1), match.group(2), match.group(3)
        rest = text[end:][-BLOCK:]


def _place(column: bytes) -> int:
    place = 0
    for letter in column:
        place = place * 26 + letter - 64
    return place - 1


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of the archive's member that holds a sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat refuses XML bombs
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for node in book.iter():
        if node.tag.endswith("}sheet") and node.get("name") == sheet:
            key = next(value for name, value in node.items() if name.endswith("}id"))
            target = targets[key]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(sheet)


def _refuse(error: BaseException) -> None:
    record = {"error": type(error).__name__, "reason": str(error)[:500]}
    sys.stderr.write(json.dumps(record) + "\n")
    sys.stderr.flush()
    sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
        _refuse(error)
