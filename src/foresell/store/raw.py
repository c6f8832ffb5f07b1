"""The raw zone: what came in, as it came, one folder a run, never changed except by erasure.

    raw/<run_id>/run.json   what the run is: enough to apply it again
                 part-*.parquet   the rows in file order; rejects.parquet: lines that are no rows

A run's folder appears whole, by one rename. From then on the run will be applied, whatever happens.
"""

import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from foresell.contracts.errors import BackendError
from foresell.store.engine import literal

RunKind = Literal["import", "replay", "duplicate", "repair"]
STAGING = ".staging-"


@dataclass(frozen=True)
class RawRun:
    """One run of the raw zone. `mapping` is the JSON of the mapping it was read with; `position`: where the
    next reading of its source begins, as JSON."""

    run_id: str
    kind: RunKind
    source: str
    source_file: str
    sha256: str
    mapping: str
    recorded_at: datetime
    num_rows: int
    num_rejected: int = 0
    parts: dict[str, str] = field(default_factory=dict)
    duplicate_of: str | None = None
    replays: tuple[str, ...] = ()
    position: str | None = None


class RawZone:
    def __init__(self, root: Path) -> None:
        self.root = root
        # Records that were read, with what their file was like then.
        self._read_before: dict[str, tuple[tuple[int, int, int], RawRun]] = {}

    def folder(self, run_id: str) -> Path:
        return self.root / run_id

    def staging(self, run_id: str) -> Path:
        folder = self.root / f"{STAGING}{run_id}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, run: RawRun) -> None:
        """Make a staged run durable and visible, whole."""
        staged = self.root / f"{STAGING}{run.run_id}"
        _write_record(staged, run)
        for path in staged.iterdir():
            _sync(path)
        _sync(staged)
        staged.rename(self.folder(run.run_id))
        _sync(self.root)

    def replace(self, run: RawRun) -> None:
        """Write a run's record again after erasure has rewritten its parts."""
        _write_record(self.folder(run.run_id), run)

    def runs(self) -> list[RawRun]:
        """Every run, in the order in which they were recorded. Records are read once, and again when they
        were written again: live events make thousands a day."""
        known, found = self._read_before, {}
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            name, path = folder.name, folder / "run.json"
            try:
                now = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            sign = now.st_ino, now.st_mtime_ns, now.st_size
            kept = known.get(name)
            if not name.startswith("."):
                found[name] = kept if kept is not None and kept[0] == sign else (sign, self._read(path))
        self._read_before = found
        return sorted((run for _, run in found.values()), key=lambda run: (run.recorded_at, run.run_id))

    def has(self, run_id: str) -> bool:
        """Whether the run is published."""
        return (self.folder(run_id) / "run.json").exists()

    def clear_staging(self) -> bool:
        """Remove what crashed imports left before they became durable; whether there was any."""
        left = list(self.root.glob(f"{STAGING}*"))
        for folder in left:
            shutil.rmtree(folder)
        return bool(left)

    def part_paths(self, run: RawRun) -> list[Path]:
        return [self.folder(run.run_id) / name for name in sorted(run.parts) if name.startswith("part-")]

    def rejects_path(self, run: RawRun) -> Path | None:
        path = self.folder(run.run_id) / "rejects.parquet"
        return path if path.exists() else None

    def _read(self, path: Path) -> RawRun:
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BackendError(
                f"{path} is damaged", received=error, do="Restore it from a backup of the store."
            ) from error
        record["recorded_at"] = datetime.fromisoformat(record["recorded_at"])
        record["replays"] = tuple(record["replays"])
        # Thousands of runs have the same one.
        record["mapping"] = sys.intern(record["mapping"])
        return RawRun(**record)


def new_run_id(now: datetime) -> str:
    """Sortable by time, unique by chance."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def hash_parts(folder: Path) -> dict[str, str]:
    """The sha256 of every Parquet file of a run's folder, by name."""
    return {path.name: file_sha256(path) for path in sorted(folder.glob("*.parquet"))}


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def raw_rows_sql(paths: Sequence[Path]) -> str:
    """A SELECT over a run's parts with `_row_number`, from 1 in file order, and `_erased`."""
    if not paths:
        return "SELECT NULL::BIGINT AS _row_number, false AS _erased WHERE false"
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        "SELECT * EXCLUDE (filename, file_row_number, _erased), coalesce(_erased, false) AS _erased, "
        f"file_row_number + {_first_row_sql(paths)} AS _row_number "
        "FROM (SELECT NULL::BOOLEAN AS _erased WHERE false UNION ALL BY NAME SELECT * FROM "
        f"read_parquet([{files}], filename=true, file_row_number=true, union_by_name=true))"
    )


def _first_row_sql(paths: Sequence[Path]) -> str:
    """The number of the first row of each part."""
    if len(paths) == 1:
        return "1"
    import pyarrow.parquet as pq

    cases, first = [], 1
    for path in paths:
        cases.append(f"WHEN {literal(str(path))} THEN {first}")
        first += pq.read_metadata(path).num_rows
    return f"CASE filename {' '.join(cases)} END"


def _write_record(folder: Path, run: RawRun) -> None:
    record = {**asdict(run), "recorded_at": run.recorded_at.isoformat(), "replays": list(run.replays)}
    path = folder / "run.json"
    temporary = folder / ".run.json.new"
    temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
    _sync(temporary)
    temporary.rename(path)


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
