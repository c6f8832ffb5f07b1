"""Experiments in the state: what was declared, and when it ran. Rows are never removed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from foresell.contracts.errors import ConflictError
from foresell.store.state import State

ExperimentState = Literal["declared", "running", "stopped"]
# Stores made before experiments lack it; it is made with the first.
TABLE = """
CREATE TABLE IF NOT EXISTS experiments (
    experiment_id TEXT PRIMARY KEY, declaration TEXT NOT NULL, state TEXT NOT NULL, made_by TEXT NOT NULL,
    made_at TEXT NOT NULL, started_at TEXT, stopped_at TEXT, plan TEXT
) STRICT
"""
COLUMNS = "experiment_id, declaration, state, made_by, made_at, started_at, stopped_at, plan"


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """`declaration` and `plan`: JSON; the plan is made when it starts, and holds while it runs."""

    experiment_id: str
    declaration: str
    state: ExperimentState
    made_by: str
    made_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    plan: str | None


class ExperimentTable:
    def __init__(self, state: State) -> None:
        self.state = state

    def all(self) -> list[StoredExperiment]:
        """The newest first."""
        with self.state.reading() as connection:
            is_there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'experiments'"
            if not connection.execute(is_there).fetchone()[0]:
                return []
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM experiments ORDER BY made_at DESC, experiment_id"
            )
            return [_stored(*row) for row in rows]

    def find(self, experiment_id: str) -> StoredExperiment | None:
        return next((one for one in self.all() if one.experiment_id == experiment_id), None)

    def add(self, experiment_id: str, declaration: str, made_by: str) -> None:
        """ConflictError where the name was used before: what was exposed under it would be mixed up."""
        with self.state.connect() as connection:
            connection.execute(TABLE)
            done = connection.execute(
                "INSERT OR IGNORE INTO experiments (experiment_id, declaration, state, made_by, made_at) "
                "VALUES (?, ?, 'declared', ?, ?)",
                [experiment_id, declaration, made_by, _now()],
            )
        if done.rowcount != 1:
            raise ConflictError(f"There is an experiment '{experiment_id}' already", do="Give it a new name.")

    def start(self, experiment_id: str, plan: str, excluded: list[str]) -> bool:
        """False where it is not declared any more, or one of those `excluded` runs by now."""
        marks = ", ".join("?" for _ in excluded)
        with self.state.connect() as connection:
            done = connection.execute(
                "UPDATE experiments SET state = 'running', started_at = ?, plan = ? WHERE experiment_id = ? "
                "AND state = 'declared' AND NOT EXISTS (SELECT 1 FROM experiments WHERE state = 'running' "
                f"AND experiment_id IN ({marks}))",
                [_now(), plan, experiment_id, *excluded],
            )
            return done.rowcount == 1

    def stop(self, experiment_id: str) -> bool:
        """False where it does not run."""
        with self.state.connect() as connection:
            done = connection.execute(
                "UPDATE experiments SET state = 'stopped', stopped_at = ? WHERE experiment_id = ? "
                "AND state = 'running'",
                [_now(), experiment_id],
            )
            return done.rowcount == 1


def _stored(
    experiment_id: str,
    declaration: str,
    state: ExperimentState,
    made_by: str,
    made_at: str,
    started_at: str | None,
    stopped_at: str | None,
    plan: str | None,
) -> StoredExperiment:
    return StoredExperiment(
        experiment_id,
        declaration,
        state,
        made_by,
        datetime.fromisoformat(made_at),
        _at(started_at),
        _at(stopped_at),
        plan,
    )


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _now() -> str:
    return datetime.now(UTC).isoformat()
