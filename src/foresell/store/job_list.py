"""Long work that was asked for, in the state: every process sees the same list, whoever does the work."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from foresell.contracts.errors import ConflictError, NotFoundError
from foresell.store.state import State

# Stores made before there were jobs lack it; it is made with the first.
JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, asked_by TEXT NOT NULL,
    state TEXT NOT NULL, asked_at TEXT NOT NULL, seen_at TEXT NOT NULL, doing TEXT NOT NULL DEFAULT '',
    done REAL NOT NULL DEFAULT 0, total REAL, ended_at TEXT, fault TEXT NOT NULL DEFAULT '',
    is_stopping INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL DEFAULT 'null'
) STRICT;
"""
COLUMNS = (
    "job_id, kind, subject, asked_by, state, asked_at, seen_at, doing, done, total, ended_at, fault, "
    "is_stopping, result"
)
WAITING, RUNNING, FINISHED, FAILED, CANCELLED = "waiting", "running", "finished", "failed", "cancelled"
LIVE = (WAITING, RUNNING)
# Whoever does a job says every few seconds that it lives; after this it is taken for dead.
SILENCE = timedelta(seconds=30)
DIED = "Its process ended without a word: it was killed, or the machine was. Start it again."
MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class ListedJob:
    """`kind` and `subject`: what is done, to what; `by`: who asked for it. `done` of `total` steps (None:
    unknown) of `doing`. `fault`: what happened and what to do, where it failed."""

    job_id: int
    kind: str
    subject: str
    by: str
    state: str
    asked_at: datetime
    seen_at: datetime
    doing: str
    done: float
    total: float | None
    ended_at: datetime | None
    fault: str
    is_stopping: bool
    result: object

    @property
    def share(self) -> float | None:
        """How much of it is done (0–1); None: unknown."""
        if self.state == FINISHED:
            return 1.0
        return min(1.0, self.done / self.total) if self.total else None

    def as_record(self) -> dict[str, object]:
        return {
            "job_id": self.job_id,
            "kind": self.kind,
            "subject": self.subject,
            "by": self.by,
            "state": self.state,
            "asked_at": self.asked_at.isoformat(),
            "doing": self.doing,
            "share": self.share,
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "fault": self.fault,
            "is_stopping": self.is_stopping,
            "result": self.result,
        }


class JobList:
    """Safe for many threads and processes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, kind: str, subject: str, by: str) -> int:
        """Note that something is to be done; returns its number. The oldest that have ended are forgotten."""
        now = _now()
        with self._writing() as connection:
            [(job_id,)] = connection.execute(
                "INSERT INTO jobs (kind, subject, asked_by, state, asked_at, seen_at) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING job_id",
                [kind, subject, by, WAITING, now, now],
            ).fetchall()
            connection.execute(
                "DELETE FROM jobs WHERE state NOT IN (?, ?) AND job_id <= ?", [*LIVE, job_id - MOST_KEPT]
            )
        return int(job_id)

    def all(self) -> list[ListedJob]:
        """The newest first. One whose process is silent for long is told as failed."""
        with self._state.reading() as connection:
            is_there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'jobs'"
            if not connection.execute(is_there).fetchone()[0]:
                return []
            rows = connection.execute(f"SELECT {COLUMNS} FROM jobs ORDER BY job_id DESC").fetchall()
        return [_job(row) for row in rows]

    def find(self, job_id: int) -> ListedJob:
        for job in self.all():
            if job.job_id == job_id:
                return job
        raise NotFoundError(f"There is no job {job_id}", do="The list of jobs has those that are kept.")

    def is_next(self, job_id: int) -> bool:
        """Whether no job before it waits or runs: they are done one at a time."""
        return not any(job.job_id < job_id and job.state in LIVE for job in self.all())

    def begin(self, job_id: int) -> bool:
        """Whether it is to be done: False where somebody stopped it while it waited."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = ?, seen_at = ? WHERE job_id = ? AND state = ?",
                [RUNNING, _now(), job_id, WAITING],
            )
            return changed.rowcount == 1

    def live(self, job_id: int) -> None:
        """Whoever does it still lives."""
        with self._writing() as connection:
            connection.execute("UPDATE jobs SET seen_at = ? WHERE job_id = ?", [_now(), job_id])

    def progress(self, job_id: int, doing: str, done: float, total: float | None) -> bool:
        """Note how far it is; whether it is to stop."""
        with self._writing() as connection:
            [(is_stopping,)] = connection.execute(
                "UPDATE jobs SET doing = ?, done = ?, total = ?, seen_at = ? WHERE job_id = ? "
                "RETURNING is_stopping",
                [doing, done, total, _now(), job_id],
            ).fetchall()
        return bool(is_stopping)

    def end(self, job_id: int, state: str, fault: str = "", result: object = None) -> None:
        told = json.dumps(result, default=str)
        with self._writing() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, fault = ?, result = ?, ended_at = ?, is_stopping = 0 "
                "WHERE job_id = ?",
                [state, fault, told, _now(), job_id],
            )

    def stop(self, job_id: int) -> ListedJob:
        """End it at its next step; one that waits never begins. ConflictError for one that has ended."""
        found = self.find(job_id)
        if found.state not in LIVE:
            raise ConflictError(f"Job {job_id} has ended", received=found.state)
        with self._writing() as connection:
            waits = connection.execute(
                "UPDATE jobs SET state = ?, ended_at = ? WHERE job_id = ? AND state = ?",
                [CANCELLED, _now(), job_id, WAITING],
            )
            if waits.rowcount == 0:
                connection.execute("UPDATE jobs SET is_stopping = 1 WHERE job_id = ?", [job_id])
        return self.find(job_id)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._state.connect() as connection:
            connection.execute(JOBS)
            yield connection


def _job(row: tuple[object, ...]) -> ListedJob:
    values = list(row)
    for place in (5, 6, 10):
        values[place] = None if values[place] is None else datetime.fromisoformat(str(values[place]))
    values[12], values[13] = bool(values[12]), json.loads(str(values[13]))
    job = ListedJob(*values)  # type: ignore[arg-type]  # as the columns are declared
    if job.state in LIVE and datetime.now(UTC) - job.seen_at > SILENCE:
        values[4], values[10], values[11] = FAILED, job.seen_at, DIED
        return ListedJob(*values)  # type: ignore[arg-type]
    return job


def _now() -> str:
    return datetime.now(UTC).isoformat()
