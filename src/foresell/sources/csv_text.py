"""CSV and its kin: fast through DuckDB where the file is in order, record by record where it is not."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import BackendError, InputError
from foresell.sources.csv_records import LONGEST_RECORD, RecordSplitter
from foresell.sources.encoding import (
    TextProfile,
    Utf8Stream,
    encoding_notes,
    is_gzip,
    profile_text,
    sha256_of,
)
from foresell.sources.feed import fed_path
from foresell.sources.rejects import Reject, RejectWriter
from foresell.sources.source import Source, plain_path
from foresell.sources.staging import (
    PART,
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

DELIMITERS = (",", ";", "\t", "|")
RARE_DELIMITERS = (":", "^", "~", "\x01", "\x1f")
SEPARATOR_LINE = re.compile(r'"?sep=([\t !#-~])"?[ ,;\t]*\r?\n', re.IGNORECASE)
SAMPLE_CHARACTERS = 1 << 20
SAMPLE_ROWS = 200
# A delimiter is believed if this share of the sampled rows is as wide as the header.
FITTING_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class _Layout:
    columns: tuple[str, ...]
    delimiter: str
    num_header_lines: int
    is_header_only: bool


def stage_csv(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A delimited text file as one Parquet part, every column text; see `readers.stage_file`."""
    profile = profile_text(source, options)
    stream = Utf8Stream(source, profile, options)
    layout = _layout(_head(stream), source, options)
    replaced = projection(layout.columns)
    details: dict[str, Any] = {"delimiter": layout.delimiter, "encoding": profile.encoding}
    num_rows = _read_fast(connection, source, into, profile, stream, layout, options, replaced)
    num_rejected = 0
    if num_rows is None:
        num_rows, num_rejected = _read_carefully(connection, into, stream, layout, options, replaced)
    details |= {
        "nul_bytes_removed": profile.num_nul_bytes if profile.encoding == "utf-8" else 0,
        "replacement_characters": stream.num_replaced,
        "notes": encoding_notes(stream),
    }
    if layout.is_header_only:
        details["warning"] = "The file has a header and no rows."
    return StagedFile(layout.columns, num_rows, num_rejected, sha256_of(source), "csv", details)


def _read_fast(
    connection: "DuckDBPyConnection",
    source: Source,
    into: Path,
    profile: TextProfile,
    stream: Utf8Stream,
    layout: _Layout,
    options: ReadOptions,
    replaced: Mapping[str, str],
) -> int | None:
    """How many rows were written, or None where any row does not follow the rules: then nothing was."""
    import duckdb

    # A blank line in a file of one column would be a row to DuckDB.
    is_simple_header = layout.num_header_lines == int(options.has_header)
    if not is_simple_header or options.quote != '"' or len(layout.columns) == 1:
        return None
    path = plain_path(source) if profile.is_clean else None
    feed: AbstractContextManager[Path] = fed_path(stream) if path is None else nullcontext(path)
    is_packed = path is not None and is_gzip(path)
    with feed as readable:
        extra = [
            f"header={str(options.has_header).lower()}",
            f"compression='{'gzip' if is_packed else 'none'}'",
            # Reading in parallel guesses where rows begin, and can guess wrong inside a long quoted value.
            f"parallel={str(not profile.has_quote).lower()}",
        ]
        select = _select(readable, layout, options, extra, replaced)
        try:
            num_rows = copy_to_part(connection, select, into)
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return None
    if not profile.has_records(num_rows + int(options.has_header)):
        (into / PART).unlink()
        return None
    return num_rows


