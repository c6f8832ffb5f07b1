"""Record a repair's patches in a table: each believed row that still says what it said gets its new values.

As in a merge, the old row is superseded and a new one recorded, in one commit. The new row carries the
repair as its source: `said.REPAIR_SOURCE` and the repair's name. Of a row that is dropped a copy is
recorded too, superseded from the start: it is never believed, and tells a later import of the same row
that a repair ended it (see `said`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.tables import Table
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted, read_files
from foresell.store.parquet import write_parquet
from foresell.store.supersede import rewrite_superseded

if TYPE_CHECKING:
    import duckdb

    from foresell.store.merge import Stamp


@dataclass(frozen=True)
class Correction:
    """Patches of one table. `relation`: its rows, with the key, `valid_from` where the table is versioned,
    `old.COLUMN` for each column they depend on, and `_row_number`.

    `action`: change, drop or add. `new`: column → SQL over the relation `p` (new values) and `e` (the row).
    """

    table: Table
    relation: str
    action: str
    old: tuple[str, ...]
    new: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Corrected:
    """`num_applied` patches took effect, `num_stale` found their row gone or saying something else."""

    num_applied: int
    num_stale: int


def correct(
    connection: "duckdb.DuckDBPyConnection",
    tables: DeltaFolder,
    stamp: "Stamp",
    correction: Correction,
    position: int,
) -> Corrected:
    """Write and commit a correction. If this run has already committed it, only count again."""
    table = correction.table
    transaction = f"{stamp.run_id}/{position}"
    files = tables.files_before(table.name, transaction)
    existing = f"({read_files(table.columns, files, with_position=True)})" if files else None
    connection.execute(f"CREATE OR REPLACE TEMP TABLE superseded AS {_matched(correction, existing)}")
    [(patches, applied)] = connection.execute(
        f"SELECT (SELECT count(*) FROM {correction.relation}), count(*) FROM superseded"
    ).fetchall()
    if applied and not tables.has_committed(table.name, transaction):
        folder = tables.folder(table.name) / stamp.run_id / f"{position}"
        added = write_parquet(connection, _corrected(correction, existing, stamp), folder / "new")
        removed, rewritten = rewrite_superseded(connection, table, stamp.sql_time, folder)
        reached("import.table_written")
        tables.commit(table, [*added, *rewritten], removed, transaction)
        reached("import.table_committed")
    return Corrected(applied, patches - applied)


def _matched(correction: Correction, existing: str | None) -> str:
    """Patch number n, and the file f and row r that it is about (null where it adds a row)."""
    names = [*correction.table.key, *(["valid_from"] if correction.table.is_versioned else [])]
    same = [f"e.{quoted(n)} IS NOT DISTINCT FROM p.{quoted(n)}" for n in names]
    nothing = "NULL::VARCHAR AS f, NULL::BIGINT AS r"
    if correction.action == "add":
        if existing is None:
            return f"SELECT p._row_number AS n, {nothing} FROM {correction.relation} p"
        there = f"(SELECT 1 FROM {existing} e WHERE e.superseded_at IS NULL AND {' AND '.join(same)})"
        return f"SELECT p._row_number AS n, {nothing} FROM {correction.relation} p WHERE NOT EXISTS {there}"
    if existing is None:
        return f"SELECT p._row_number AS n, {nothing} FROM {correction.relation} p WHERE false"
    # An equality on the key lets DuckDB join by hash.
    joined = [f"e.{quoted(n)} = p.{quoted(n)}" for n in correction.table.key]
    as_told = [f"e.{quoted(n)} IS NOT DISTINCT FROM p.{quoted(f'old.{n}')}" for n in correction.old]
    start = same[len(correction.table.key) :]
    conditions = ["e.superseded_at IS NULL", *joined, *start, *as_told]
    return (
        "SELECT p._row_number AS n, e.filename AS f, e.file_row_number AS r "
        f"FROM {correction.relation} p JOIN {existing} e ON {' AND '.join(conditions)}"
    )


def _corrected(correction: Correction, existing: str | None, stamp: "Stamp") -> str:
    is_drop = correction.action == "drop"
    values = {
        **correction.new,
        "source": literal(stamp.source),
        "ingest_run_id": literal(stamp.run_id),
        "recorded_at": stamp.sql_time,
        "superseded_at": stamp.sql_time if is_drop else "NULL::TIMESTAMPTZ",
    }
    if correction.action == "add":
        named = [*correction.table.key, *(["valid_from"] if correction.table.is_versioned else [])]
        values = {**{name: f"p.{quoted(name)}" for name in named}, **values}
        columns = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
        return f"SELECT {columns} FROM superseded s JOIN {correction.relation} p ON p._row_number = s.n"
    columns = ", ".join(
        f"{values.get(c.name, f'e.{quoted(c.name)}')} AS {quoted(c.name)}" for c in correction.table.columns
    )
    return (
        f"SELECT {columns} FROM {existing} e "
        "JOIN superseded s ON s.f = e.filename AND s.r = e.file_row_number "
        f"JOIN {correction.relation} p ON p._row_number = s.n"
    )
