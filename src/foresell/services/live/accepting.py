"""Accept events: each is on the disk, known as sent before, or refused with what to do, when this returns."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from foresell.contracts.errors import TooLargeError
from foresell.privacy.erasure import Tombstone, tombstone
from foresell.privacy.nested import replacing_in
from foresell.privacy.tokens import token
from foresell.services.live.limits import Limits
from foresell.services.live.others import EventRow, Keeps
from foresell.services.live.recent import RecentIds
from foresell.services.shop import Shop
from foresell.sources.live import SHAPES
from foresell.sources.live.checking import Checked, check
from foresell.sources.live.mapping import refused
from foresell.sources.live.shape import shape_of
from foresell.sources.presets.canonical import IDENTIFIER_NAMES
from foresell.sources.presets.ga4 import IDENTIFIERS as GA4_IDENTIFIERS
from foresell.sources.presets.segment import IDENTIFIERS as SEGMENT_IDENTIFIERS
from foresell.store.journal import as_line, text_line

Status = Literal["accepted", "duplicate", "quarantined"]
# Told of each accepted row, in the order of the log, once it is on the disk.
Observe = Callable[[EventRow], None]
# What leads to a person; an event that names somebody erased is not kept.
OF_ERASED = ("This customer was erased", "Stop sending their events: they are not kept.")
PERSON_KINDS = ("customer_id", "anonymous_id", "session_id", "order_id")
IDENTIFIERS = {
    **{
        name: kind
        for name, kind in {**GA4_IDENTIFIERS, **SEGMENT_IDENTIFIERS}.items()
        if name.startswith("*.")
    },
    **{f"*.{name}": kind for name, kind in IDENTIFIER_NAMES.items()},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one event of a request ended. `number`: its place in the request, from 1; `column`, `reason` and
    `do`: of one that is quarantined."""

    number: int
    event_id: str | None
    status: Status
    column: str | None = None
    reason: str | None = None
    do: str | None = None

    def as_record(self) -> dict[str, object]:
        record: dict[str, object] = {"number": self.number, "event_id": self.event_id, "status": self.status}
        if self.reason is not None:
            record |= {"column": self.column, "reason": self.reason, "do": self.do}
        return record


@dataclass(frozen=True, slots=True)
class Taken:
    """Events that were written and may not be on the disk yet."""

    _outcomes: list[Outcome]
    _wait: Callable[[], None]
    _forget: Callable[[], None]
    _count: Callable[[Sequence[Outcome]], None]

    def finish(self) -> list[Outcome]:
        """To be called once. BackendError where the disk did not take them: send them again."""
        try:
            self._wait()
        except BaseException:
            self._forget()
            raise
        self._count(self._outcomes)
        return self._outcomes


def nobody_looks(_row: EventRow) -> None:
    """The observer of those who only keep events."""


