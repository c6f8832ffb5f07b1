"""Parquet files: copied as they are where nothing has to be replaced."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.sources.encoding import sha256_of
from foresell.sources.source import Source, seekable
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
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A Parquet file as one part, typed as it is; see `readers.stage_file`."""
    try:
        with seekable(source) as path:
            names, num_rows = _checked_footer(connection, path)
            columns = clean_names(names, source)
            replaced = projection(columns)
            if not replaced and columns == names:
                shutil.copyfile(path, into / PART)
            else:
                _copy(connection, path, into, dict(zip(columns, names, strict=True)), replaced)
    except _DamagedError as damage:
        raise InputError(
            f"{source.name} is not a whole Parquet file: {damage}",
            do="It was probably cut short while being copied or written: copy or export it again.",
        ) from damage
    details = {} if num_rows else {"warning": "The file has no rows."}
    return StagedFile(columns, num_rows, 0, sha256_of(source), "parquet", details)


class _DamagedError(Exception):
    """Why the bytes are no whole Parquet file."""


def _scan(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, hive_partitioning=false, file_row_number=false)"


def _copy(
    connection: "DuckDBPyConnection",
    path: Path,
    into: Path,
    names: Mapping[str, str],
    replaced: Mapping[str, str],
) -> None:
    """`names`: column as it is to be called → as the file calls it."""
    import duckdb

    renamed = ", ".join(f"{quoted(name)} AS {quoted(column)}" for column, name in names.items())
    rows = f"(SELECT {renamed} FROM {_scan(path)})"
    try:
        copy_to_part(connection, f"SELECT {projected(list(names), replaced)} FROM {rows}", into)
    except (duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise _DamagedError(str(error).splitlines()[0]) from error


def _checked_footer(connection: "DuckDBPyConnection", path: Path) -> tuple[tuple[str, ...], int]:
    """Column names and number of rows."""
    import duckdb

    size = path.stat().st_size
    if size == 0:
        raise _DamagedError("it is empty")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(size - 4, 0))
        if head != MAGIC or file.read(4) != MAGIC:
            raise _DamagedError("its first or last four bytes are not 'PAR1'")
    name = literal(str(path))
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {_scan(path)}").fetchall()
        [(counted,)] = connection.execute(f"SELECT num_rows FROM parquet_file_metadata({name})").fetchall()
        [(end,)] = connection.execute(
            "SELECT max(coalesce(dictionary_page_offset, data_page_offset) + total_compressed_size)"
            f" FROM parquet_metadata({name})"
        ).fetchall()
    except duckdb.Error as error:
        raise _DamagedError(str(error).splitlines()[0]) from error
    if end is not None and end > size:
        raise _DamagedError("its footer names data beyond the end of the file")
    return tuple(row[0] for row in described), int(counted)
