"""Apply one run of the raw zone to the tables: the one path of import, replay, recovery and rebuild.

Applying is idempotent: each table commits a run once, and counting again gives the same counts.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, plain_reason
from foresell.contracts.records import IngestRun, RowCounts, ingest_runs
from foresell.contracts.settings import Settings
from foresell.services.faults import commit_record, num_rows, write_quarantine
from foresell.services.shop import Shop
from foresell.services.snapshot import as_dump
from foresell.services.typed_views import view_raw, view_typed
from foresell.sources.mapping import mapping_from_json
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import literal, quoted
from foresell.store.merge import Merge, Stamp, TypedRows
from foresell.store.raw import RawRun, RawZone
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
    runs = {run.run_id: run for run in shop.folder.raw.runs() if run.run_id not in taken_back}
    ended = shop.folder.tables.committed("ingest_runs", runs)
    return [run for run in runs.values() if run.run_id not in ended]


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
        from foresell.services.corrections import apply_corrections

        counts = apply_corrections(connection, where.raw, where.tables, where.settings, run)
        return _record(connection, where, run, counts, finished_at)
    mapping = mapping_from_json(run.mapping)
    view_raw(connection, where.raw.part_paths(run), mapping, is_replay=run.kind == "replay")
    typed = view_typed(connection, where.settings, mapping, run.num_rows)
    stamp = Stamp(run.run_id, run.source, run.recorded_at)
    merge = Merge(connection, where.tables, stamp)
    stated = len(typed)
    if mapping.snapshot_at is not None:
        at = datetime.fromisoformat(mapping.snapshot_at)
        # A line that could not be split has a key that nobody can read: it may be any of those that lack.
        is_whole = run.kind == "import" and not run.num_rejected
        typed = as_dump(connection, where.tables, stamp, at, typed, is_whole=is_whole)
    merge.scan(typed)
    _find_unmapped(connection, typed)
    merged = [merge.merge(position) for position in range(len(typed))]
    num_retired = sum(outcome.num_updated for outcome in merged[stated:])
    primary = [outcome for rows, outcome in zip(typed, merged, strict=True) if rows.is_primary]
    quarantined = write_quarantine(connection, where.tables, where.raw, run, typed[:stated], merged[:stated])
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
    return _record(connection, where, run, counts, finished_at, num_retired)


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
    num_retired: int = 0,
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
        keys_retired=num_retired,
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
    except duckdb.Error as error:
        raise BackendError(
            f"Run {run.run_id} cannot be applied to the tables",
            received=plain_reason(error),
            do=f"Nothing else can be written before: take it back with `foresell store restore --take-back "
            f"{run.run_id}`, correct the file or its mapping, and import it again.",
        ) from error
