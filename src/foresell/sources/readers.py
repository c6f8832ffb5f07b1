"""Reading any file into raw Parquet parts, in file order and bounded memory."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.sources.csv_text import stage_csv
from foresell.sources.encoding import is_gzip
from foresell.sources.excel import is_workbook, stage_excel
from foresell.sources.json_lists import stage_json
from foresell.sources.jsonl import stage_jsonl
from foresell.sources.no_tables import HEAD, refuse_what_is_no_table
from foresell.sources.parquet import MAGIC, stage_parquet
from foresell.sources.sequences import stage_attributes, stage_sequences
from foresell.sources.source import Source
from foresell.sources.staging import Projection, ReadOptions, StagedFile, errors_told

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["READERS", "ReadOptions", "StagedFile", "detect_format", "stage_file"]

Reader = Callable[["DuckDBPyConnection", Source, Path, ReadOptions, Projection], StagedFile]

READERS: dict[str, Reader] = {
    "csv": stage_csv,
    "parquet": stage_parquet,
    "json": stage_json,
    "jsonl": stage_jsonl,
    "excel": stage_excel,
    "s3rec_attributes": stage_attributes,
    "s3rec_sequences": stage_sequences,
}

EXTENSIONS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


def stage_file(
    connection: "DuckDBPyConnection",
    source: Source,
    into: Path,
    *,
    options: ReadOptions,
    projection: Projection,
) -> StagedFile:
    """Write a file as `into/part-*.parquet` (and `into/rejects.parquet`), rows in file order.

    The parts read in name order give the rows 1..n. Columns are named as in the source, without
    byte-order mark and surrounding whitespace. Text formats: every column VARCHAR, an empty value null;
    Parquet: typed as it is. `projection(columns)` gives the SQL expressions of the columns to be replaced
    before anything is stored.

    Rows that cannot be split into columns are in the rejects: row_number (their place among all rows of
    the file, or null), line_number, raw (null if anything is replaced, since it may hold identifiers),
    error_code (too_few_columns, too_many_columns, unterminated_quote, malformed_quote, line_too_long,
    unreadable_row, invalid_json) and message. Blank lines are no rows. A file of a header only has 0
    rows and `details["warning"]`.

    Raises NotFoundError (no such file), InputError (empty, damaged, wrong delimiter, unknown encoding,
    empty or repeated column names), BackendError (disk full, memory).
    """
    if isinstance(source, Path) and not source.is_file():
        raise NotFoundError(f"There is no file {source}", do="Check the path.")
    format_name = options.format or detect_format(source)
    if format_name not in READERS:
        raise InputError(f"There is no format '{format_name}'", do=did_you_mean(format_name, READERS))
    into.mkdir(parents=True, exist_ok=True)
    with errors_told(source.name, format_name):
        return READERS[format_name](connection, source, into, options, projection)


def detect_format(source: Source) -> str:
    """The format by the file's first bytes, then its extension (before .gz).

    Raises InputError for what is known to be no table, or an archive of several.
    """
    with source.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == MAGIC:
        return "parquet"
    if is_workbook(source, head):
        return "excel"
    refuse_what_is_no_table(source.name, head)
    suffixes = [suffix.lower() for suffix in PurePath(source.name).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    first = _first_character(source, head)
    by_name = EXTENSIONS.get(suffixes[-1]) if suffixes else None
    found = by_name or ("jsonl" if first == b"{" else "csv")
    return "json" if found == "jsonl" and first == b"[" else found


def _first_character(source: Source, head: bytes) -> bytes:
    # A damaged archive is reported by the reader.
    return b"" if is_gzip(source) else head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
