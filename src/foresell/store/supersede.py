"""Mark rows as believed no more: files that hold them are copied, and the log swaps old for new."""

from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.tables import Table
from foresell.store.delta import WrittenFile
from foresell.store.engine import literal, quoted, read_files
from foresell.store.parquet import write_parquet

if TYPE_CHECKING:
    import duckdb


def rewrite_superseded(
    connection: "duckdb.DuckDBPyConnection", table: Table, sql_time: str, folder: Path
) -> tuple[list[str], list[WrittenFile]]:
    """Copy the files with rows of the temporary table `superseded` (f, r: file, row), marking those.

    Returns the files to remove and those written in their place.
    """
    found = connection.execute("SELECT DISTINCT f FROM superseded WHERE f IS NOT NULL ORDER BY f").fetchall()
    removed = [f for (f,) in found]
    rewritten: list[WrittenFile] = []
    for index, uri in enumerate(removed):
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(uri)})").fetchall()
        # Columns that the file does not have are null, and are left out of its copy too.
        present = {"superseded_at", *(row[0] for row in described)}
        columns = ", ".join(
            f"CASE WHEN s.r IS NULL THEN t.superseded_at ELSE {sql_time} END AS superseded_at"
            if c.name == "superseded_at"
            else f"t.{quoted(c.name)}"
            for c in table.columns
            if c.name in present
        )
        select = (
            f"SELECT {columns} FROM ({read_files(table.columns, [uri], with_position=True)}) t "
            f"LEFT JOIN (SELECT r FROM superseded WHERE f = {literal(uri)}) s ON s.r = t.file_row_number"
        )
        rewritten += write_parquet(connection, select, folder / f"rewritten-{index}")
    return removed, rewritten
