"""Requests on a fixed schedule over many connections, each timed from when it was due."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

CONNECTIONS = 64
ANSWER_SECONDS = 30.0
GOOD, RETRY = (200, 202), 429


@dataclass
class Load:
    """`latencies`: in seconds, of good answers."""

    seconds: float
    asked: int = 0
    good: int = 0
    retries: int = 0
    errors: int = 0
    latencies: list[float] = field(default_factory=list)

    def percentile(self, level: float) -> float:
        """In milliseconds; NaN without answers."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * level / 100))]


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request on its way."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, int]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) >= length and self._answer is not None and not self._answer.done():
            self._answer.set_result((int(head.split(b" ", 2)[1]), length))
            self._buffer = rest[length:]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def ask(self, request: bytes) -> tuple[int, int]:
        if self._transport is None:
            raise ConnectionError("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._answer, ANSWER_SECONDS)


def ask(
    port: int, requests: Iterator[bytes], rate: float, seconds: float, sizes: list[int] | None = None
) -> Load:
    """Ask `rate` times a second for so long; `sizes`: takes the lengths of good answers."""
    return asyncio.run(_ask(port, requests, rate, seconds, sizes))


async def _ask(
    port: int, requests: Iterator[bytes], rate: float, seconds: float, sizes: list[int] | None
) -> Load:
    loop = asyncio.get_running_loop()
    load = Load(seconds)
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

    async def worker() -> None:
        connection: _Connection | None = None
        while (one := await due.get()) is not None:
            at, request = one
            try:
                if connection is None or not connection.is_open:
                    _, connection = await loop.create_connection(_Connection, "127.0.0.1", port)
                status, size = await connection.ask(request)
            except (OSError, TimeoutError, ConnectionError):
                load.errors += 1
                connection = None
                continue
            _note(load, status, time.perf_counter() - at)
            if sizes is not None and status in GOOD:
                sizes.append(size)

    workers = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        at = began + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif number % 20 == 0:
            await asyncio.sleep(0)
        load.asked += 1
        due.put_nowait((at, next(requests)))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    load.seconds = max(seconds, time.perf_counter() - began)
    return load


def _note(load: Load, status: int, latency: float) -> None:
    if status in GOOD:
        load.good += 1
        load.latencies.append(latency)
    elif status == RETRY:
        load.retries += 1
    else:
        load.errors += 1
