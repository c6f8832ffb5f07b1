"""Derive `tables/` again from the raw zone and the state: to the same rows, run ids and times."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

from foresell.contracts.errors import BackendError
from foresell.contracts.results import ENTITY_KINDS, RESULTS, embeddings
from foresell.contracts.tables import Table
from foresell.privacy.erasure import is_buried_sql, load_tombstones
from foresell.privacy.tokens import prepare_tokens
from foresell.services.apply import Application, apply_run
from foresell.services.shop import Progress, Shop, silent
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder
from foresell.store.engine import ALL_TABLES, literal, quoted, read_files
from foresell.store.folder import COMPLETE_MARK, OLD_NAME, REBUILT_NAME
from foresell.store.parquet import write_parquet

VISITORS = ("anonymous_id", "session_id")


@dataclass(frozen=True)
class Rebuilt:
    """`num_rows`: table → rows recorded. `changed`: tables whose rows are not the same as before, by a
    hash over all of them; a table that could not be read before counts as changed."""

    num_runs: int
    num_rows: dict[str, int]
    changed: tuple[str, ...] = ()

    def as_record(self) -> dict[str, object]:
        return {"runs": self.num_runs, "rows": self.num_rows, "changed": list(self.changed)}


def rebuild_tables(shop: Shop, progress: Progress = silent) -> Rebuilt:
    """Rebuild the tables beside the old ones, then exchange them. The caller holds the lock.

    Readers see the old tables until the exchange.
    """
    before = _hashes(shop)
    target = DeltaFolder(shop.folder.root / REBUILT_NAME)
    shutil.rmtree(target.root, ignore_errors=True)
    target.root.mkdir()
    reached("rebuild.started")
    finished_at = _finish_times(shop)
    taken_back = shop.folder.state.rolled_back_runs()
    runs = [run for run in shop.folder.raw.runs() if run.run_id not in taken_back]
    where = Application(shop.folder.raw, target, shop.settings)
    for index, run in enumerate(runs):
        progress(f"rebuilding {run.source_file}", index, len(runs))
        with shop.connect() as connection:
            apply_run(connection, where, run, finished_at.get(run.run_id, datetime.now(UTC)))
        reached("rebuild.run_applied")
    _carry_results(shop, target)
    (target.root / COMPLETE_MARK).touch()
    reached("rebuild.complete")
    swap_tables(shop)
    progress("rebuilt", len(runs), len(runs))
    after = _hashes(shop)
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return Rebuilt(len(runs), _count_rows(shop), tuple(changed))


def _hashes(shop: Shop) -> dict[str, str | None]:
    """The hash of each table; None for one that cannot be read."""
    import duckdb

    hashes: dict[str, str | None] = {}
    for name in shop.folder.tables.names():
        try:
            if shop.folder.tables.files(name):
                hashes[name] = table_hash(shop, name)
        except (BackendError, duckdb.Error):
            hashes[name] = None
    return hashes


def _finish_times(shop: Shop) -> dict[str, datetime]:
    """When each run ended the first time, as far as the old tables still say it."""
    import duckdb

    try:
        with shop.reading() as tables:
            rows = tables.current("ingest_runs").select("run_id", "finished_at").to_pyarrow().to_pylist()
    except (BackendError, duckdb.Error):
        return {}
    return {row["run_id"]: row["finished_at"] for row in rows}


def _carry_results(shop: Shop, target: DeltaFolder) -> None:
    """Model results are not derived from the raw zone: bring them along, less those of erased people."""
    tombstones = shop.folder.state.tombstones()
    for name, table in RESULTS.items():
        # Logs do not lie among the tables, and stay as they are.
        files = shop.folder.tables.files(name)
        if not files:
            continue
        with shop.connect() as connection:
            prepare_tokens(connection, shop.key)
            load_tombstones(connection, tombstones)
            rows = f"(SELECT *, {is_kept_sql(table)} AS is_kept FROM ({read_files(table.columns, files)}))"
            select = f"SELECT * EXCLUDE (is_kept) FROM {rows} WHERE is_kept"
            if name == "customer_links":
                # What tied the rest of a person may have led over the erased id: all its links go.
                select += f" AND person_id NOT IN (SELECT person_id FROM {rows} WHERE NOT is_kept)"
            written = write_parquet(connection, select, target.folder(name) / "carried")
        if written:
            target.commit(table, written, [], "carried")


def is_kept_sql(table: Table) -> str:
    """The SQL condition that a row of a result table names nobody who was erased, on a connection that has
    the store's key and its tombstones."""
    buried = [is_buried_sql(kind, sql) for kind, sql in _identifiers(table)]
    return " AND ".join(f"NOT coalesce({condition}, false)" for condition in buried) or "true"


