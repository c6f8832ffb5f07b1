"""Apply one run of the raw zone to the tables: the one path of import, replay, recovery and rebuild.

Applying is idempotent: each table commits a run once, and counting again gives the same counts.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, plain_reason
from foresell.contracts.records import IngestRun, RowCounts, ingest_runs, quarantine
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES, Table
from foresell.services.shop import Shop
from foresell.sources.mapping import Mapping, Target, mapping_from_json
from foresell.sources.normalize import normalize_sql
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted
from foresell.store.merge import Merge, Merged, Stamp, TypedRows
from foresell.store.merge_plans import Kind
from foresell.store.parquet import write_parquet
from foresell.store.raw import RawRun, RawZone, raw_rows_sql
from foresell.store.state import Decision

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Application:
    """Where a run is applied: whose raw rows, to which tables, under which settings."""

    raw: RawZone
    tables: DeltaFolder
    settings: Settings


def pending_runs(shop: Shop) -> list[RawRun]:
    """Runs that are durable in the raw zone and not yet recorded as ended."""
    taken_back = shop.folder.state.rolled_back_runs()
    tables = shop.folder.tables
    return [
        run
        for run in shop.folder.raw.runs()
        if run.run_id not in taken_back and not tables.has_committed("ingest_runs", run.run_id)
    ]


def apply_one(shop: Shop, run: RawRun) -> IngestRun:
    """Apply a published run to the store's own tables."""
    where = Application(shop.folder.raw, shop.folder.tables, shop.settings)
    if run.replays:
        # The run is durable and will be applied whatever happens: its rows are not to be replayed again.
        shop.folder.state.decide(Decision(q, "replayed", {}) for q in run.replays)
    with shop.connect() as connection, _explained(run):
        record = apply_run(connection, where, run, datetime.now(UTC))
    reached("import.finished")
    if run.replays:
        reached("replay.finished")
    return record


def apply_run(
    connection: "duckdb.DuckDBPyConnection", where: Application, run: RawRun, finished_at: datetime
) -> IngestRun:
    """Merge the rows of a run, quarantine those that cannot be used, and record how all ended."""
    if run.kind == "duplicate":
        counts = RowCounts(rows_read=run.num_rows, rows_duplicate=run.num_rows)
        return _record(connection, where, run, counts, finished_at)
    mapping = mapping_from_json(run.mapping)
    _make_raw_view(connection, where, run, mapping)
    typed = _make_typed_views(connection, where.settings, mapping)
    merge = Merge(connection, where.tables, Stamp(run.run_id, run.source, run.recorded_at))
    merge.scan(typed)
    _find_unmapped(connection, typed)
    merged = [merge.merge(position) for position in range(len(typed))]
    primary = [outcome for rows, outcome in zip(typed, merged, strict=True) if rows.is_primary]
    quarantined = _quarantine(connection, where, run, typed, merged)
    reached("import.quarantine_committed")
    counts = RowCounts(
        rows_read=run.num_rows + run.num_rejected,
        rows_accepted=sum(outcome.num_accepted for outcome in primary),
        rows_updated=sum(outcome.num_updated for outcome in primary),
        rows_duplicate=sum(outcome.num_duplicate for outcome in primary),
        rows_quarantined=quarantined,
    )
    if not counts.is_complete():
        raise BackendError(
            f"The outcomes of run {run.run_id} do not add up",
            received=counts,
            do="This is a defect of Foresell: please report it with this message. Nothing is lost: "
            "the rows lie in the raw zone.",
        )
    return _record(connection, where, run, counts, finished_at)


def _make_raw_view(
    connection: "duckdb.DuckDBPyConnection", where: Application, run: RawRun, mapping: Mapping
) -> None:
    """`raw_all`: every row; `raw`: those not erased, with what the mapping prepares."""
    rows = raw_rows_sql(where.raw.part_paths(run))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_all AS {rows}")
    live = "SELECT * EXCLUDE (_erased) FROM raw_all WHERE NOT _erased"
    if mapping.prepare is None:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {live}")
    elif run.kind == "replay":
        _view_replayed(connection, live, mapping.prepare)
    else:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_live AS {live}")
        prepared = mapping.prepare.replace("{raw}", "raw_live")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE prepared AS {prepared}")
        connection.execute("CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM prepared")


def _view_replayed(connection: "duckdb.DuckDBPyConnection", live: str, prepare: str) -> None:
    """Replayed rows bring along what was prepared among the rows of their own file, and must keep it:

    prepared anew among the few replayed rows it would be another thing (the second of two like lines
    would become the first). A row that never was prepared has null there.
    """
    brought = [row[0] for row in connection.execute(f"DESCRIBE {live}").fetchall()]
    plain = "COLUMNS(c -> c = '_row_number' OR NOT starts_with(c, '_'))"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw_live AS SELECT {plain} FROM ({live})")
    prepared = connection.execute(f"DESCRIBE {prepare.replace('{raw}', 'raw_live')}").fetchall()
    missing = [f"NULL::{kind} AS {quoted(name)}" for name, kind, *_ in prepared if name not in brought]
    selected = ", ".join(["*", *missing])
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {selected} FROM ({live})")


