"""Writing what could not be used: each row with its reason, and as it came.

Reads the temporary relations that `apply` and `store.merge` make: `raw_all` and `raw` (rows), `unmapped`,
`bad_rows`, `conflicting_rows` (row numbers), and the typed relations with their errors.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foresell.contracts.records import quarantine
from foresell.contracts.tables import Table
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted
from foresell.store.items import source_row
from foresell.store.merge import Merged, TypedRows
from foresell.store.parquet import write_parquet
from foresell.store.raw import RawRun, RawZone

if TYPE_CHECKING:
    import duckdb


def write_quarantine(
    connection: "duckdb.DuckDBPyConnection",
    tables: DeltaFolder,
    raw: RawZone,
    run: RawRun,
    typed: Sequence[TypedRows],
    merged: Sequence[Merged],
) -> int:
    """Write what could not be used, with its reason and the row as it came; returns how many rows."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE faults (n BIGINT, position INTEGER, target_table VARCHAR, "
        'error_code VARCHAR, "column" VARCHAR, message VARCHAR)'
    )
    for position, rows in enumerate(typed):
        _collect_faults(connection, position, rows, merged[position])
    connection.execute(
        "INSERT INTO faults SELECT n, -1, NULL, 'unmapped_row', NULL, "
        "'No part of the mapping takes this row: correct the row, or the mapping.' FROM unmapped"
    )
    if raw.rejects_path(run) is None and not _has_any(connection, "faults", "raw_all WHERE _erased"):
        return 0
    rejects = _rejects_sql(raw, run)
    select = f"""
        WITH first_fault AS (
            SELECT * FROM faults QUALIFY row_number() OVER (PARTITION BY n ORDER BY position) = 1
        ),
        raw_json AS (
            SELECT _row_number AS n, to_json(r) AS raw
            FROM (SELECT * FROM raw WHERE _row_number IN (SELECT n FROM faults)) r
        ),
        shifts AS ({_shifts_sql(raw, run)})
        SELECT concat({literal(run.run_id + ":")}, f.n) AS quarantine_id, {literal(run.run_id)} AS run_id,
            {literal(run.source_file)} AS source_file, f.n + coalesce(s.num_before, 0) AS row_number,
            f.target_table, f.error_code, f."column", f.message,
            json_merge_patch(j.raw, '{{"_row_number": null}}') AS raw
        FROM first_fault f JOIN raw_json j ON j.n = f.n ASOF LEFT JOIN shifts s ON f.n > s.good_before
        UNION ALL BY NAME
        SELECT concat({literal(run.run_id + ":")}, _row_number) AS quarantine_id,
            {literal(run.run_id)} AS run_id, {literal(run.source_file)} AS source_file,
            _row_number AS row_number, 'erased_customer' AS error_code,
            'This row belonged to a customer who was erased.' AS message
        FROM raw_all WHERE _erased
        UNION ALL BY NAME {rejects}
    """
    columns = ", ".join(
        f"CAST({quoted(c.name)} AS {c.sql_type}) AS {quoted(c.name)}" for c in quarantine.columns
    )
    return commit_record(connection, tables, quarantine, f"SELECT {columns} FROM ({select})", run)


def commit_record(
    connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, table: Table, select: str, run: RawRun
) -> int:
    """Write rows of a record table once for the run; returns how many there are."""
    if tables.has_committed(table.name, run.run_id):
        return num_rows(connection, f"({select})")
    written = write_parquet(connection, select, tables.folder(table.name) / run.run_id)
    if written:
        tables.commit(table, written, [], run.run_id)
    return sum(file.num_rows for file in written)


def num_rows(connection: "duckdb.DuckDBPyConnection", relation: str) -> int:
    [(count,)] = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def _has_any(connection: "duckdb.DuckDBPyConnection", *relations: str) -> bool:
    return any(connection.execute(f"SELECT 1 FROM {one} LIMIT 1").fetchall() for one in relations)


def _collect_faults(
    connection: "duckdb.DuckDBPyConnection", position: int, rows: TypedRows, merged: Merged
) -> None:
    table = literal(rows.table.name)
    if rows.kind != "stub":
        connection.execute("DELETE FROM chosen_rows")
        connection.execute(f"INSERT INTO chosen_rows SELECT n FROM bad_rows WHERE position = {position}")
        connection.execute(
            f"INSERT INTO faults SELECT {source_row('_row_number')}, {position}, {table}, _error_code, "
            f"_error_column, _error_message FROM {rows.chosen} WHERE _error_code IS NOT NULL"
        )
    if merged.num_conflicting and rows.is_primary:
        key = " and ".join(rows.table.key)
        message = (
            f"A later row of this file has the same {key} and other values; the later row was used. "
            "Correct the file, or map valid_from so that both are kept as history."
        )
        connection.execute(
            f"INSERT INTO faults SELECT n, {position}, {table}, 'conflicting_rows', "
            f"{literal(rows.table.key[0])}, {literal(message)} "
            "FROM conflicting_rows WHERE position = ?",
            [position],
        )


def _shifts_sql(raw: RawZone, run: RawRun) -> str:
    """How many rejected rows lie before the good rows after the first `good_before` ones: the parts hold
    good rows only, and a person looks a row up where it stands in the file."""
    path = raw.rejects_path(run)
    if path is None:
        return "SELECT NULL::BIGINT AS good_before, NULL::BIGINT AS num_before WHERE false"
    return (
        "SELECT row_number - place AS good_before, max(place) AS num_before FROM ("
        "SELECT row_number, row_number() OVER (ORDER BY row_number) AS place "
        f"FROM read_parquet({literal(str(path))}) WHERE row_number IS NOT NULL) GROUP BY good_before"
    )


def _rejects_sql(raw: RawZone, run: RawRun) -> str:
    """Lines that could not be split into columns."""
    path = raw.rejects_path(run)
    if path is None:
        return "SELECT NULL::VARCHAR AS quarantine_id WHERE false"
    prefix = literal(f"{run.run_id}:line-")
    return (
        f"SELECT concat({prefix}, row_number() OVER (ORDER BY line_number)) AS quarantine_id, "
        f"{literal(run.run_id)} AS run_id, {literal(run.source_file)} AS source_file, row_number, "
        "error_code, message, to_json({line: raw}) AS raw "
        f"FROM read_parquet({literal(str(path))})"
    )
