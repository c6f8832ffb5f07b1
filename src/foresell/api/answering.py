"""Recommendations answered where requests arrive: together with those that came at the same moment.

Handing a question to another thread and back takes a good part of the time that answering takes. Where an
answer takes long, or waits for something, it goes to a thread nevertheless.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool

from foresell.services.live.live_shop import LiveShop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer, Request

# So many are answered before whatever else waits, events among it, has its turn.
MOST_AT_ONCE = 8
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
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._seconds = 0.0

    async def ask(self, request: "Request", *, is_served: bool) -> dict[str, object]:
        """As `LiveShop.recommend` of one request."""
        answers = [await self._answer(request)]
        if is_served:
            ids = await run_in_threadpool(self._live.note_served, answers)
        else:
            ids = self._live.note_unshown(answers)
        return self._live.records(answers, ids)[0]

    async def _answer(self, request: "Request") -> "Answer":
        if request.surface in SLOW_SURFACES or request.k > MOST_ITEMS:
            return (await run_in_threadpool(self._live.answer, [request]))[0]
        if self._seconds > SLOW_SECONDS:
            return (await run_in_threadpool(self._measured, [request]))[0]
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((request, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._answer_some, loop)
        return await future

    def _answer_some(self, loop: asyncio.AbstractEventLoop) -> None:
        some, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        if self._waiting:
            loop.call_soon(self._answer_some, loop)
        if not self._try(some) and len(some) > 1:
            for one in some:
                self._try([one])

    def _try(self, some: "Sequence[tuple[Request, asyncio.Future[Answer]]]") -> bool:
        """Whether they could be answered; one alone is told its error."""
        try:
            answers = self._measured([request for request, _ in some])
        except Exception as error:  # noqa: BLE001  # whoever asked gets it
            if len(some) == 1 and not some[0][1].done():
                some[0][1].set_exception(error)
            return False
        for (_, future), answer in zip(some, answers, strict=True):
            if not future.done():
                future.set_result(answer)
        return True

    def _measured(self, requests: "Sequence[Request]") -> "list[Answer]":
        began = time.thread_time()
        answers = self._live.answer(requests)
        each = (time.thread_time() - began) / len(requests)
        self._seconds += NEWEST_WEIGHT * (each - self._seconds)
        return answers
