"""Alerts in the state: what somebody should look at, raised once, until it is over; and what the webhook is
yet to be told."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from foresell.contracts.errors import NotFoundError
from foresell.store.state import State

AlertState = Literal["open", "acknowledged", "resolved"]
STATES: tuple[AlertState, ...] = ("open", "acknowledged", "resolved")
# Stores made before alerts lack these. Of one kind and subject at most one alert is not resolved.
TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    alert_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL,
    message TEXT NOT NULL, advice TEXT NOT NULL, message_zh TEXT NOT NULL, advice_zh TEXT NOT NULL,
    evidence TEXT NOT NULL, since TEXT NOT NULL, seen_at TEXT NOT NULL, state TEXT NOT NULL,
    acknowledged_by TEXT, acknowledged_at TEXT, resolved_at TEXT
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS alerts_not_over ON alerts (kind, subject) WHERE state <> 'resolved';
CREATE TABLE IF NOT EXISTS alert_deliveries (
    alert_id INTEGER NOT NULL, event TEXT NOT NULL, attempts INTEGER NOT NULL, next_at TEXT NOT NULL,
    ended_at TEXT, problem TEXT, PRIMARY KEY (alert_id, event)
) STRICT;
"""
COLUMNS = (
    "kind, subject, severity, message, advice, message_zh, advice_zh, evidence, alert_id, since, seen_at, "
    "state, acknowledged_by, acknowledged_at, resolved_at"
)
MOMENTS = ("since", "seen_at", "acknowledged_at", "resolved_at")


@dataclass(frozen=True, slots=True)
class Condition:
    """What is so now and should not be. `kind` and `subject` say whether it is the same as before;
    `evidence`: JSON-ready figures, never about a person."""

    kind: str
    subject: str
    severity: str
    message: str
    advice: str
    message_zh: str
    advice_zh: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredAlert(Condition):
    """`since`: when it was first seen, `seen_at`: last."""

    alert_id: int
    since: datetime
    seen_at: datetime
    state: AlertState
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None

    def in_language(self, language: str) -> tuple[str, str]:
        """Message and advice in "en" or "zh"."""
        if language == "zh":
            return self.message_zh, self.advice_zh
        return self.message, self.advice

    def as_record(self) -> dict[str, Any]:
        """JSON-ready."""
        record = asdict(self)
        for name in MOMENTS:
            record[name] = None if record[name] is None else record[name].isoformat()
        return record


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to the webhook that is due. `event`: raised or resolved; `attempts`: made so far."""

    alert: StoredAlert
    event: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look at the shop changed."""

    raised: tuple[StoredAlert, ...]
    resolved: tuple[StoredAlert, ...]
    num_lasting: int


