"""Ids that were accepted lately, so that an event sent again is known at once."""


class RecentIds:
    """The last `kept` to twice as many ids. For one thread at a time."""

    def __init__(self, kept: int = 250_000) -> None:
        self._kept = kept
        self._new: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, one: object) -> bool:
        return one in self._new or one in self._old

    def add(self, one: str) -> None:
        self._new.add(one)
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, set()

    def discard(self, one: str) -> None:
        self._new.discard(one)
        self._old.discard(one)
