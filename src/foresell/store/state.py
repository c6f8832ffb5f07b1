"""What people decide, in SQLite (WAL): quarantine fixes, runs taken back, rules, tombstones, originals."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from foresell.contracts.errors import BackendError, DeniedError
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

# Stores made before rules lack it; it is made with the first rules. Rows are only ever added.
RULE_SETS = """
CREATE TABLE IF NOT EXISTS rule_sets (
    version INTEGER PRIMARY KEY, text TEXT NOT NULL, made_by TEXT NOT NULL, note TEXT NOT NULL,
    made_at TEXT NOT NULL
) STRICT;
"""

# SQLite's primary result codes of a place where nothing can be written.
UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a quarantined row; `fixes`: source column → corrected value."""

    quarantine_id: str
    status: QuarantineStatus
    fixes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of the rules of recommending, as written (TOML; empty: none), with who, when and why."""

    version: int
    text: str
    made_by: str
    note: str
    made_at: datetime


class State:
    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are committed together, or not at all."""
        with self._explained():
            connection = _open(self.path)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads, and can do so where nothing can be written."""
        with self._explained():
            connection = self._open_to_read()
            try:
                yield connection
            finally:
                connection.close()

    def _open_to_read(self) -> sqlite3.Connection:
        try:
            return _open(self.path)
        except sqlite3.OperationalError as error:
            # SQLite writes beside the file even to read it. Where it cannot, and the journal holds
            # nothing that is not in the file, the file alone says everything.
            journal = self.path.with_name(self.path.name + "-wal")
            has_journal = journal.exists() and journal.stat().st_size > 0
            if not self.path.exists() or has_journal or _primary_code(error) not in UNWRITABLE:
                raise
        return sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = _primary_code(error)
            if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise BackendError(
                    f"{self.path} cannot be written", received=error, do="Free disk space, and try again."
                ) from error
            if code in UNWRITABLE:
                raise DeniedError(
                    f"{self.path} cannot be written",
                    received=error,
                    do="Check the folder's owner and permissions, and that the disk is not read-only.",
                ) from error
            raise BackendError(
                f"{self.path} cannot be used",
                received=error,
                do="It is damaged or in use by another program: restore it from a backup of the store.",
            ) from error

    def create(self, store_id: str) -> None:
        with self.connect() as connection:
            connection.executescript(SCHEMA + RULE_SETS)
            meta = {"store_id": store_id, "format": FORMAT}
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())

    def meta(self, name: str) -> str | None:
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        with self.connect() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, value])

    def decisions(self) -> dict[str, Decision]:
        with self.reading() as connection:
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
        with self.reading() as connection:
            return {row[0] for row in connection.execute("SELECT run_id FROM rolled_back_runs")}

    def roll_back(self, run_ids: Iterable[str]) -> None:
        with self.connect() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO rolled_back_runs VALUES (?, ?)", [(run, _now()) for run in run_ids]
            )

    def tombstones(self) -> list[tuple[str, str]]:
        """(identifier kind, HMAC) of everything erased."""
        with self.reading() as connection:
            return [(kind, mark) for kind, mark in connection.execute("SELECT kind, token FROM tombstones")]

    def bury(self, tombstones: Iterable[tuple[str, str]]) -> None:
        with self.connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO tombstones VALUES (?, ?)", list(tombstones))

    def keep_originals(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        with self.connect() as connection:
            connection.executemany("INSERT OR IGNORE INTO originals VALUES (?, ?, ?)", rows)

    def original_tokens(self) -> list[str]:
        with self.reading() as connection:
            return [str(row[0]) for row in connection.execute("SELECT token FROM originals")]

    def forget_originals(self, marks: Iterable[str]) -> None:
        with self.connect() as connection:
            connection.executemany("DELETE FROM originals WHERE token = ?", [(mark,) for mark in marks])

    def rule_sets(self) -> list[RuleSet]:
        """Every version, oldest first; the last one is in force. Empty where there never were rules."""
        with self.reading() as connection:
            is_there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'rule_sets'"
            if not connection.execute(is_there).fetchone()[0]:
                return []
            rows = connection.execute(
                "SELECT version, text, made_by, note, made_at FROM rule_sets ORDER BY 1"
            )
            return [_rule_set(*row) for row in rows]

    def add_rule_set(self, text: str, made_by: str, note: str) -> RuleSet:
        """Supersede the rules in force. The version is the next one, also where two processes add at once."""
        with self.connect() as connection:
            connection.execute(RULE_SETS)
            [row] = connection.execute(
                "INSERT INTO rule_sets SELECT coalesce(max(version), 0) + 1, ?, ?, ?, ? FROM rule_sets "
                "RETURNING version, text, made_by, note, made_at",
                [text, made_by, note, _now()],
            ).fetchall()
            return _rule_set(*row)

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
        with self.reading() as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        return [] if rows == ["ok"] else rows

    def copy_to(self, path: Path) -> None:
        target = sqlite3.connect(path)
        try:
            with self.reading() as connection:
                connection.backup(target)
        finally:
            target.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _rule_set(version: int, text: str, made_by: str, note: str, made_at: str) -> RuleSet:
    return RuleSet(version, text, made_by, note, datetime.fromisoformat(made_at))


def _now() -> str:
    return datetime.now(UTC).isoformat()
