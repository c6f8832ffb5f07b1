"""What people decide, in SQLite (WAL): quarantine fixes, runs taken back, tombstones, kept originals."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from foresell.contracts.errors import BackendError
from foresell.contracts.records import QuarantineStatus

FORMAT = "1"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS quarantine_decisions (
    quarantine_id TEXT PRIMARY KEY, status TEXT NOT NULL, fixes TEXT NOT NULL, decided_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS rolled_back_runs (run_id TEXT PRIMARY KEY, decided_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tombstones (kind TEXT, token TEXT, PRIMARY KEY (kind, token)) STRICT;
CREATE TABLE IF NOT EXISTS originals (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, ciphertext BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a quarantined row; `fixes`: source column → corrected value."""

    quarantine_id: str
    status: QuarantineStatus
    fixes: Mapping[str, str]


class State:
    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are committed together, or not at all."""
        try:
            connection = sqlite3.connect(self.path, timeout=30)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA secure_delete=ON")
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise BackendError(
                f"{self.path} cannot be used", received=error, do="Run `foresell store verify`."
            ) from error

    def create(self, store_id: str) -> None:
        with self.connect() as connection:
            connection.executescript(SCHEMA)
            meta = {"store_id": store_id, "format": FORMAT}
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())

    def meta(self, name: str) -> str | None:
        with self.connect() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        with self.connect() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, value])

    def decisions(self) -> dict[str, Decision]:
        with self.connect() as connection:
            rows = connection.execute("SELECT quarantine_id, status, fixes FROM quarantine_decisions")
            return {row[0]: Decision(row[0], row[1], json.loads(row[2])) for row in rows}

    def decide(self, decisions: Iterable[Decision]) -> None:
        rows = [(d.quarantine_id, d.status, json.dumps(dict(d.fixes)), _now()) for d in decisions]
        with self.connect() as connection:
            connection.executemany("INSERT OR REPLACE INTO quarantine_decisions VALUES (?, ?, ?, ?)", rows)

    def forget_decisions(self, quarantine_ids: Iterable[str]) -> None:
        with self.connect() as connection:
            connection.executemany(
                "DELETE FROM quarantine_decisions WHERE quarantine_id = ?", [(q,) for q in quarantine_ids]
            )

    def rolled_back_runs(self) -> set[str]:
        with self.connect() as connection:
            return {row[0] for row in connection.execute("SELECT run_id FROM rolled_back_runs")}

    def roll_back(self, run_ids: Iterable[str]) -> None:
        with self.connect() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO rolled_back_runs VALUES (?, ?)", [(run, _now()) for run in run_ids]
            )

    def tombstones(self) -> list[tuple[str, str]]:
        """(identifier kind, HMAC) of everything erased."""
        with self.connect() as connection:
            return [(kind, mark) for kind, mark in connection.execute("SELECT kind, token FROM tombstones")]

    def bury(self, tombstones: Iterable[tuple[str, str]]) -> None:
        with self.connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?, ?)", list(tombstones))

    def keep_originals(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        with self.connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO originals VALUES (?, ?, ?)", rows)

    def original(self, mark: str) -> bytes | None:
        with self.connect() as connection:
            row = connection.execute("SELECT ciphertext FROM originals WHERE token = ?", [mark]).fetchone()
        return None if row is None else bytes(row[0])

    def original_tokens(self) -> list[str]:
        with self.connect() as connection:
            return [str(row[0]) for row in connection.execute("SELECT token FROM originals")]

    def forget_originals(self, marks: Iterable[str]) -> None:
        with self.connect() as connection:
            connection.executemany("DELETE FROM originals WHERE token = ?", [(mark,) for mark in marks])

    def vacuum(self) -> None:
        """Leave no trace of deleted rows in the file or its journal."""
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()

    def problems(self) -> list[str]:
        """What SQLite's own check finds wrong; empty when sound."""
        with self.connect() as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        return [] if rows == ["ok"] else rows

    def copy_to(self, path: Path) -> None:
        target = sqlite3.connect(path)
        try:
            with self.connect() as connection:
                connection.backup(target)
        finally:
            target.close()


def _now() -> str:
    return datetime.now(UTC).isoformat()
