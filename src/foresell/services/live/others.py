"""What other processes accept and show: known here within a fraction of a second, by their own files."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from foresell.contracts.results import served
from foresell.services.served import Showing
from foresell.services.shop import Shop
from foresell.store.event_log import EventLog
from foresell.store.journal import CHECKSUM
from foresell.store.tail import Tail

if TYPE_CHECKING:
    from foresell.store.append_log import AppendLog

EventRow = dict[str, str]


class Keeps(Protocol):
    """What keeps accepted events until they are moved: `store.event_log.EventLog`, or one that several
    machines share."""

    def write(
        self,
        lines: Callable[[], Sequence[bytes]],
        tell: Callable[[], None],
        begun: Callable[[], None] = ...,
    ) -> Callable[[], None]: ...

    def num_bytes(self) -> int: ...

    def oldest_at(self) -> datetime | None: ...

    def still(self, *, alone: bool) -> AbstractContextManager[None]: ...

    def leads(self) -> bool: ...

    def follow(self) -> None: ...


class Others(Protocol):
    """Called by one thread at a time."""

    def news(self) -> Sequence[EventRow]:
        """Events that other processes accepted since the last call, those of one process in its order."""

    def shown(self) -> Sequence[Showing]:
        """What they logged as served since the last call."""

    def close(self) -> None: ...


class OtherFiles:
    """From the segments and journals of the store's other processes, from now on."""

    def __init__(self, shop: Shop) -> None:
        log: EventLog = shop.folder.events
        answers: AppendLog = shop.folder.logs[served.name]
        self._events = Tail(log.folders, log.is_own)
        self._answers = Tail([answers.journals], answers.is_own)

    def news(self) -> list[EventRow]:
        return [row for line in self._events.lines() if (row := read_event(line)) is not None]

    def shown(self) -> list[Showing]:
        return [one for line in self._answers.lines() if (one := _showing(line)) is not None]

    def close(self) -> None:
        self._events.close()
        self._answers.close()


def read_event(line: bytes) -> EventRow | None:
    """The row of a line of the events' log; None for one that was refused, or is damaged."""
    if b'"refused_column"' in line:
        return None
    try:
        row: EventRow = json.loads(line)
    except ValueError:
        return None
    row.pop(CHECKSUM, None)
    return row


def _showing(line: bytes) -> Showing | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if row["customer_id"] is None:
        return None
    return row["customer_id"], row["product_id"], datetime.fromisoformat(row["served_at"])
