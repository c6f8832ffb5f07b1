"""Parquet files: copied as they are where nothing has to be replaced."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.sources.encoding import sha256_of
from foresell.sources.staging import (
    PART,
    Projection,
    ReadOptions,
    StagedFile,
    clean_names,
    copy_to_part,
    projected,
)
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAGIC = b"PAR1"


def stage_parquet(
    connection: "DuckDBPyConnection", path: Path, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A Parquet file as one part, typed as it is; see `readers.stage_file`."""
    names, num_rows = _checked_footer(connection, path)
    columns = clean_names(names, path)
    replaced = projection(columns)
    if not replaced and columns == names:
        shutil.copyfile(path, into / PART)
    else:
        renamed = ", ".join(
            f"{quoted(name)} AS {quoted(column)}" for name, column in zip(names, columns, strict=True)
        )
        rows = f"(SELECT {renamed} FROM {_scan(path)})"
        _copy(connection, f"SELECT {projected(columns, replaced)} FROM {rows}", into, path)
    details = {} if num_rows else {"warning": "The file has no rows."}
    return StagedFile(columns, num_rows, 0, sha256_of(path), "parquet", details)


def _scan(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, hive_partitioning=false, file_row_number=false)"


def _copy(connection: "DuckDBPyConnection", select: str, into: Path, path: Path) -> None:
    import duckdb

    try:
        copy_to_part(connection, select, into)
    except (duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise _damaged(path, str(error)) from error


def _checked_footer(connection: "DuckDBPyConnection", path: Path) -> tuple[tuple[str, ...], int]:
    """Column names and number of rows; InputError where the file is not whole."""
    import duckdb

    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name} is empty", do="Export it again.")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(size - 4, 0))
        if head != MAGIC or file.read(4) != MAGIC:
            raise _damaged(path, "its first or last four bytes are not 'PAR1'")
    name = literal(str(path))
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {_scan(path)}").fetchall()
        counted = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({name})").fetchone()
        end = connection.execute(
            "SELECT max(coalesce(dictionary_page_offset, data_page_offset) + total_compressed_size)"
            f" FROM parquet_metadata({name})"
        ).fetchone()
    except duckdb.Error as error:
        raise _damaged(path, str(error)) from error
    if end and end[0] is not None and end[0] > size:
        raise _damaged(path, "its footer names data beyond the end of the file")
    return tuple(row[0] for row in described), int(counted[0]) if counted else 0


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path.name} is not a whole Parquet file: {reason.splitlines()[0]}",
        do="It was probably cut short while being copied or written: copy or export it again.",
    )
