"""Writing and reading the tables that models write."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from foresell.contracts.results import RESULTS
from foresell.services.shop import Shop
from foresell.store.engine import literal, quoted, read_files
from foresell.store.parquet import write_parquet

if TYPE_CHECKING:
    import polars
    import pyarrow


def write_results(
    shop: Shop,
    name: str,
    rows: "polars.DataFrame | pyarrow.RecordBatchReader",
    *,
    replaces: Mapping[str, str | None],
) -> None:
    """Put rows into a result table, in the place of those whose columns have the values of `replaces`.

    {} replaces the whole table. Of a reader of Arrow batches only a few are in memory. The caller holds the
    lock; readers see the old rows or the new ones.
    """
    table = RESULTS[name]
    files = shop.folder.tables.files(name)
    transaction = secrets.token_hex(8)
    same = " AND ".join(_is_equal(column, value) for column, value in replaces.items()) or "true"
    cast = ", ".join(f"CAST({quoted(c.name)} AS {c.sql_type}) AS {quoted(c.name)}" for c in table.columns)
    with shop.connect() as connection:
        connection.register("new_rows", rows if hasattr(rows, "read_next_batch") else rows.to_arrow())
        kept = f"SELECT * FROM ({read_files(table.columns, files)}) WHERE NOT coalesce({same}, false)"
        select = f"{kept} UNION ALL BY NAME SELECT {cast} FROM new_rows"
        written = write_parquet(connection, select, shop.folder.tables.folder(name) / transaction)
    shop.folder.tables.commit(table, written, files, transaction)


def _is_equal(column: str, value: str | None) -> str:
    return f"{quoted(column)} IS NULL" if value is None else f"{quoted(column)} = {literal(value)}"


def read_results(shop: Shop, name: str) -> "polars.DataFrame":
    """All rows of a result table."""
    with shop.reading() as tables:
        rows: polars.DataFrame = tables.current(name).to_polars()
        return rows
