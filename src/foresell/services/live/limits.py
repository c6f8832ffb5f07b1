"""How much is taken at once, and how often what was taken is moved on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from foresell.contracts.errors import BusyError
from foresell.contracts.serving import ServeSettings

# How long a measured backlog counts as measured.
MEASURED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`in_flight_bytes`: of bodies of events that are being read or waited for, however long the first is;
    `backlog_bytes`: of accepted events that are not in the tables yet. `move_seconds`: how often they are
    moved there, `refresh_seconds`: how often what others put into the tables is read anew."""

    body_bytes: int = 2 * 2**20
    batch_events: int = 1_000
    in_flight_bytes: int = 2**19
    backlog_bytes: int = 4 * 2**30
    move_seconds: float = 30.0
    refresh_seconds: float = 900.0

    @classmethod
    def of(cls, settings: ServeSettings) -> "Limits":
        """As a store's settings say."""
        return cls(
            body_bytes=settings.body_kilobytes * 2**10,
            batch_events=settings.batch_events,
            backlog_bytes=settings.backlog_megabytes * 2**20,
            move_seconds=settings.move_seconds,
            refresh_seconds=settings.refresh_seconds,
        )


class TooBusyError(BusyError):
    """`retry_after`: in how many seconds to try again."""

    def __init__(self, what: str, *, received: object, retry_after: int) -> None:
        super().__init__(
            what, received=received, do=f"Send it again in {retry_after} s; nothing of it was kept."
        )
        self.retry_after = retry_after


class Pressure:
    """What is taken in at the moment. Safe for many threads."""

    def __init__(self, limits: Limits, backlog: Callable[[], int]) -> None:
        self.limits = limits
        self._backlog = backlog
        self._lock = threading.Lock()
        self._in_flight = 0
        self._measured_at, self._measured = float("-inf"), 0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @contextmanager
    def taking(self, num_bytes: int) -> Iterator[None]:
        """Room for so many bytes until the block ends; TooBusyError where there is none."""
        self.reserve(num_bytes)
        try:
            yield
        finally:
            self.release(num_bytes)

    def reserve(self, num_bytes: int) -> None:
        if self.backlog() > self.limits.backlog_bytes:
            raise TooBusyError(
                "Too many events wait to be moved into the store",
                received=f"{self._measured:,} bytes",
                retry_after=30,
            )
        with self._lock:
            if self._in_flight and self._in_flight + num_bytes > self.limits.in_flight_bytes:
                raise TooBusyError(
                    "More events arrive than the disk takes", received=f"{num_bytes:,} bytes", retry_after=1
                )
            self._in_flight += num_bytes

    def release(self, num_bytes: int) -> None:
        with self._lock:
            self._in_flight -= num_bytes

    def backlog(self) -> int:
        now = time.monotonic()
        if now - self._measured_at > MEASURED_SECONDS:
            self._measured, self._measured_at = self._backlog(), now
        return self._measured
