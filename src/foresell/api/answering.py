"""Recommendations answered where requests arrive: together with those that came at the same moment.

Handing a question to another thread and back takes a good part of the time that answering takes. Where an
answer takes long, or waits for something, it goes to a thread nevertheless.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool

from foresell.services.live.live_shop import LiveShop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer, Request

    Waiting = tuple[Request, asyncio.Future[Answer]]
    Ended = tuple[asyncio.Future[Answer], Answer | Exception]

# So many are answered before whatever else waits, events among it, has its turn.
MOST_AT_ONCE = 8
# So many share the work where it is done by a thread.
MOST_IN_THREAD = 32
# Where an answer takes longer, others must not wait for it.
SLOW_SECONDS = 0.004
# What the newest measurement counts against those before it.
NEWEST_WEIGHT = 0.05
# A segment asks hundreds of customers' models, and due dates are asked of a frame.
SLOW_SURFACES = ("segment", "buy_again")
MOST_ITEMS = 100


class Answering:
    """For one event loop."""

    def __init__(self, live: LiveShop) -> None:
        self._live = live
        self._waiting: list[Waiting] = []
        self._seconds = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answering")
        self._is_thread_busy = False

    async def ask(self, request: "Request", *, is_served: bool) -> dict[str, object]:
        """As `LiveShop.recommend` of one request."""
        answers = [await self._answer(request)]
        if is_served:
            ids = await run_in_threadpool(self._live.note_served, answers)
        else:
            ids = self._live.note_unshown(answers)
        return self._live.records(answers, ids)[0]

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    async def _answer(self, request: "Request") -> "Answer":
        if request.surface in SLOW_SURFACES or request.k > MOST_ITEMS:
            return (await run_in_threadpool(self._live.answer, [request]))[0]
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((request, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._answer_some, loop)
        return await future

    def _answer_some(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._seconds > SLOW_SECONDS:
            self._answer_in_thread(loop)
            return
        self._tell(self._tried(self._next(MOST_AT_ONCE)))
        if self._waiting:
            loop.call_soon(self._answer_some, loop)

    def _answer_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        """What comes while the thread is busy is answered together when it is not."""
        if self._is_thread_busy or not self._waiting:
            return
        self._is_thread_busy = True
        some = self._next(MOST_IN_THREAD)

        def work() -> None:
            loop.call_soon_threadsafe(end, self._tried(some))

        def end(ended: "list[Ended]") -> None:
            self._is_thread_busy = False
            self._tell(ended)
            if self._waiting:
                self._answer_some(loop)

        self._thread.submit(work)

    def _next(self, most: int) -> "list[Waiting]":
        some, self._waiting = self._waiting[:most], self._waiting[most:]
        return some

    def _tried(self, some: "Sequence[Waiting]") -> "list[Ended]":
        """One that fails does not fail others."""
        try:
            return list(zip((future for _, future in some), self._measured(some), strict=True))
        except Exception as error:  # noqa: BLE001  # whoever asked gets it
            if len(some) == 1:
                return [(some[0][1], error)]
        return [ended for one in some for ended in self._tried([one])]

    def _tell(self, ended: "list[Ended]") -> None:
        for future, told in ended:
            if future.done():
                continue
            if isinstance(told, Exception):
                future.set_exception(told)
            else:
                future.set_result(told)

    def _measured(self, some: "Sequence[Waiting]") -> "list[Answer]":
        began = time.thread_time()
        answers = self._live.answer([request for request, _ in some])
        each = (time.thread_time() - began) / len(some)
        self._seconds += NEWEST_WEIGHT * (each - self._seconds)
        return answers
