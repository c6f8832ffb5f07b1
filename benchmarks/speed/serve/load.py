"""Requests on a fixed schedule, each timed from when it was due, by as little of the processor as Python can.

What is due goes out by whichever connection is idle; where none is, another is opened, so that a server that
falls behind is asked on. What the asking itself takes of the processor is told with its figures: it shares
the cores with the server.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

import uvloop

# Connections that are open before anything is due, and at most.
FIRST_CONNECTIONS, MOST_CONNECTIONS = 64, 512
# Whoever has no answer by then after the last was due, has none.
ANSWER_SECONDS = 30.0
GOOD, RETRY = (200, 202), 429
# The clock of the event loop is no finer: a request leaves so late at most, and its latency counts it.
TICK_SECONDS = 0.001


@dataclass
class Load:
    """`latencies`: in seconds, of good answers; `processor_seconds`: what asking took."""

    seconds: float
    asked: int = 0
    good: int = 0
    retries: int = 0
    errors: int = 0
    processor_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def percentile(self, level: float) -> float:
        """In milliseconds; NaN without answers."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * level / 100))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, asking: "_Asking") -> None:
        self._asking = asking
        self._buffer = b""
        self._due: float | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, due: float, request: bytes) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        head = buffer.find(b"\r\n\r\n")
        if head < 0 or self._due is None:
            return
        at = buffer.lower().find(b"content-length:", 0, head)
        length = int(buffer[at + 15 : buffer.find(b"\r\n", at)]) if at >= 0 else 0
        if len(buffer) < head + 4 + length:
            return
        self._asking.note(int(buffer[9:12]), time.perf_counter() - self._due, length)
        self._buffer, self._due = b"", None
        self._asking.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._due is not None:
            self._due = None
            self._asking.load.errors += 1
        elif self in self._asking.idle:
            self._asking.idle.remove(self)
        self._asking.num_open -= 1


class _Asking:
    def __init__(self, port: int, load: Load) -> None:
        self._port, self.load = port, load
        self.idle: list[_Connection] = []
        self.num_open = 0

    async def open(self) -> _Connection | None:
        """None where the server takes no connection."""
        self.num_open += 1
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        except OSError:
            self.num_open -= 1
            return None
        return connection

    async def ask(self, requests: Sequence[bytes], rate: float) -> None:
        self.idle = [one for _ in range(FIRST_CONNECTIONS) if (one := await self.open()) is not None]
        opening: set[asyncio.Task[None]] = set()
        number, began = 0, time.perf_counter()
        while number < len(requests):
            late = time.perf_counter() - began
            while number < len(requests) and number / rate <= late:
                if self.idle:
                    # The one that was idle longest, so that all of them, and all workers, are asked.
                    self.idle.pop(0).ask(began + number / rate, requests[number])
                elif self.num_open < MOST_CONNECTIONS:
                    opening.add(asyncio.create_task(self._ask_anew(began + number / rate, requests[number])))
                else:
                    break
                self.load.asked += 1
                number += 1
            wait = number / rate - (time.perf_counter() - began)
            await asyncio.sleep(max(wait, TICK_SECONDS))
        await asyncio.gather(*opening)
        ends = time.perf_counter() + ANSWER_SECONDS
        while self.num_open > len(self.idle) and time.perf_counter() < ends:
            await asyncio.sleep(0.01)
        self.load.seconds = max(len(requests) / rate, time.perf_counter() - began)
        self.load.errors += self.num_open - len(self.idle)

    async def _ask_anew(self, due: float, request: bytes) -> None:
        connection = await self.open()
        if connection is None:
            self.load.errors += 1
        else:
            connection.ask(due, request)

    def note(self, status: int, latency: float, size: int) -> None:
        if status in GOOD:
            self.load.good += 1
            self.load.latencies.append(latency)
            self.load.sizes.append(size)
        elif status == RETRY:
            self.load.retries += 1
        else:
            self.load.errors += 1


def ask(port: int, requests: Iterator[bytes], rate: float, seconds: float) -> Load:
    """Ask `rate` times a second for so long. The requests are made before the first leaves."""
    made = list(islice(requests, int(rate * seconds)))
    load = Load(seconds)
    began = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Asking(port, load).ask(made, rate))
    load.processor_seconds = time.process_time() - began
    return load
