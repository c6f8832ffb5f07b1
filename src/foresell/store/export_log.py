"""What left the store: an entry an export, written before its first row leaves, beside what people decide.

An entry is closed with how the export ended. One that stays open is of a process that was killed: what it had
written by then nobody knows, so it counts as gone out. No row and no id of a person is in it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from foresell.store.state import State

Outcome = Literal["open", "finished", "failed"]

# Stores made before exports lack it; it is made with the first one. Entries are closed, and never removed.
EXPORTS = """
CREATE TABLE IF NOT EXISTS exports (
    export_id INTEGER PRIMARY KEY, name TEXT NOT NULL, target TEXT NOT NULL, exported_by TEXT NOT NULL,
    details TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT NOT NULL, num_rows INTEGER,
    sha256 TEXT
) STRICT;
"""
COLUMNS = "export_id, name, target, exported_by, details, begun_at, ended_at, outcome, num_rows, sha256"


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """`target`: a file, or a database and its table, never a password. `details`: what was chosen of the
    table. `num_rows`: None unless it finished. `sha256`: of the file that it became or was about to become.
    """

    export_id: int
    name: str
    target: str
    exported_by: str
    details: Mapping[str, object]
    begun_at: datetime
    ended_at: datetime | None
    outcome: Outcome
    num_rows: int | None
    sha256: str | None

    def as_record(self) -> dict[str, object]:
        """JSON-ready; times in ISO 8601, UTC."""
        ended = None if self.ended_at is None else self.ended_at.isoformat()
        return {**asdict(self), "begun_at": self.begun_at.isoformat(), "ended_at": ended}


def open_entry(state: State, name: str, target: str, exported_by: str, details: Mapping[str, object]) -> int:
    """Write down that an export begins; returns its id. What cannot be written down (see `State.connect`)
    does not leave."""
    with state.connect() as connection:
        connection.execute(EXPORTS)
        cursor = connection.execute(
            "INSERT INTO exports (name, target, exported_by, details, begun_at, outcome) "
            "VALUES (?, ?, ?, ?, ?, 'open')",
            [name, target, exported_by, json.dumps(dict(details)), _now()],
        )
        return int(cursor.lastrowid or 0)


def note_file(state: State, export_id: int, sha256: str) -> None:
    """Write down which file is about to be put in its place."""
    with state.connect() as connection:
        connection.execute("UPDATE exports SET sha256 = ? WHERE export_id = ?", [sha256, export_id])


def close_entry(state: State, export_id: int, outcome: Outcome, num_rows: int | None) -> None:
    with state.connect() as connection:
        connection.execute(
            "UPDATE exports SET outcome = ?, num_rows = ?, ended_at = ? WHERE export_id = ?",
            [outcome, num_rows, _now(), export_id],
        )


def export_entries(state: State) -> list[ExportEntry]:
    """Every export, oldest first."""
    with state.reading() as connection:
        is_there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'exports'"
        if not connection.execute(is_there).fetchone()[0]:
            return []
        rows = connection.execute(f"SELECT {COLUMNS} FROM exports ORDER BY export_id").fetchall()
    return [_entry(*row) for row in rows]


def _entry(
    export_id: int,
    name: str,
    target: str,
    exported_by: str,
    details: str,
    begun_at: str,
    ended_at: str | None,
    *rest: object,
) -> ExportEntry:
    ended = None if ended_at is None else datetime.fromisoformat(ended_at)
    begun = datetime.fromisoformat(begun_at)
    return ExportEntry(export_id, name, target, exported_by, json.loads(details), begun, ended, *rest)  # type: ignore[arg-type]


def _now() -> str:
    return datetime.now(UTC).isoformat()