def _make_typed_views(
    connection: "duckdb.DuckDBPyConnection", settings: Settings, mapping: Mapping
) -> list[TypedRows]:
    described = connection.execute("DESCRIBE raw").fetchall()
    raw_columns = {row[0]: row[1] for row in described if row[0] != "_row_number"}
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen_rows (n BIGINT)")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW raw_chosen AS SELECT * FROM raw "
        "WHERE _row_number IN (SELECT n FROM chosen_rows)"
    )
    typed: list[TypedRows] = []
    for position, target in enumerate(t for t in mapping.targets if _is_fed(t, raw_columns)):
        names = {"raw": f"typed_{position}", "raw_chosen": f"chosen_{position}"}
        for relation, view in names.items():
            select = normalize_sql(target, mapping, raw_columns, relation, settings)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {select}")
        table = TABLES[target.table]
        typed.append(TypedRows(table, names["raw"], names["raw_chosen"], _kind(target), target.is_primary))
    return typed


def _is_fed(target: Target, raw_columns: Collection[str]) -> bool:
    """Whether the file has a column for each key of the target; one that lacks it says nothing of it."""
    sources = [target.fields[name].columns for name in target.contract.key if name in target.fields]
    return target.is_primary or all(
        not columns or any(column in raw_columns for column in columns) for columns in sources
    )


def _kind(target: Target) -> Kind:
    if target.is_stub:
        return "stub"
    return "first_per_key" if target.is_one_per_key else "rows"


def _find_unmapped(connection: "duckdb.DuckDBPyConnection", typed: Sequence[TypedRows]) -> None:
    """Rows that no primary target takes; they are quarantined, never dropped."""
    scans = [f"SELECT n FROM scan_{i}" for i, rows in enumerate(typed) if rows.is_primary]
    taken = " UNION ALL ".join(scans)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE unmapped AS SELECT _row_number AS n FROM raw "
        f"WHERE _row_number NOT IN ({taken})"
        if len(scans) > 1 or _num_rows(connection, "raw") != _num_rows(connection, f"({taken})")
        else "CREATE OR REPLACE TEMP TABLE unmapped (n BIGINT)"
    )
    connection.execute("INSERT INTO bad_rows SELECT n, -1 FROM unmapped")


def _num_rows(connection: "duckdb.DuckDBPyConnection", relation: str) -> int:
    [(count,)] = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def _quarantine(
    connection: "duckdb.DuckDBPyConnection",
    where: Application,
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
    rejects = _rejects_sql(where.raw, run)
    select = f"""
        WITH first_fault AS (
            SELECT * FROM faults QUALIFY row_number() OVER (PARTITION BY n ORDER BY position) = 1
        ),
        raw_json AS (
            SELECT _row_number AS n, to_json(r) AS raw
            FROM (SELECT * FROM raw WHERE _row_number IN (SELECT n FROM faults)) r
        ),
        shifts AS ({_shifts_sql(where.raw, run)})
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
    return _commit_record(connection, where.tables, quarantine, f"SELECT {columns} FROM ({select})", run)


def _collect_faults(
    connection: "duckdb.DuckDBPyConnection", position: int, rows: TypedRows, merged: Merged
) -> None:
    table = literal(rows.table.name)
    if rows.kind != "stub":
        connection.execute("DELETE FROM chosen_rows")
        connection.execute(f"INSERT INTO chosen_rows SELECT n FROM bad_rows WHERE position = {position}")
        connection.execute(
            f"INSERT INTO faults SELECT _row_number, {position}, {table}, _error_code, _error_column, "
            f"_error_message FROM {rows.chosen} WHERE _error_code IS NOT NULL"
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


def _record(
    connection: "duckdb.DuckDBPyConnection",
    where: Application,
    run: RawRun,
    counts: RowCounts,
    finished_at: datetime,
) -> IngestRun:
    record = IngestRun(
        run_id=run.run_id,
        source=run.source,
        source_file=run.source_file,
        sha256=run.sha256,
        mapping=run.mapping,
        started_at=run.recorded_at,
        finished_at=finished_at,
        counts=counts,
        status="duplicate" if run.kind == "duplicate" else "finished",
    )
    fields = record.as_record()
    values = ", ".join(
        f"CAST({literal(str(fields[c.name]))} AS {c.sql_type}) AS {quoted(c.name)}"
        for c in ingest_runs.columns
    )
    _commit_record(connection, where.tables, ingest_runs, f"SELECT {values}", run)
    return record


def _commit_record(
    connection: "duckdb.DuckDBPyConnection", tables: DeltaFolder, table: Table, select: str, run: RawRun
) -> int:
    """Write rows of a record table once for the run; returns how many there are."""
    if tables.has_committed(table.name, run.run_id):
        return _num_rows(connection, f"({select})")
    written = write_parquet(connection, select, tables.folder(table.name) / run.run_id)
    if written:
        tables.commit(table, written, [], run.run_id)
    return sum(file.num_rows for file in written)


@contextmanager
def _explained(run: RawRun) -> Iterator[None]:
    """DuckDB's own failures, in words that say what is safe and what to do."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
        raise BackendError(
            f"Run {run.run_id} could not be written to the tables",
            received=plain_reason(error),
            do="Its rows are safe in the raw zone. Free disk space or memory, and run any writing "
            "command, such as `foresell rebuild`: it finishes the run first.",
        ) from error
