"""Writing a SELECT to Parquet files with DuckDB."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.store.delta import WrittenFile
from foresell.store.engine import literal

if TYPE_CHECKING:
    import duckdb

FILE_SIZE = "256MB"
# Columns with more distinct values than this in a row group are ids and the like: a dictionary of them
# costs time and saves no space.
DICTIONARY_SIZE = 4000


def write_parquet(connection: "duckdb.DuckDBPyConnection", select: str, folder: Path) -> list[WrittenFile]:
    """Write the rows of a SELECT to files of some 256 MB in `folder`, which is emptied first.

    No rows: no files. The order of rows is not kept.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    connection.execute(
        f"COPY ({select}) TO {literal(str(folder))} "
        f"(FORMAT parquet, FILE_SIZE_BYTES '{FILE_SIZE}', DICTIONARY_SIZE_LIMIT {DICTIONARY_SIZE}, "
        "OVERWRITE_OR_IGNORE true, RETURN_STATS true)"
    )
    written = [WrittenFile(Path(row[0]), row[1], row[2]) for row in connection.fetchall()]
    return [file for file in written if file.num_rows > 0]
