"""How often somebody may try a password."""

import time
from collections import deque
from threading import Lock

from foresell.contracts.errors import BusyError

MOST_FAILED, SECONDS = 5, 60.0
MOST_KNOWN = 10_000


class Attempts:
    """Counts refused sign-ins by account and by address, in this process. Safe for many threads."""

    def __init__(self, most_failed: int = MOST_FAILED, seconds: float = SECONDS) -> None:
        self.most_failed, self.seconds = most_failed, seconds
        self._lock = Lock()
        self._failed: dict[str, deque[float]] = {}

    def check(self, *who: str) -> None:
        """BusyError where one of these was refused too often of late."""
        now = time.monotonic()
        with self._lock:
            if any(len(self._recent(one, now)) >= self.most_failed for one in who):
                raise BusyError("Too many passwords were tried", do="Wait a minute, then try again.")

    def failed(self, *who: str) -> None:
        """These were refused just now."""
        now = time.monotonic()
        with self._lock:
            if len(self._failed) >= MOST_KNOWN:
                self._failed = {one: times for one in self._failed if (times := self._recent(one, now))}
            for one in who:
                self._failed.setdefault(one, deque(maxlen=self.most_failed)).append(now)

    def _recent(self, who: str, now: float) -> deque[float]:
        times = self._failed.get(who, deque())
        while times and times[0] < now - self.seconds:
            times.popleft()
        return times