def _read_carefully(
    connection: "DuckDBPyConnection",
    into: Path,
    stream: Utf8Stream,
    layout: _Layout,
    options: ReadOptions,
    replaced: Mapping[str, str],
) -> tuple[int, int]:
    """How many rows were written and how many rejected."""
    extra = [
        "header=false",
        "new_line='\\n'",
        "compression='none'",
        "parallel=false",
        f"max_line_size={2 * LONGEST_RECORD}",
        "store_rejects=true",
        "rejects_table='foresell_reject_errors'",
        "rejects_scan='foresell_reject_scans'",
    ]
    with RejectWriter(into, is_raw_withheld=bool(replaced)) as rejects:
        splitter = RecordSplitter(
            layout.delimiter, options.quote, len(layout.columns), layout.num_header_lines, rejects.add
        )
        try:
            with fed_path(splitter.split(stream)) as readable:
                num_rows = copy_to_part(connection, _select(readable, layout, options, extra, replaced), into)
            refused = _refused_by_engine(connection)
            if num_rows + len(refused) != splitter.num_good:
                raise BackendError(
                    "Rows were lost between splitting and storing",
                    received=f"{splitter.num_good} rows split, {num_rows} stored, {len(refused)} refused",
                    do="This is a defect of Foresell: please report it. Nothing was imported.",
                )
            rejects.extend(refused)
        finally:
            for table in ("foresell_reject_errors", "foresell_reject_scans"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
        return num_rows, rejects.count


def _refused_by_engine(connection: "DuckDBPyConnection") -> list[Reject]:
    """Rows that the splitter let pass and DuckDB refused, if there ever are any."""
    rows = connection.execute(
        "SELECT any_value(csv_line), any_value(error_message) FROM foresell_reject_errors GROUP BY line"
    ).fetchall()
    return [Reject(None, None, raw, "unreadable_row", str(message)) for raw, message in rows]


def _select(
    readable: Path, layout: _Layout, options: ReadOptions, extra: Sequence[str], replaced: Mapping[str, str]
) -> str:
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.columns)
    settings = [
        literal(str(readable)),
        "auto_detect=false",
        f"delim={literal(layout.delimiter)}",
        f"quote={literal(options.quote)}",
        f"escape={literal(options.quote)}",
        f"columns={{{types}}}",
        "strict_mode=true",
        *extra,
    ]
    return f"SELECT {projected(layout.columns, replaced)} FROM read_csv({', '.join(settings)})"


def _head(stream: Utf8Stream) -> str:
    parts: list[str] = []
    for block in stream:
        parts.append(block.decode("utf-8", errors="replace"))
        if sum(map(len, parts)) >= SAMPLE_CHARACTERS:
            break
    return "".join(parts)


def _layout(head: str, source: Source, options: ReadOptions) -> _Layout:
    skipped, stated = _preamble(head, options)
    head = "\n".join(head.split("\n")[skipped:])
    delimiter = _given_delimiter(options) or stated or _sniffed_delimiter(head, options)
    rows, header_lines = _sample(head, delimiter, options)
    header_lines += skipped
    if not rows:
        raise InputError(f"{source.name} has no header and no rows", do="Export it again.")
    if len(rows[0]) == 1:
        _refuse_if_another_fits(head, delimiter, source, options)
    if not options.has_header:
        names = tuple(f"column_{number}" for number in range(1, len(rows[0]) + 1))
        return _Layout(names, delimiter, skipped, is_header_only=False)
    return _Layout(clean_names(rows[0], source), delimiter, header_lines, is_header_only=len(rows) == 1)


def _preamble(head: str, options: ReadOptions) -> tuple[int, str | None]:
    """How many lines stand above the table, and the delimiter that Excel states in one: `sep=;`."""
    if options.header_row is not None:
        return options.header_row - 1, None
    stated = SEPARATOR_LINE.match(head)
    return (1, stated.group(1)) if stated else (0, None)


def _given_delimiter(options: ReadOptions) -> str | None:
    given = options.delimiter
    if given is not None and (len(given) != 1 or not given.isascii() or given in '\r\n"'):
        raise InputError(
            "A delimiter is one ASCII character", received=repr(given), do="Such as , ; | or a tab."
        )
    return given


def _sniffed_delimiter(head: str, options: ReadOptions) -> str:
    fits = {delimiter: _fit(head, delimiter, options) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: fits[delimiter])


def _fit(head: str, delimiter: str, options: ReadOptions) -> tuple[bool, float, int]:
    """Whether it splits the header at all, the share of rows as wide as the header, and the width."""
    rows, _ = _sample(head, delimiter, options)
    if not rows:
        return (False, 0.0, 0)
    width = len(rows[0])
    share = sum(len(row) == width for row in rows) / len(rows)
    return (width > 1, share, width)


def _refuse_if_another_fits(head: str, delimiter: str, source: Source, options: ReadOptions) -> None:
    for other in (*DELIMITERS, *RARE_DELIMITERS):
        splits, share, width = _fit(head, other, options)
        if other != delimiter and splits and share >= FITTING_SHARE:
            raise InputError(
                f"{source.name} has one column split at {delimiter!r}, but {width} split at {other!r}",
                do=f"Read it with --delimiter {other!r}.",
            )


def _sample(head: str, delimiter: str, options: ReadOptions) -> tuple[list[list[str]], int]:
    """The first rows that are not blank, and how many lines the first of them ends on."""
    rows: list[list[str]] = []
    header_lines = 0
    reader = csv.reader(
        io.StringIO(head, newline=""),
        delimiter=delimiter,
        quotechar=options.quote or None,
        quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    try:
        for row in reader:
            if not any(value.strip() for value in row) and len(row) <= 1:
                continue
            rows.append(row)
            header_lines = header_lines or reader.line_num
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # an overlong value: what was sampled so far is enough
    return rows, header_lines
