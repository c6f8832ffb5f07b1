"""Waiting for the disk for many requests: one thread, and one wait for all that was written before."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from foresell.services.live.accepting import Outcome, Taken

Waiting = tuple[Taken, asyncio.Future[list[Outcome]]]
Ended = tuple[asyncio.Future[list[Outcome]], list[Outcome], BaseException | None]


class Settling:
    """For one event loop. What was begun is finished, whether or not anybody still waits for it."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="settling")
        self._is_busy = False

    async def finish(self, taken: Taken) -> list[Outcome]:
        """As `Taken.finish`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Outcome]] = loop.create_future()
        self._waiting.append((taken, future))
        if not self._is_busy:
            self._go_on(loop)
        return await future

    def close(self) -> None:
        """Return when all that was begun is finished."""
        self._thread.shutdown(wait=True)
        while self._waiting:
            self._waiting.popleft()[0].finish()

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_busy = bool(self._waiting)
        if self._is_busy:
            some = [self._waiting.popleft() for _ in range(len(self._waiting))]
            self._thread.submit(self._settle, loop, some)

    def _settle(self, loop: asyncio.AbstractEventLoop, some: list[Waiting]) -> None:
        ended: list[Ended] = []
        for taken, future in some:
            try:
                ended.append((future, taken.finish(), None))
            except BaseException as error:  # noqa: BLE001  # whoever waits gets it
                ended.append((future, [], error))
        loop.call_soon_threadsafe(self._tell, loop, ended)

    def _tell(self, loop: asyncio.AbstractEventLoop, ended: list[Ended]) -> None:
        for future, outcomes, error in ended:
            if future.done():
                continue
            if error is None:
                future.set_result(outcomes)
            else:
                future.set_exception(error)
        self._go_on(loop)
