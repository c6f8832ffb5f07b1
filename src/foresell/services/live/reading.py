"""A shop that many threads read: a few engines, started once, each used by one thread at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty, LifoQueue
from threading import BoundedSemaphore

from foresell.contracts.errors import BusyError
from foresell.services.shop import Engine, Shop
from foresell.store.engine import DuckDBViews, EngineTables
from foresell.store.folder import StoreFolder

# How long a reader waits for an engine before it is told that too many read, and how many may wait: those who
# wait hold threads that others need.
PATIENCE_SECONDS, MOST_WAITING = 20.0, 8


class ReadingShop(Shop):
    """As a `Shop`; `reading` gives tables whose views are made already. Close it when done."""

    def __init__(self, folder: StoreFolder, num_engines: int = 2) -> None:
        super().__init__(folder)
        self._idle: LifoQueue[EngineTables] = LifoQueue()
        self._room = BoundedSemaphore(num_engines)
        self._queue = BoundedSemaphore(num_engines + MOST_WAITING)
        self._engines = ExitStack()

    @contextmanager
    def reading(self, engine: Engine = "duckdb") -> Iterator[EngineTables]:
        """BusyError where every engine stays in use for PATIENCE_SECONDS, or too many wait for one.

        Within the block no other `reading` may begin in the same thread: it would wait for itself."""
        if engine != "duckdb":
            with super().reading(engine) as tables:
                yield tables
            return
        with _within(self._queue, 0.0), _within(self._room, PATIENCE_SECONDS):
            tables = self._take()
            try:
                yield tables
            finally:
                self._idle.put(tables)

    def _take(self) -> EngineTables:
        try:
            return self._idle.get_nowait()
        except Empty:
            connection = self._engines.enter_context(self.connect())
            return EngineTables(DuckDBViews(connection), self.folder.files)

    def close(self) -> None:
        self._engines.close()


@contextmanager
def _within(room: BoundedSemaphore, seconds: float) -> Iterator[None]:
    if not room.acquire(timeout=seconds):
        raise BusyError("Too many questions are being answered", do="Ask again in a few seconds.")
    try:
        yield
    finally:
        room.release()
