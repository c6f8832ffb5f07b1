"""Excel workbooks (.xlsx, .xlsm, .xlsb, .xls) and OpenDocument sheets (.ods), a sheet at a time.

The cells are read by `excel_cells` in a process of its own, which holds the whole sheet in memory (some 100
bytes a cell, at most 4 GB) and passes it on as lines; here nothing is held.
"""

import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from foresell.contracts.errors import BackendError, ForesellError, InputError, TooLargeError, did_you_mean
from foresell.sources import excel_cells
from foresell.sources.encoding import HARMLESS_SIZE, refuse_a_bomb, sha256_of
from foresell.sources.feed import fed_path
from foresell.sources.source import Source, seekable
from foresell.sources.staging import (
    Projection,
    ReadOptions,
    StagedFile,
    clean_names,
    copy_to_part,
    projected,
)
from foresell.store.engine import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXTENSIONS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
# Microsoft's container of streams: an old .xls, or a new workbook encrypted with a password.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BLOCK = 1 << 20
LONGEST_HEADER = 64 << 20
LONGEST_RECORD = 8 << 20
Row = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class SheetHead:
    """The first rows of a sheet, as text; row 1 of the sheet is `rows[0]`."""

    name: str
    is_hidden: bool
    rows: Sequence[Row]

    @property
    def is_empty(self) -> bool:
        return not any(cell and cell.strip() for row in self.rows for cell in row)


@dataclass(frozen=True, slots=True)
class CellStyle:
    """How numbers and times of a column are written, so that its mapping reads them as they are.

    `is_text`: it is mapped to text only. An error such as #N/A is nothing there; elsewhere it stays as it
    is, so that its row is quarantined.
    """

    decimal: str | None = None
    formats: tuple[str, ...] = ()
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """What to read of a workbook: the table of one sheet whose header is in row `header_row` (from 1)."""

    sheet: str
    header_row: int
    styles: Mapping[str, CellStyle] = field(default_factory=dict)


def is_workbook(source: Source, head: bytes) -> bool:
    """By its bytes, whatever its name."""
    if head.startswith(OLE):
        return True
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with seekable(source) as path, zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return source.name.lower().endswith(EXTENSIONS)
    is_document = "META-INF/manifest.xml" in names and "content.xml" in names
    return "[Content_Types].xml" in names or is_document


def survey(source: Source) -> list[SheetHead]:
    """Every sheet of a workbook, with its first 100 rows.

    Raises InputError where it is damaged, encrypted or no workbook; TooLargeError.
    """
    with seekable(source) as path:
        _refuse_a_packed_bomb(path, source.name)
        with _reading(path, {"task": "survey"}, source.name) as cells:
            answer = cells.out.read()
    return [SheetHead(sheet["name"], sheet["is_hidden"], sheet["rows"]) for sheet in json.loads(answer)]


def choose_sheet(heads: Sequence[SheetHead], name: str, where: str) -> SheetHead:
    """The sheet of this name, upper and lower case alike. Raises InputError if there is none."""
    for head in heads:
        if head.name.strip().casefold() == name.strip().casefold():
            return head
    raise InputError(f"{where} has no sheet '{name}'", do=did_you_mean(name, [head.name for head in heads]))


def likely_header(head: SheetHead) -> int:
    """The number of the row that most likely names the columns: the first that is nearly as wide as any."""
    widths = [len({cell for cell in row if cell and cell.strip()}) for row in head.rows]
    most = max(widths, default=0)
    return next((number for number, width in enumerate(widths, 1) if width >= 0.8 * most > 0), 1)


