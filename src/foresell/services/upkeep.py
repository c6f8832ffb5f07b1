"""Care of the store: rebuild, versions, taking bad loads back, compacting, verification."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from foresell.contracts.errors import NotFoundError
from foresell.contracts.records import RowCounts
from foresell.privacy.originals import read_original
from foresell.services.access.audit import audit_log
from foresell.services.rebuild import Rebuilt, rebuild_tables
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing
from foresell.store.raw import file_sha256


@dataclass(frozen=True, slots=True)
class StoreVersion:
    """The store as a run left it. `is_taken_back`: the run was rolled back and counts no more."""

    run_id: str
    kind: str
    source_file: str
    recorded_at: datetime
    num_rows: int
    is_taken_back: bool

    def as_record(self) -> dict[str, object]:
        return {**asdict(self), "recorded_at": self.recorded_at.isoformat()}


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` looked at and what it found wrong; sound when `problems` is empty.

    `notes`: what a killed process left behind in a log, which does no harm.
    """

    num_files: int
    num_runs: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def as_record(self) -> dict[str, object]:
        return {
            "files": self.num_files,
            "runs": self.num_runs,
            "problems": list(self.problems),
            "notes": list(self.notes),
        }


def rebuild(shop: Shop, progress: Progress = silent) -> Rebuilt:
    """Derive the tables again from the raw zone and the state."""
    with writing(shop, "rebuild", progress):
        return rebuild_tables(shop, progress)


def versions(shop: Shop) -> list[StoreVersion]:
    """Every run, oldest first: each is a version of the store to which `restore` can go back."""
    taken_back = shop.folder.state.rolled_back_runs()
    return [
        StoreVersion(
            run.run_id,
            run.kind,
            run.source_file,
            run.recorded_at,
            run.num_rows + run.num_rejected,
            run.run_id in taken_back,
        )
        for run in shop.folder.raw.runs()
    ]


def restore(shop: Shop, run_id: str, progress: Progress = silent) -> Rebuilt:
    """Go back to the store as it was after a run: later runs are taken back, and tables derived again.

    The raw rows of later runs stay, but they count no more; their files can be imported again.
    """
    with writing(shop, "restore", progress):
        runs = [version.run_id for version in versions(shop) if not version.is_taken_back]
        if run_id not in runs:
            raise NotFoundError(
                f"There is no run '{run_id}' to go back to", do="`foresell store versions` lists them."
            )
        _roll_back(shop, runs[runs.index(run_id) + 1 :])
        return rebuild_tables(shop, progress)


def take_back(shop: Shop, run_ids: Sequence[str], progress: Progress = silent) -> Rebuilt:
    """Take back single runs, such as a bad load, with the replays of their rows; derive the tables again.

    It is decided before interrupted work is finished: a run that cannot be applied, say for want of
    disk space, can so be given up.
    """
    with shop.folder.writer_lock("restore"):
        known = {version.run_id for version in versions(shop) if not version.is_taken_back}
        unknown = [run_id for run_id in run_ids if run_id not in known]
        if unknown:
            raise NotFoundError(
                f"There is no run '{unknown[0]}' to take back", do="`foresell store versions` lists them."
            )
        _roll_back(shop, run_ids)
    return rebuild(shop, progress)


def _roll_back(shop: Shop, run_ids: Sequence[str]) -> None:
    """Take back runs, and the replays of their rows; rows whose replay is taken back are open again."""
    replays = [run for run in shop.folder.raw.runs() if run.replays]
    gone = set(run_ids)
    for run in replays:
        # Replays of replayed rows come later in the list.
        if any(quarantine_id.rpartition(":")[0] in gone for quarantine_id in run.replays):
            gone.add(run.run_id)
    shop.folder.state.roll_back(sorted(gone))
    shop.folder.state.forget_decisions(q for run in replays if run.run_id in gone for q in run.replays)


def compact(shop: Shop, progress: Progress = silent) -> dict[str, int]:
    """Join the small files of every table; returns table → files joined. Old versions stay readable."""
    joined = {}
    with writing(shop, "compact", progress):
        names = shop.folder.tables.names()
        for index, name in enumerate(names):
            progress(f"compacting {name}", index, len(names))
            joined[name] = shop.folder.tables.compact(name)
    return joined


def verify(shop: Shop, progress: Progress = silent) -> Verification:
    """Check every file against its hash, every table against its log, and every run's counts."""
    problems = list(shop.folder.state.problems())
    runs = shop.folder.raw.runs()
    num_files = 0
    for index, run in enumerate(runs):
        progress(f"verifying {run.source_file}", index, len(runs))
        for name, sha256 in run.parts.items():
            num_files += 1
            path = shop.folder.raw.folder(run.run_id) / name
            if not path.exists():
                problems.append(f"raw/{run.run_id}/{name} is missing")
            elif file_sha256(path) != sha256:
                problems.append(f"raw/{run.run_id}/{name} has changed since it was written")
    checked, faults = _verify_tables(shop)
    problems += faults + _verify_counts(shop)
    logs = [log.faults() for log in shop.folder.logs.values()]
    problems += [problem for found in logs for problem in found.problems]
    audit = audit_log(shop).faults()
    problems += [f"logs/audit: {problem}" for problem in audit.problems]
    events = shop.folder.events.faults()
    problems += events.problems
    num_files += checked + sum(found.num_files for found in (*logs, events))
    notes = tuple(note for found in (*logs, events) for note in found.notes)
    return Verification(num_files, len(runs), tuple(problems), notes)


def read_kept_original(shop: Shop, token: str) -> str:
    """The direct identifier behind a token; NotFoundError where it was not kept, or is erased."""
    return read_original(shop.folder.state, shop.key, token)


def _verify_tables(shop: Shop) -> tuple[int, list[str]]:
    """Every file that a log names must be there and readable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from foresell.contracts.errors import BackendError

    problems: list[str] = []
    checked = 0
    for name in shop.folder.tables.names():
        try:
            files = shop.folder.tables.files(name)
        except BackendError as error:
            problems.append(error.message)
            continue
        for uri in files:
            checked += 1
            try:
                pq.read_metadata(uri)
            except (OSError, pa.ArrowException) as error:
                problems.append(f"tables/{name}: {Path(uri).name} cannot be read: {error}")
    return checked, problems


def _verify_counts(shop: Shop) -> list[str]:
    problems = []
    with shop.reading() as tables:
        for record in tables.current("ingest_runs").to_pyarrow().to_pylist():
            counts = RowCounts(**{name: record[name] for name in RowCounts.__slots__})
            if not counts.is_complete():
                problems.append(f"run {record['run_id']}: its outcomes do not add up to its rows")
    return problems


def store_summary(shop: Shop) -> dict[str, object]:
    """What the store holds, for `foresell store info`."""
    with shop.reading() as tables:
        names = [
            *shop.folder.tables.names(),
            *(name for name, log in shop.folder.logs.items() if log.files()),
        ]
        rows = {name: int(tables.current(name).count().execute()) for name in names}
    return {
        "store": str(shop.folder.root),
        "name": shop.settings.store.name,
        "rows": rows,
        "delta_versions": shop.folder.tables.versions(),
        "read_at": datetime.now(UTC).isoformat(),
    }
