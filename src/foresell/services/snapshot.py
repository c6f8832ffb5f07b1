"""Full dumps: what a source no longer shows is retired, and a late dump falls into its place.

A dump says everything that its source knows at one moment (`Mapping.snapshot_at`). In a versioned table its
rows are true from then on, until the next dump of the source: a dump that arrives after a newer one changes
only the time between the two. A table of facts has no such time, so there an older dump is refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, InputError
from foresell.contracts.records import ingest_runs
from foresell.contracts.tables import TABLES, Table
from foresell.sources.mapping import Mapping
from foresell.store.delta import DeltaFolder
from foresell.store.engine import key_text, literal, quoted, read_files
from foresell.store.merge import Stamp, TypedRows
from foresell.store.merge_plans import moment_sql
from foresell.store.said import IS_REPAIRED

if TYPE_CHECKING:
    import duckdb

# Who somebody was is not untrue because a dump no longer says it.
LEARNED_TABLES = frozenset({"identities"})


def as_dump(
    connection: "duckdb.DuckDBPyConnection",
    tables: DeltaFolder,
    stamp: Stamp,
    at: datetime,
    typed: Sequence[TypedRows],
    *,
    is_whole: bool,
) -> list[TypedRows]:
    """The relations of a dump, each until the next dump, and after them the keys that it retires.

    `is_whole`: False for rows that are not all that the dump showed (replayed ones, or beside lines that
    could not be split): nothing is retired by them.
    """
    settled = [_until_next(connection, tables, stamp, at, rows) for rows in typed]
    retired: list[TypedRows] = []
    for table in _dumped_tables(typed) if is_whole else []:
        position = len(typed) + len(retired)
        missing = _missing_sql(tables, stamp, at, table, typed, position)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE missing_{position} AS {missing}")
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW missing_chosen_{position} AS SELECT * FROM missing_{position} "
            "WHERE _row_number IN (SELECT n FROM chosen_rows)"
        )
        until = _next_dump(connection, tables, stamp, at, table)
        names = (f"missing_{position}", f"missing_chosen_{position}")
        retired.append(TypedRows(table, *names, "retired", is_primary=False, holds_until=until))
    return [*settled, *retired]


def check_dump(
    connection: "duckdb.DuckDBPyConnection",
    tables: DeltaFolder,
    stamp: Stamp,
    at: datetime,
    typed: Sequence[TypedRows],
    *,
    limit: float,
) -> None:
    """Refuse a dump before it is recorded. `limit`: the largest share of the source's keys it may retire.

    Errors: ConflictError for an older dump of facts than one already imported, InputError for a dump that
    lacks too many keys.
    """
    for table in _dumped_tables(typed):
        newer = _next_dump(connection, tables, stamp, at, table)
        if newer is not None and not table.is_versioned:
            raise _outdated(stamp.source, table, newer, "Import dumps of facts in the order of their dates.")
    for index, table in enumerate(_dumped_tables(typed)):
        missing = _missing_sql(tables, stamp, at, table, typed, len(typed) + index)
        num_missing = _count(connection, missing)
        num_believed = _count(connection, _believed_sql(tables.files(table.name), stamp, at, table))
        if num_missing > limit * num_believed:
            raise InputError(
                f"This dump lacks {num_missing:,} of the {num_believed:,} keys of {table.name} that "
                f"'{stamp.source}' has given: more than {limit:.0%}",
                do="If the file was cut off, export it again. If so many are gone, add --allow-shrinking. "
                "The limit is dump_shrink_limit in [quality] of foresell.toml.",
            )


def refuse_outdated_replay(
    connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, stamp: Stamp, mapping: Mapping
) -> None:
    """ConflictError if a newer dump has replaced the facts that rows of this one's dump would state."""
    if mapping.snapshot_at is None:
        return
    at = datetime.fromisoformat(mapping.snapshot_at)
    for target in mapping.targets:
        table = TABLES[target.table]
        if target.is_stub or table.is_versioned or table.name in LEARNED_TABLES:
            continue
        newer = _next_dump(connection, tables, stamp, at, table)
        if newer is not None:
            raise _outdated(stamp.source, table, newer, "Discard its rows: foresell quarantine discard ID.")


