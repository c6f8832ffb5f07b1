"""Ids that were accepted lately, so that an event sent again is known at once."""

import threading


class RecentIds:
    """The last `kept` to twice as many ids. Safe for many threads."""

    def __init__(self, kept: int = 250_000) -> None:
        self._kept = kept
        self._new: set[str] = set()
        self._old: set[str] = set()
        self._lock = threading.Lock()

    def __contains__(self, one: object) -> bool:
        return one in self._new or one in self._old

    def add(self, one: str) -> bool:
        """Whether it is new."""
        with self._lock:
            if one in self._new or one in self._old:
                return False
            self._new.add(one)
            if len(self._new) >= self._kept:
                self._old, self._new = self._new, set()
        return True

    def discard(self, one: str) -> None:
        self._new.discard(one)
        self._old.discard(one)