class Acceptance:
    """What takes events for one shop. Safe for many threads; other processes may take events of their own."""

    def __init__(
        self,
        shop: Shop,
        observe: Observe = nobody_looks,
        limits: Limits | None = None,
        log: Keeps | None = None,
    ) -> None:
        self._shop, self._observe = shop, observe
        self._log: Keeps = log or shop.folder.events
        self._limits = limits or Limits()
        self._key = shop.key
        self._anonymize = replacing_in(IDENTIFIERS, partial(token, self._key))
        self._recent = RecentIds()
        self._erased: frozenset[Tombstone] = frozenset()
        self._counting = threading.Lock()
        self.counts: dict[Status, int] = {"accepted": 0, "duplicate": 0, "quarantined": 0}
        self._read_erased()

    def accept(self, body: Any, shape: str | None = None, now: datetime | None = None) -> list[Outcome]:
        """As `begin`, and the events are on the disk when it returns."""
        return self.begin(body, shape, now).finish()

    def begin(self, body: Any, shape: str | None = None, now: datetime | None = None) -> "Taken":
        """Take the events of a body of JSON; `shape`: one of SHAPES, None: the one that the body has.

        An event whose id was accepted lately is a duplicate and says nothing new; one that was accepted long
        ago is known as such when it is moved. InputError for a body without events, TooLargeError for too
        many, BackendError where the disk does not take them: send them again.
        """
        found = shape_of(body, SHAPES, shape)
        at = now or datetime.now(UTC)
        events = found.unpack(body, at)
        if len(events) > self._limits.batch_events:
            raise TooLargeError(
                "These are too many events at once",
                received=f"{len(events):,}",
                do=f"Send at most {self._limits.batch_events:,} in a request.",
            )
        read = [check(one, at, self._anonymize, has_plain_ids=found.has_plain_ids) for one in events]
        return self._keep([_Read.of(one, at) for one in read])

    def remember(self, event_ids: Iterable[str]) -> None:
        """Events that a process before this one accepted."""
        for one in event_ids:
            self._recent.add(one)

    def heard(self, rows: Iterable[EventRow]) -> list[EventRow]:
        """Of rows that other processes accepted, in their order, those that were not known: the further rows
        of an event stand behind its first."""
        fresh: list[EventRow] = []
        known = ""
        for row in rows:
            event_id = row.get("event_id", "")
            if known and event_id.startswith(known):
                continue
            if self._recent.add(event_id):
                fresh.append(row)
            else:
                known = f"{event_id}-"
        return fresh

    def _keep(self, read: "Sequence[_Read]") -> "Taken":
        outcomes: list[Outcome] = []
        fresh: list[_Read] = []

        def lines() -> list[bytes]:
            chosen: list[bytes] = []
            for number, one in enumerate(read, start=1):
                if self._is_erased(one.checked):
                    outcomes.append(Outcome(number, None, "quarantined", None, *OF_ERASED))
                    continue
                outcome = self._outcome(number, one)
                outcomes.append(outcome)
                if outcome.status == "accepted":
                    fresh.append(one)
                if outcome.status != "duplicate":
                    chosen += one.lines
            return chosen

        def forget() -> None:
            for one in fresh:
                self._recent.discard(one.checked.event_id or "")

        try:
            wait = self._log.write(lines, partial(self._tell, fresh), self._read_erased)
        except BaseException:
            forget()
            raise
        return Taken(outcomes, wait, forget, self._count)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        with self._counting:
            for outcome in outcomes:
                self.counts[outcome.status] += 1

    def _outcome(self, number: int, one: "_Read") -> Outcome:
        checked = one.checked
        if (fault := checked.fault) is not None:
            return Outcome(number, checked.event_id, "quarantined", fault.column, fault.reason, fault.do)
        event_id = checked.event_id or ""
        if not self._recent.add(event_id):
            return Outcome(number, event_id, "duplicate")
        return Outcome(number, event_id, "accepted")

    def _tell(self, fresh: "Sequence[_Read]") -> None:
        for one in fresh:
            for row in one.checked.rows:
                self._observe(row)

    def _is_erased(self, checked: Checked) -> bool:
        if not self._erased:
            return False
        row = checked.rows[0]
        return any(
            kind in row and tombstone(self._key, kind, row[kind]) in self._erased for kind in PERSON_KINDS
        )

    def _read_erased(self) -> None:
        """Who was erased; read with every new segment, and erasing ends all segments."""
        self._erased = frozenset(self._shop.folder.state.tombstones())


@dataclass(frozen=True, slots=True)
class _Read:
    checked: Checked
    lines: tuple[bytes, ...]

    @classmethod
    def of(cls, checked: Checked, at: datetime) -> "_Read":
        received_at = at.isoformat()
        if checked.fault is not None:
            return cls(
                checked, (as_line({**refused(checked.rows[0], checked.fault), "received_at": received_at}),)
            )
        return cls(checked, tuple(text_line({**row, "received_at": received_at}) for row in checked.rows))
