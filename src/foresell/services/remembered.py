"""Answers that are kept until a table of the store changes, so that a page opened twice is computed once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Event, Lock
from typing import Any, TypeVar

from foresell.services.shop import Shop

T = TypeVar("T")
MOST_KEPT = 256


class _Asked:
    """An answer that somebody is computing, or has computed."""

    def __init__(self) -> None:
        self.is_ready = Event()
        self.answer: Any = None
        self.error: BaseException | None = None


class Remembered:
    """The answers of one shop, at most `most_kept`, the longest unused forgotten first.

    Threads that ask the same at once wait for one computation. Errors are told to all who wait, and not kept.
    """

    def __init__(self, shop: Shop, most_kept: int = MOST_KEPT) -> None:
        self.shop = shop
        self.most_kept = most_kept
        self._lock = Lock()
        self._asked: OrderedDict[Hashable, _Asked] = OrderedDict()

    def key(self, question: Hashable) -> Hashable:
        """The question, of the tables as they are now."""
        return question, tuple(sorted(self.shop.folder.tables.versions().items()))

    def ask(self, question: Hashable, answer: Callable[[], T]) -> T:
        """What `answer` gave for this question of these versions of the tables; computed where it is not
        known.

        `question` names everything the answer depends on beside the tables.
        """
        key = self.key(question)
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
