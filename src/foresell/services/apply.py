"""Apply one run of the raw zone to the tables: the one path of import, replay, recovery and rebuild.

Applying is idempotent: each table commits a run once, and counting again gives the same counts.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, plain_reason
from foresell.contracts.records import IngestRun, RowCounts, ingest_runs
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.services.corrections import apply_corrections
from foresell.services.faults import commit_record, num_rows, write_quarantine
from foresell.services.shop import Shop
from foresell.sources.mapping import Mapping, Target, mapping_from_json
from foresell.sources.normalize import normalize_sql
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted
from foresell.store.merge import Merge, Stamp, TypedRows
from foresell.store.merge_plans import Kind
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
    if run.kind == "repair":
        counts = apply_corrections(connection, where.raw, where.tables, where.settings, run)
        return _record(connection, where, run, counts, finished_at)
    mapping = mapping_from_json(run.mapping)
    _make_raw_view(connection, where, run, mapping)
    typed = _make_typed_views(connection, where.settings, mapping)
    merge = Merge(connection, where.tables, Stamp(run.run_id, run.source, run.recorded_at))
    merge.scan(typed)
    _find_unmapped(connection, typed)
    merged = [merge.merge(position) for position in range(len(typed))]
    primary = [outcome for rows, outcome in zip(typed, merged, strict=True) if rows.is_primary]
    quarantined = write_quarantine(connection, where.tables, where.raw, run, typed, merged)
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
    plain = "COLUMNS(lambda c: c = '_row_number' OR NOT starts_with(c, '_'))"
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
        absent = _absent_columns(target, raw_columns)
        typed.append(
            TypedRows(table, names["raw"], names["raw_chosen"], _kind(target), target.is_primary, absent)
        )
    return typed


def _is_fed(target: Target, raw_columns: Collection[str]) -> bool:
    """Whether the file has a column for each key of the target; one that lacks it says nothing of it."""
    sources = [target.fields[name].columns for name in target.contract.key if name in target.fields]
    return target.is_primary or all(
        not columns or any(column in raw_columns for column in columns) for columns in sources
    )


def _absent_columns(target: Target, raw_columns: Collection[str]) -> frozenset[str]:
    """The columns that will be null in every row. A currency is never absent: it has a default."""
    names = {column.name for column in target.contract.own_columns} - {"currency"}
    mapped = {
        name
        for name, source in target.fields.items()
        if source.sql is not None
        or source.value is not None
        or any(column in raw_columns for column in source.columns)
    }
    return frozenset(names - mapped)


def _kind(target: Target) -> Kind:
    if target.is_stub:
        return "stub"
    if target.is_retired:
        return "retired"
    return "first_per_key" if target.is_one_per_key else "rows"


def _find_unmapped(connection: "duckdb.DuckDBPyConnection", typed: Sequence[TypedRows]) -> None:
    """Rows that no primary target takes; they are quarantined, never dropped."""
    scans = [f"SELECT n FROM scan_{i}" for i, rows in enumerate(typed) if rows.is_primary]
    taken = " UNION ALL ".join(scans)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE unmapped AS SELECT _row_number AS n FROM raw "
        f"WHERE _row_number NOT IN ({taken})"
        if len(scans) > 1 or num_rows(connection, "raw") != num_rows(connection, f"({taken})")
        else "CREATE OR REPLACE TEMP TABLE unmapped (n BIGINT)"
    )
    connection.execute("INSERT INTO bad_rows SELECT n, -1 FROM unmapped")


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
    commit_record(connection, where.tables, ingest_runs, f"SELECT {values}", run)
    return record


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
