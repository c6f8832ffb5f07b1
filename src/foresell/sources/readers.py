"""Reading any file into raw Parquet parts, in file order and bounded memory."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, InputError, NotFoundError, did_you_mean, plain_reason
from foresell.sources.csv_text import stage_csv
from foresell.sources.encoding import is_gzip, open_bytes
from foresell.sources.jsonl import stage_jsonl
from foresell.sources.parquet import MAGIC, stage_parquet
from foresell.sources.sequences import stage_attributes, stage_sequences
from foresell.sources.staging import Projection, ReadOptions, StagedFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["READERS", "ReadOptions", "StagedFile", "detect_format", "stage_file"]

Reader = Callable[["DuckDBPyConnection", Path, Path, ReadOptions, Projection], StagedFile]

READERS: dict[str, Reader] = {
    "csv": stage_csv,
    "parquet": stage_parquet,
    "jsonl": stage_jsonl,
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
    path: Path,
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
    import duckdb

    if not path.is_file():
        raise NotFoundError(f"There is no file {path}", do="Check the path.")
    format_name = options.format or detect_format(path)
    if format_name not in READERS:
        raise InputError(f"There is no format '{format_name}'", do=did_you_mean(format_name, READERS))
    into.mkdir(parents=True, exist_ok=True)
    try:
        return READERS[format_name](connection, path, into, options, projection)
    except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
        raise BackendError(
            f"{path.name} could not be read into the store: {plain_reason(error)}",
            do="Check free disk space and permissions, or raise engine.memory_limit.",
        ) from error
    except duckdb.Error as error:
        raise InputError(
            f"{path.name} cannot be read as {format_name}: {str(error).splitlines()[0]}",
            do="Check the file's format, delimiter and encoding.",
        ) from error


def detect_format(path: Path) -> str:
    """The format by the file's first bytes, then its extension (before .gz)."""
    with path.open("rb") as file:
        head = file.read(4)
    if head == MAGIC:
        return "parquet"
    if head[:2] == b"PK":
        raise InputError(
            f"{path.name} is a zip archive or an Excel workbook",
            do="Unpack it, or save the sheet as CSV (UTF-8).",
        )
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    if suffixes and suffixes[-1] in EXTENSIONS:
        return EXTENSIONS[suffixes[-1]]
    return "jsonl" if _first_character(path) == b"{" else "csv"


def _first_character(path: Path) -> bytes:
    if is_gzip(path):
        # A damaged archive is reported by the reader.
        return b""
    with open_bytes(path) as file:
        return file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
