"""Take a repair's run out of the tables, to exactly the rows of a store in which it never happened.

That a run is undone is decided in the state; from then on it will be, whatever happens. Where
nothing was written to its tables since, its commits are reversed: the files from before are still there.
Else the tables are derived again without it.
"""

from pathlib import Path

from foresell.contracts.records import RECORDS
from foresell.services.rebuild import rebuild_tables
from foresell.services.shop import Progress, Shop, silent
from foresell.store.crash_points import reached
from foresell.store.delta import DeltaFolder, WrittenFile
from foresell.store.engine import ALL_TABLES
from foresell.store.raw import RawRun


def finish_undo(shop: Shop, progress: Progress = silent) -> None:
    """Take out every repair that is undone and still stands in the tables. The caller holds the lock."""
    undone = shop.folder.state.rolled_back_runs()
    if not undone:
        return
    standing = [
        run
        for run in shop.folder.raw.runs()
        if run.kind == "repair" and run.run_id in undone and _is_recorded(shop, run)
    ]
    # The last first: it may lie over the others.
    for index, run in enumerate(reversed(standing)):
        progress(f"undoing {run.source_file}", index, len(standing))
        if not _reverse(shop.folder.tables, run):
            rebuild_tables(shop, progress)
            return


def _is_recorded(shop: Shop, run: RawRun) -> bool:
    tables = shop.folder.tables
    return tables.has_committed("ingest_runs", run.run_id) and not tables.has_committed(
        "ingest_runs", _mark(run)
    )


def _mark(run: RawRun) -> str:
    return f"{run.run_id}/undone"


def _reverse(tables: DeltaFolder, run: RawRun) -> bool:
    """Reverse a run's commits, its record last; False, and nothing done, where later ones lie over them."""
    touched = [name for name in tables.names() if _first_transaction(tables, name, run) is not None]
    if not all(_can_reverse(tables, name, run) for name in touched):
        return False
    for name in sorted(touched, key=lambda name: name in RECORDS):
        if tables.has_committed(name, _mark(run)):
            continue
        if name in RECORDS:
            tables.commit(ALL_TABLES[name], [], _own_files(tables, name, run), _mark(run))
        else:
            before = set(tables.files_before(name, _first_transaction(tables, name, run) or ""))
            now = set(tables.files(name))
            again = [_as_written(Path(uri)) for uri in sorted(before - now)]
            tables.commit(ALL_TABLES[name], again, sorted(now - before), _mark(run))
        reached("undo.table_committed")
    return True


def _can_reverse(tables: DeltaFolder, name: str, run: RawRun) -> bool:
    """Whether the run's commits are the last of the table, and the files from before are there; of a record
    table, whether its rows lie apart."""
    if tables.has_committed(name, _mark(run)):
        return True
    if name in RECORDS:
        return bool(_own_files(tables, name, run))
    first, last = _first_transaction(tables, name, run), _last_transaction(tables, name, run)
    if first is None or last is None or tables.version_of(name, last) != tables.version(name):
        return False
    num_own = sum(tables.has_committed(name, transaction) for transaction in _transactions(run))
    if tables.version_of(name, last) - tables.version_of(name, first) + 1 != num_own:
        return False
    return all(Path(uri).exists() for uri in tables.files_before(name, first))


def _transactions(run: RawRun) -> list[str]:
    """What marks the commits of a run, in their order: one a part, and its records."""
    parts = sorted(name for name in run.parts if name.startswith("part-"))
    return [*(f"{run.run_id}/{position}" for position in range(len(parts))), run.run_id]


def _first_transaction(tables: DeltaFolder, name: str, run: RawRun) -> str | None:
    return next((t for t in _transactions(run) if tables.has_committed(name, t)), None)


def _last_transaction(tables: DeltaFolder, name: str, run: RawRun) -> str | None:
    return next((t for t in reversed(_transactions(run)) if tables.has_committed(name, t)), None)


def _own_files(tables: DeltaFolder, name: str, run: RawRun) -> list[str]:
    """The files of a record table that hold the run's rows alone; none where they were joined to others."""
    return [uri for uri in tables.files(name) if Path(uri).parent.name == run.run_id]


def _as_written(path: Path) -> WrittenFile:
    import pyarrow.parquet as pq

    return WrittenFile(path, pq.read_metadata(path).num_rows, path.stat().st_size)
