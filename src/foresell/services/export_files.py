"""CSV and Parquet files of what is exported: written beside under another name, put in place by a rename."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from foresell.contracts.columns import Column
from foresell.contracts.errors import BusyError, ConflictError, DeniedError, InputError, NotFoundError
from foresell.sources.sql.target import arrow_schema
from foresell.sources.sql.target_values import mapped, require_finite, vectors_as_text
from foresell.store.crash_points import reached
from foresell.store.durable import sync_folder
from foresell.store.raw import file_sha256

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet")
# With these a spreadsheet takes text for a formula (OWASP, "CSV Injection"); the wide signs are East Asian.
FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """`num_formulas`: values of text that a spreadsheet would take for a formula; they are so in the file
    unless it was made for spreadsheets."""

    num_rows: int
    num_formulas: int


def require_file_target(path: Path) -> None:
    """Raise InputError or NotFoundError where no file can come to be."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            "What to write there is not clear",
            received=path.name,
            do="Name a .csv or .parquet file, or the URL of a database: postgresql://user@host/database.",
        )
    if not path.parent.is_dir():
        raise NotFoundError(f"There is no folder {path.parent}", do="Make it, or choose another.")
    if path.exists() and not path.is_file():
        raise ConflictError(f"{path} is there, and is no file", do="Choose another name.")


def write_file(
    path: Path,
    columns: Sequence[Column],
    batches: "Iterable[pa.RecordBatch]",
    *,
    is_spreadsheet: bool,
    is_ours: Callable[[str], bool],
    is_about_to_be: Callable[[str], None],
) -> WrittenFile:
    """Write a CSV or Parquet file, and put it in the place of the one that is there.

    CSV is UTF-8 with a header and commas; every text stands in quotes and null is nothing, so that the two
    differ; moments are 2024-01-31 12:00:00.000000Z; vectors are JSON. `is_spreadsheet`: with a byte order
    mark, and an apostrophe before text that would be a formula: for people, not for programs.

    `is_ours`: whether a file of this SHA-256 may be replaced. `is_about_to_be`: told the SHA-256 of the new
    one before the rename. A crash leaves the old file, or the new one whole; what it leaves beside, the next
    export to this place overwrites. A new file is its owner's alone; one that is replaced passes its
    permissions on.

    Raises ConflictError where the file is not ours, BusyError where another export writes it, DeniedError
    where the folder takes no file, InputError for a vector with a number that JSON lacks.
    """
    if path.exists() and not is_ours(file_sha256(path)):
        raise ConflictError(
            f"{path} is there, and Foresell did not write it, or it was changed since",
            do="Choose another name, or add --replace.",
        )
    unfinished = path.with_name(f".{path.name}.unfinished")
    with _alone(unfinished) as file:
        write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
        written = write(file, columns, batches, is_spreadsheet)
        file.flush()
        os.fsync(file.fileno())
        if path.exists():
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
        is_about_to_be(file_sha256(unfinished))
        reached("export.written")
        unfinished.replace(path)
    sync_folder(path.parent)
    return written


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """A new file, held so that no other process writes it; it is removed where the block fails."""
    import fcntl

    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")
    except OSError as error:
        raise DeniedError(
            f"{path.parent} takes no file", received=error.strerror, do="Check its permissions."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have put it in its place meanwhile: then this is the file itself.
            is_beside = path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino
        except BlockingIOError:
            is_beside = False
        if not is_beside:
            raise BusyError(f"Another export is writing {path.name}", do="Wait until it is done.")
        file.truncate()
        try:
            yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _write_parquet(
    file: BinaryIO, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", _is_spreadsheet: bool
) -> WrittenFile:
    from pyarrow import parquet

    num_rows = 0
    with parquet.ParquetWriter(file, arrow_schema(columns), compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            num_rows += batch.num_rows
            reached("export.batch_written")
    return WrittenFile(num_rows, 0)


def _write_csv(
    file: BinaryIO, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", is_spreadsheet: bool
) -> WrittenFile:
    import pyarrow as pa
    from pyarrow import csv

    if is_spreadsheet:
        file.write(BYTE_ORDER_MARK)
    num_rows = num_formulas = 0
    types = [pa.string() if pa.types.is_list(field.type) else field.type for field in arrow_schema(columns)]
    schema = pa.schema(list(zip((column.name for column in columns), types, strict=True)))
    with csv.CSVWriter(file, schema) as writer:
        for batch in batches:
            require_finite(batch, "CSV", is_vectors_only=True)
            plain = vectors_as_text(batch)
            num_formulas += sum(_num_formulas(array) for array in plain.columns)
            writer.write_batch(mapped(plain, _not_formulas) if is_spreadsheet else plain)
            num_rows += batch.num_rows
            reached("export.batch_written")
    return WrittenFile(num_rows, num_formulas)


def _num_formulas(array: Any) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(array.type):
        return 0
    return int(pc.sum(pc.match_substring_regex(array, FORMULA), min_count=0).as_py())


def _not_formulas(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(array.type):
        return array
    told = pc.binary_join_element_wise("'", array, "")
    return pc.if_else(pc.match_substring_regex(array, FORMULA), told, array)