def _identifiers(table: Table) -> list[tuple[str, str]]:
    """The kinds of identifier in a result table, each with the SQL that gives it.

    What a model calls a customer may also be a visitor or a session that is nobody's yet.
    """
    if table is embeddings:
        return [
            (kind, f"CASE WHEN entity_type = {literal(entity)} THEN entity_id END")
            for entity, kinds in ENTITY_KINDS.items()
            for kind in kinds
        ]
    found = [(str(column.identifies), quoted(column.name)) for column in table.columns if column.identifies]
    if not table.has_lineage:
        found += [
            (kind, sql) for identified, sql in found if identified == "customer_id" for kind in VISITORS
        ]
    return found


def _count_rows(shop: Shop) -> dict[str, int]:
    with shop.reading() as tables:
        return {name: int(tables.history(name).count().execute()) for name in shop.folder.tables.names()}


def finish_swap(shop: Shop) -> None:
    """Finish the exchange of `tables/` for a rebuilt one, or discard an unfinished rebuild."""
    root = shop.folder.root
    rebuilt, old, tables = root / REBUILT_NAME, root / OLD_NAME, shop.folder.tables.root
    if (rebuilt / COMPLETE_MARK).exists():
        swap_tables(shop)
        return
    shutil.rmtree(rebuilt, ignore_errors=True)
    if old.exists() and not tables.exists():
        old.rename(tables)
    (tables / COMPLETE_MARK).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def swap_tables(shop: Shop) -> None:
    """Put the rebuilt tables in the place of the old ones; a crash between the steps is finished later."""
    root = shop.folder.root
    rebuilt, old, tables = root / REBUILT_NAME, root / OLD_NAME, shop.folder.tables.root
    if tables.exists():
        shutil.rmtree(old, ignore_errors=True)
        tables.rename(old)
    reached("rebuild.old_moved")
    rebuilt.rename(tables)
    reached("rebuild.swapped")
    (tables / COMPLETE_MARK).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)


def table_hash(shop: Shop, name: str) -> str:
    """A hash over all recorded rows of a table, whatever their order and files."""
    return _hash_columns(shop, name, [c.name for c in ALL_TABLES[name].columns])


def table_contents_hash(shop: Shop, name: str) -> str:
    """As `table_hash`, of what the rows say: without run ids and the times of runs."""
    table = ALL_TABLES[name]
    of_runs = {"ingest_run_id", "recorded_at", "run_id", "quarantine_id"}
    columns = [c.name for c in table.columns if c.name not in of_runs]
    return _hash_columns(shop, name, columns, is_superseded="superseded_at" in columns)


def _hash_columns(shop: Shop, name: str, columns: list[str], *, is_superseded: bool = False) -> str:
    replaced = " REPLACE (superseded_at IS NULL AS superseded_at)" if is_superseded else ""
    chosen = ", ".join(quoted(column) for column in columns)
    files = shop.folder.tables.files(name)
    rows = f"SELECT *{replaced} FROM (SELECT {chosen} FROM ({read_files(ALL_TABLES[name].columns, files)}))"
    with shop.connect() as connection:
        [(count, digest)] = connection.execute(
            f"SELECT count(*), CAST(sum(CAST(hash(r) AS HUGEINT)) AS VARCHAR) FROM ({rows}) r"
        ).fetchall()
    return f"{count}:{digest}"
