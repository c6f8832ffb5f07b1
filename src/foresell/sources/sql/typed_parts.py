"""A batch of text as a Parquet part with the types that the database said its columns have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.sources.sql.database import SourceColumn
from foresell.sources.staging import copy_to_part
from foresell.store.engine import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

TIMES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")


def write_part(
    connection: "DuckDBPyConnection",
    rows: "pa.Table",
    columns: Sequence[SourceColumn],
    projection: Mapping[str, str],
    into: Path,
) -> int:
    """Write a batch as one part, replaced columns as their expressions; how many rows it has.

    A column with a value that its type cannot hold (such as a date of 'infinity', or more than 38 digits)
    stays text in this part as a whole, so that the mapping sees each value as the database wrote it.
    """
    connection.register("sql_batch", rows)
    try:
        typed = _fitting(connection, [c for c in columns if c.name not in projection])
        by_name = {column.name: column for column in typed}
        selected = ", ".join(
            f"{projection[c.name] if c.name in projection else _cast(by_name[c.name])} AS {quoted(c.name)}"
            for c in columns
        )
        return copy_to_part(connection, f"SELECT {selected} FROM sql_batch", into)
    finally:
        connection.unregister("sql_batch")


def _fitting(connection: "DuckDBPyConnection", columns: Sequence[SourceColumn]) -> list[SourceColumn]:
    """The columns, those as text whose values do not all fit their type."""
    checked = [column for column in columns if column.sql_type != "VARCHAR"]
    if not checked:
        return list(columns)
    conditions = ", ".join(f"coalesce(bool_and({_fits(column)}), true)" for column in checked)
    fits = connection.execute(f"SELECT {conditions} FROM sql_batch").fetchone() or ()
    as_text = {column.name for column, does_fit in zip(checked, fits, strict=True) if not does_fit}
    return [replace(c, sql_type="VARCHAR") if c.name in as_text else c for c in columns]


def _fits(column: SourceColumn) -> str:
    name, value = quoted(column.name), f"TRY_CAST({quoted(column.name)} AS {column.sql_type})"
    is_value = f"isfinite({value})" if column.sql_type in TIMES else f"{value} IS NOT NULL"
    return f"({name} IS NULL OR coalesce({is_value}, false))"


def _cast(column: SourceColumn) -> str:
    name = quoted(column.name)
    return name if column.sql_type == "VARCHAR" else f"CAST({name} AS {column.sql_type})"