def _outdated(source: str, table: Table, newer: datetime, do: str) -> ConflictError:
    return ConflictError(
        f"A newer full dump of '{source}' has been imported, and {table.name} keep no versions: "
        "an older one cannot say what is true now",
        received=f"a dump of {newer.astimezone(UTC):%Y-%m-%d %H:%M} UTC is there",
        do=do,
    )


def _is_dumped(rows: TypedRows) -> bool:
    """Whether the dump's rows are all that there is of this table."""
    return rows.kind in ("rows", "first_per_key") and rows.table.name not in LEARNED_TABLES


def _dumped_tables(typed: Sequence[TypedRows]) -> list[Table]:
    return list({rows.table.name: rows.table for rows in typed if _is_dumped(rows)}.values())


def _until_next(
    connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, stamp: Stamp, at: datetime, rows: TypedRows
) -> TypedRows:
    if rows.kind == "stub" or (newer := _next_dump(connection, tables, stamp, at, rows.table)) is None:
        return rows
    return replace(rows, holds_until=newer) if _is_dumped(rows) else replace(rows, kind="stub")


def _next_dump(
    connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, stamp: Stamp, at: datetime, table: Table
) -> datetime | None:
    """The moment of the source's next dump of a table after `at`, of those recorded before."""
    rows = read_files(ingest_runs.columns, tables.files(ingest_runs.name))
    moment = "CAST(json_extract_string(mapping, '$.snapshot_at') AS TIMESTAMPTZ)"
    [(found,)] = connection.execute(
        f"SELECT min({moment}) FROM ({rows}) WHERE source = ? AND status = 'finished' "
        f"AND started_at < {stamp.sql_time} AND {moment} > {moment_sql(at)} "
        "AND list_contains(json_extract_string(mapping, '$.targets[*].table'), ?)",
        [stamp.source, table.name],
    ).fetchall()
    return None if found is None else found.astimezone(UTC)


def _missing_sql(
    tables: DeltaFolder,
    stamp: Stamp,
    at: datetime,
    table: Table,
    typed: Sequence[TypedRows],
    position: int,
) -> str:
    """The keys that the source had given and the dump lacks; one whose row is bad is not lacking."""
    files = tables.files_before(table.name, stamp.transaction(position))
    shown = " UNION ALL ".join(
        f"SELECT hash({key_text(table)}) FROM {rows.relation}" for rows in typed if rows.table == table
    )
    return (
        f"SELECT *, {moment_sql(at)} AS valid_from, -row_number() OVER () AS _row_number, "
        f"NULL::VARCHAR AS _error_code FROM ({_believed_sql(files, stamp, at, table)}) "
        f"WHERE hash({key_text(table)}) NOT IN ({shown})"
    )


def _believed_sql(files: Sequence[str], stamp: Stamp, at: datetime, table: Table) -> str:
    """The keys that are believed, and true at that moment, because the source said so; repaired ones too."""
    keys = ", ".join(quoted(name) for name in table.key)
    is_true = (
        f"(valid_from IS NULL OR valid_from <= {moment_sql(at)}) "
        f"AND (valid_to IS NULL OR valid_to > {moment_sql(at)})"
        if table.is_versioned
        else "true"
    )
    rows = f"({read_files(table.columns, files)})"
    given = f"SELECT hash({key_text(table)}) FROM {rows} WHERE source = {literal(stamp.source)}"
    is_given = (
        f"CASE WHEN {IS_REPAIRED} THEN hash({key_text(table)}) IN ({given}) "
        f"ELSE source = {literal(stamp.source)} END"
    )
    return f"SELECT {keys} FROM {rows} WHERE superseded_at IS NULL AND {is_true} AND {is_given}"


def _count(connection: "duckdb.DuckDBPyConnection", select: str) -> int:
    rows: list[tuple[Any, ...]] = connection.execute(f"SELECT count(*) FROM ({select})").fetchall()
    return int(rows[0][0])