class AlertTable:
    def __init__(self, state: State) -> None:
        self.state = state

    def note(
        self,
        conditions: Iterable[Condition],
        looked_for: Collection[str],
        now: datetime | None = None,
        *,
        is_told: bool = False,
    ) -> Changes:
        """Raise what is new, keep what lasts, and resolve alerts of the kinds `looked_for` that are no more.

        An alert of the same kind and subject is raised once, however often and by however many processes it
        is seen, and again only after it was resolved. `is_told`: a webhook is to hear of what changes.
        """
        at = (now or datetime.now(UTC)).isoformat()
        with self.state.connect() as connection:
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute("BEGIN IMMEDIATE")
            before = {row[0] for row in connection.execute("SELECT alert_id FROM alerts")}
            distinct = {(one.kind, one.subject): one for one in conditions}
            kept = {_upsert(connection, one, at) for one in distinct.values()}
            kinds = ", ".join("?" for _ in looked_for)
            gone = [
                row[0]
                for row in connection.execute(
                    f"SELECT alert_id FROM alerts WHERE state <> 'resolved' AND kind IN ({kinds})",
                    list(looked_for),
                )
                if row[0] not in kept
            ]
            connection.executemany(
                "UPDATE alerts SET state = 'resolved', resolved_at = ? WHERE alert_id = ?",
                [(at, one) for one in gone],
            )
            raised = sorted(kept - before)
            if is_told:
                rows = [(one, "raised", at) for one in raised] + [(one, "resolved", at) for one in gone]
                connection.executemany(
                    "INSERT OR IGNORE INTO alert_deliveries VALUES (?, ?, 0, ?, NULL, NULL)", rows
                )
        found = {one.alert_id: one for one in self.all()}
        return Changes(
            tuple(found[one] for one in raised), tuple(found[one] for one in gone), len(kept) - len(raised)
        )

    def all(self, state: AlertState | None = None) -> list[StoredAlert]:
        """The newest first."""
        if not self._is_made():
            return []
        condition, values = ("state = ?", [state]) if state else ("true", [])
        with self.state.reading() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM alerts WHERE {condition} ORDER BY alert_id DESC", values
            )
            return [_alert(*row) for row in rows]

    def find(self, alert_id: int) -> StoredAlert:
        """NotFoundError for one that is none."""
        for one in self.all():
            if one.alert_id == alert_id:
                return one
        raise NotFoundError(f"There is no alert {alert_id}", do="`foresell alerts` lists them.")

    def acknowledge(self, alert_id: int, who: str) -> StoredAlert:
        """Somebody has seen to it. One that is acknowledged or resolved stays as it is."""
        self.find(alert_id)
        with self.state.connect() as connection:
            connection.execute(
                "UPDATE alerts SET state = 'acknowledged', acknowledged_by = ?, acknowledged_at = ? "
                "WHERE alert_id = ? AND state = 'open'",
                [who, datetime.now(UTC).isoformat(), alert_id],
            )
        return self.find(alert_id)

    def due(self, now: datetime) -> list[Delivery]:
        """What the webhook is to be told, oldest first."""
        if not self._is_made():
            return []
        alerts = {one.alert_id: one for one in self.all()}
        with self.state.reading() as connection:
            rows = connection.execute(
                "SELECT alert_id, event, attempts FROM alert_deliveries WHERE ended_at IS NULL "
                "AND next_at <= ? ORDER BY next_at, alert_id, event",
                [now.isoformat()],
            )
            return [Delivery(alerts[one], event, attempts) for one, event, attempts in rows]

    def claim(self, delivery: Delivery, until: datetime) -> bool:
        """Whether the caller is the one to send this, until then; another process then leaves it."""
        with self.state.connect() as connection:
            done = connection.execute(
                "UPDATE alert_deliveries SET attempts = attempts + 1, next_at = ? WHERE alert_id = ? "
                "AND event = ? AND attempts = ? AND ended_at IS NULL",
                [until.isoformat(), delivery.alert.alert_id, delivery.event, delivery.attempts],
            )
            return done.rowcount == 1

    def close(self, delivery: Delivery, problem: str | None, next_at: datetime | None) -> None:
        """How an attempt ended. `next_at`: when to try again; None: never."""
        now = datetime.now(UTC).isoformat()
        with self.state.connect() as connection:
            connection.execute(
                "UPDATE alert_deliveries SET problem = ?, next_at = ?, ended_at = ? "
                "WHERE alert_id = ? AND event = ?",
                [
                    problem,
                    now if next_at is None else next_at.isoformat(),
                    now if next_at is None else None,
                    delivery.alert.alert_id,
                    delivery.event,
                ],
            )

    def _is_made(self) -> bool:
        with self.state.reading() as connection:
            is_there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alert_deliveries'"
            return bool(connection.execute(is_there).fetchone()[0])


def _upsert(connection: sqlite3.Connection, one: Condition, at: str) -> int:
    words = [one.severity, one.message, one.advice, one.message_zh, one.advice_zh]
    [row] = connection.execute(
        "INSERT INTO alerts (kind, subject, severity, message, advice, message_zh, advice_zh, evidence, "
        "since, seen_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open') "
        "ON CONFLICT (kind, subject) WHERE state <> 'resolved' DO UPDATE SET severity = excluded.severity, "
        "message = excluded.message, advice = excluded.advice, message_zh = excluded.message_zh, "
        "advice_zh = excluded.advice_zh, evidence = excluded.evidence, seen_at = excluded.seen_at "
        "RETURNING alert_id",
        [one.kind, one.subject, *words, json.dumps(dict(one.evidence), default=str), at, at],
    ).fetchall()
    return int(row[0])


def _alert(*row: Any) -> StoredAlert:
    """Of a row of COLUMNS."""
    told: dict[str, Any] = dict(zip(COLUMNS.split(", "), row, strict=True))
    told["evidence"] = json.loads(told["evidence"])
    for name in MOMENTS:
        told[name] = None if told[name] is None else datetime.fromisoformat(told[name])
    return StoredAlert(**told)
