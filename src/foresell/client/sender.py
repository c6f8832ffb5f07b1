"""Events sent behind a program's back: collected, sent in batches in their order, again until they arrive.

with EventSender(shop) as sender:
    sender.add("view_item", customer_id="c17", product_id="p4", price="9.90", currency="EUR")
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from foresell.client.answers import EventOutcome
from foresell.client.connection import RefusedError, UnreachableError
from foresell.client.shop import ShopClient, with_id
from foresell.contracts.errors import BusyError

Event = Mapping[str, Any]
# Told of each event that the server did not take, and why.
Told = Callable[[Event, EventOutcome], None]
TOO_LARGE = 413


def nobody_asks(_event: Event, _outcome: EventOutcome) -> None:
    """For programs that look at the quarantine."""


class EventSender:
    """Safe for many threads. Nothing is dropped in silence: what waits stays in memory until the server has
    answered for it, and `add` refuses where `most_waiting` wait.

    `batch`: most events a request; `delay`: seconds in which others may join one. `when_refused`: called from
    the sender's thread for each event that was quarantined or refused.
    """

    def __init__(
        self,
        shop: ShopClient,
        *,
        batch: int = 200,
        delay: float = 0.2,
        most_waiting: int = 50_000,
        when_refused: Told = nobody_asks,
    ) -> None:
        self._shop, self._batch, self._delay = shop, batch, delay
        self._most_waiting, self._when_refused = most_waiting, when_refused
        self._waiting: deque[dict[str, Any]] = deque()
        self._changed = threading.Condition()
        self._is_closing = threading.Event()
        self.num_sent = 0
        # Why the last request failed; None: it did not.
        self.problem: str | None = None
        self._thread = threading.Thread(target=self._send_all, name="foresell-events", daemon=True)
        self._thread.start()

    def add(self, event_name: str, **columns: Any) -> str:
        """Take an event; returns its id. Its moment is now, unless `occurred_at` says another one.

        BusyError where too many wait: the server is away for long, or slower than the program.
        """
        event = with_id({"event_name": event_name, **columns})
        with self._changed:
            if self._is_closing.is_set():
                raise BusyError("The sender is closed", do="Make another one.")
            if len(self._waiting) >= self._most_waiting:
                raise BusyError(
                    "Too many events wait to be sent",
                    received=f"{len(self._waiting):,}; {self.problem or 'no failure'}",
                    do="Is the server there? Add it again later.",
                )
            self._waiting.append(event)
            self._changed.notify_all()
        return str(event["event_id"])

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until all that was added has been answered for; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Send what waits, and end. Returns what could not be sent in time: keep it, and send it again."""
        self.flush(timeout)
        self._is_closing.set()
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(timeout=1)
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """UnreachableError where events are left, unless the block failed by itself."""
        left = self.close()
        if left and error is None:
            raise UnreachableError(
                f"{len(left):,} events could not be sent", received=self.problem, do="Send them again."
            )

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._is_closing.is_set())
                if self._is_closing.is_set() and not self._waiting:
                    return
                if len(self._waiting) < self._batch:
                    self._changed.wait_for(lambda: len(self._waiting) >= self._batch, self._delay)
                some = [self._waiting[place] for place in range(min(self._batch, len(self._waiting)))]
            if some:
                self._send(some)

    def _send(self, some: list[dict[str, Any]]) -> None:
        """The same events again until there is an answer: those after them wait, so that order holds."""
        try:
            outcomes = self._shop.send_events(some)
        except UnreachableError as error:
            self.problem = error.message
            self._is_closing.wait(self._delay)
            return
        except RefusedError as error:
            self._refused(some, error)
            return
        self.problem = None
        self._done(some, outcomes)

    def _refused(self, some: list[dict[str, Any]], error: RefusedError) -> None:
        self.problem = error.message
        if error.status == TOO_LARGE and len(some) > 1:
            self._send(some[: len(some) // 2])
            return
        if error.status in (400, TOO_LARGE, 422):
            if len(some) > 1:
                self._send(some[:1])
                return
            self._done(
                some, [EventOutcome(1, some[0]["event_id"], "quarantined", None, error.what, error.do)]
            )
            return
        # A key that was revoked, a server that is full: an operator can mend it, nothing is lost meanwhile.
        self._is_closing.wait(max(self._delay, 1.0))

    def _done(self, some: list[dict[str, Any]], outcomes: list[EventOutcome]) -> None:
        with self._changed:
            for event in some:
                if self._waiting and self._waiting[0] is event:
                    self._waiting.popleft()
            self.num_sent += len(some)
            self._changed.notify_all()
        for event, outcome in zip(some, outcomes, strict=True):
            if outcome.status == "quarantined":
                self._when_refused(event, outcome)
