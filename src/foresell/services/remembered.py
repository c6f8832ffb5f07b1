"""Answers that are kept until a table of the store changes, so that a page opened twice is computed once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Event, Lock
from typing import Any, TypeVar

from foresell.services.shop import Shop

T = TypeVar("T")
MOST_KEPT = 256
# Tables that change all the time where a shop takes events, whatever anybody does.
MOVING = ("events", "ingest_runs")


class _Asked:
    """An answer that somebody is computing, or has computed."""

    def __init__(self) -> None:
        self.is_ready = Event()
        self.answer: Any = None
        self.error: BaseException | None = None


class Remembered:
    """The answers of one shop, at most `most_kept`, the longest unused forgotten first.

    Threads that ask the same at once wait for one computation. Errors are told to all who wait, and not kept.
    `moving`: tables whose change alone makes no answer old, until `settle` is called: whoever keeps answers
    ready asks them of the newer tables first.
    """

    def __init__(self, shop: Shop, most_kept: int = MOST_KEPT, moving: Sequence[str] = ()) -> None:
        self.shop = shop
        self.most_kept = most_kept
        self.moving = frozenset(moving)
        self._lock = Lock()
        self._asked: OrderedDict[Hashable, _Asked] = OrderedDict()
        self._settled: dict[str, int] = {}
        self.settle()

    def versions(self) -> dict[str, int]:
        """Those of the tables that answers are given of: of a moving table, the one it was settled at."""
        now = self.shop.folder.tables.versions()
        with self._lock:
            return {name: self._settled.get(name, version) for name, version in now.items()}

    def settle(self, versions: Mapping[str, int] | None = None) -> None:
        """Answers are of these versions of the moving tables from now on; None: of those now."""
        now = self.shop.folder.tables.versions() if versions is None else versions
        with self._lock:
            self._settled = {name: version for name, version in now.items() if name in self.moving}

    def key(self, question: Hashable, versions: Mapping[str, int] | None = None) -> Hashable:
        """The question, of these versions of the tables; None: those that answers are given of."""
        return question, tuple(sorted((self.versions() if versions is None else versions).items()))

    def ask(
        self, question: Hashable, answer: Callable[[], T], versions: Mapping[str, int] | None = None
    ) -> T:
        """What `answer` gave for this question of these versions of the tables; computed where it is not
        known.

        `question` names everything the answer depends on beside the tables; `versions`: as `key`.
        """
        key = self.key(question, versions)
        asked, is_first = self._begin(key)
        if is_first:
            try:
                asked.answer = answer()
            except BaseException as error:
                asked.error = error
                self._forget(key, asked)
                raise
            finally:
                asked.is_ready.set()
            return asked.answer  # type: ignore[no-any-return]  # it is what `answer` gave
        asked.is_ready.wait()
        if asked.error is not None:
            raise asked.error
        return asked.answer  # type: ignore[no-any-return]  # it is what `answer` gave

    def _begin(self, key: Hashable) -> tuple[_Asked, bool]:
        with self._lock:
            if key in self._asked:
                self._asked.move_to_end(key)
                return self._asked[key], False
            asked = self._asked[key] = _Asked()
            while len(self._asked) > self.most_kept:
                self._asked.popitem(last=False)
            return asked, True

    def _forget(self, key: Hashable, asked: _Asked) -> None:
        with self._lock:
            if self._asked.get(key) is asked:
                del self._asked[key]