def stage_excel(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A workbook of one sheet with values, or the sheet that is named; see `readers.stage_file`."""
    heads = survey(source)
    if options.sheet is not None:
        head = choose_sheet(heads, options.sheet, source.name)
    else:
        filled = [head for head in heads if not head.is_empty]
        if len(filled) != 1:
            names = ", ".join(head.name for head in filled) or "none"
            raise InputError(
                f"{source.name} has {len(filled)} sheets with values", received=names, do="Name one: --sheet."
            )
        head = filled[0]
    plan = SheetPlan(head.name, options.header_row or likely_header(head))
    return stage_sheet(connection, source, into, plan, projection)


def stage_sheet(
    connection: "DuckDBPyConnection", source: Source, into: Path, plan: SheetPlan, projection: Projection
) -> StagedFile:
    """One sheet as one Parquet part, every column text; see `readers.stage_file`. Empty rows are no rows."""
    styles = {name: asdict(style) for name, style in plan.styles.items()}
    with seekable(source) as path:
        request = {
            "task": "rows",
            "sheet": plan.sheet,
            "header_row": plan.header_row,
            "styles": styles,
        }
        with _reading(path, request, source.name) as cells:
            first = cells.out.readline(LONGEST_HEADER)
            # A process that could not read it has said nothing; the block ends with its reason.
            columns = _named(json.loads(first)["columns"], source, plan) if first else ()
            num_rows = _copy(connection, cells.out, into, columns, projection(columns)) if first else 0
    counts = json.loads(cells.last_words)
    if counts["num_rows"] != num_rows:
        raise BackendError(
            "Rows were lost between reading the sheet and storing it",
            received=f"{counts['num_rows']} rows read, {num_rows} stored",
            do="This is a defect of Foresell: please report it. Nothing was imported.",
        )
    details = {"sheet": plan.sheet, "header_row": plan.header_row, "notes": _notes(counts)}
    return StagedFile(columns, num_rows, 0, sha256_of(source), "excel", details)


def _named(names: Sequence[str], source: Source, plan: SheetPlan) -> tuple[str, ...]:
    if not names:
        raise InputError(
            f"Row {plan.header_row} of the sheet '{plan.sheet}' of {source.name} is empty",
            do="Name the row that holds the column names with --header-row.",
        )
    return clean_names(names, source)


def _copy(
    connection: "DuckDBPyConnection",
    out: IO[bytes],
    into: Path,
    columns: Sequence[str],
    replaced: Mapping[str, str],
) -> int:
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    with fed_path(iter(lambda: out.read(BLOCK), b"")) as readable:
        select = (
            f"SELECT {projected(columns, replaced)} FROM read_csv({literal(str(readable))}, "
            f"auto_detect=false, header=false, delim=',', quote='\"', escape='\"', columns={{{types}}}, "
            f"new_line='\\n', compression='none', parallel=false, max_line_size={LONGEST_RECORD})"
        )
        return copy_to_part(connection, select, into)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What a user should know of the cells."""
    notes = []
    if count := counts["num_filled"]:
        notes.append(f"cells covered by a merged cell above that were given its value: {count:,}.")
    if count := counts["num_errors"]:
        notes.append(
            f"cells that hold an error such as #N/A: {count:,}. They count as empty, or as no number."
        )
    if count := counts["num_rounded"]:
        notes.append(
            f"rows with numbers of 16 digits or more: {count:,}. Excel keeps 15: if these are numbers "
            "of orders or products, export them as text, or as CSV."
        )
    return notes


def _refuse_a_packed_bomb(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return
    if unpacked > HARMLESS_SIZE:
        refuse_a_bomb(name, unpacked, path.stat().st_size)


class _Cells:
    """The process that reads the cells. `out`: what it says; `last_words`: its last line of errors."""

    def __init__(self, path: Path, request: Mapping[str, Any]) -> None:
        with path.open("rb") as file:
            number = file.fileno()
            given = json.dumps({**request, "path": f"/proc/self/fd/{number}"})
            program = Path(__file__).with_name("excel_cells.py")
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(program), given],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(number,),
            )
        self.out = cast("IO[bytes]", self._process.stdout)
        self.last_words = ""
        self._listener = threading.Thread(target=self._listen, daemon=True, name="foresell-excel")
        self._listener.start()

    def _listen(self) -> None:
        for line in cast("IO[bytes]", self._process.stderr):
            self.last_words = line.decode("utf-8", errors="replace").strip() or self.last_words

    def end(self, *, at_once: bool) -> int:
        """Wait for its end; its exit code."""
        if at_once:
            self._process.kill()
        code = self._process.wait()
        self._listener.join()
        self.out.close()
        cast("IO[bytes]", self._process.stderr).close()
        return code


@contextmanager
def _reading(path: Path, request: Mapping[str, Any], name: str) -> Iterator[_Cells]:
    """Within the block, the process that answers a request; at its end, the error that it ended with."""
    cells = _Cells(path, request)
    try:
        yield cells
    except BaseException:
        cells.end(at_once=True)
        raise
    code = cells.end(at_once=False)
    if code:
        raise _error(code, cells.last_words, name)


def _error(code: int, last_words: str, name: str) -> ForesellError:
    try:
        said = json.loads(last_words)
        kind, reason = str(said["error"]), str(said["reason"])
    except (ValueError, KeyError, TypeError):
        kind, reason = ("MemoryError", "") if code < 0 else ("", last_words)
    if kind == "PasswordError" or "password" in reason.lower():
        return InputError(
            f"{name} is protected by a password",
            do="Open it, remove the password (in Excel: File, Info, Protect Workbook), save, import again.",
        )
    if kind == "MemoryError" or "memory" in reason.lower():
        return TooLargeError(
            f"{name} needs more than {excel_cells.MOST_MEMORY >> 30} GB of memory, or more than an hour",
            do="Delete what is formatted or typed far below or beside the table, or save the sheet as CSV.",
        )
    if kind == "ModuleNotFoundError":
        return BackendError("The package python-calamine is missing", do="pip install python-calamine")
    return InputError(
        f"{name} is damaged, or no workbook of Excel or OpenDocument",
        received=reason or None,
        do="Open it in Excel or LibreOffice and save it as .xlsx, or as CSV (UTF-8).",
    )
