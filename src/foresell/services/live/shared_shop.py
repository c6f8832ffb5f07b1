"""A shop that several workers serve, sharing accepted events by a Redis where one is set."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from foresell.services.live.limits import Limits
from foresell.services.live.live_shop import LiveShop
from foresell.services.live.moving import Moved
from foresell.services.live.others import EventRow, OtherFiles, read_event
from foresell.services.live.redis_log import RedisLog
from foresell.services.live.redis_server import connect, require_durable
from foresell.services.served import Showing
from foresell.services.shop import Shop

MOST_NEWS = 1_000
# Also the whole URL may stand here, in the place of the one in the settings.
URL_VARIABLE, PASSWORD_VARIABLE = "FORESELL_REDIS", "FORESELL_REDIS_PASSWORD"


def open_live(shop: Shop, limits: Limits | None = None) -> LiveShop:
    """By the store's own files; with a Redis in `[serve]` or the environment, by that.

    BackendError where Redis cannot be reached, ConflictError where it is not durable.
    """
    shared = redis_log(shop)
    return LiveShop(shop, limits) if shared is None else SharedShop(shop, shared, limits)


def redis_log(shop: Shop) -> RedisLog | None:
    """The stream that this store's workers share; None: they share files."""
    asked = shop.settings.serve
    url = os.environ.get(URL_VARIABLE) or asked.redis
    if not url:
        return None
    client = connect(url, os.environ.get(PASSWORD_VARIABLE))
    require_durable(client, is_trusted=asked.is_redis_trusted)
    return RedisLog(shop, client)


@contextmanager
def carried(shop: Shop) -> Iterator[RedisLog | None]:
    """What waits in Redis is in segments when the block begins; None where there is no Redis."""
    shared = redis_log(shop)
    if shared is None:
        yield None
        return
    try:
        shared.carry()
        yield shared
    finally:
        shared.client.close()


class SharedShop(LiveShop):
    """What waits in Redis is carried into segments before they are moved or read."""

    def __init__(self, shop: Shop, shared: RedisLog, limits: Limits | None = None) -> None:
        self._stream = RedisOthers(shop, shared)
        super().__init__(shop, limits, log=shared, others=self._stream)
        self._shared = shared
        shared.catch_up = self._learn_until

    def start(self) -> None:
        """Visits of before go on: their events are still in the stream."""
        self._shared.carry()
        super().start()
        for _, _, content in self._shared.entries("0-0", until=self._shared.last(), most=100_000):
            for row in rows_of(content):
                self.visits.observe(row)

    def _learn_until(self, last: str) -> None:
        """So that what somebody does by two workers is known here in the order of the stream."""
        with self._learning:
            for row in self.acceptance.heard(self._stream.news(last)):
                self._observe(row)

    def move(self) -> Moved:
        self._shared.carry()
        return super().move()

    def refresh(self) -> None:
        self._shared.carry()
        super().refresh()


class RedisOthers:
    """An `Others`: what other workers accepted, by the stream; what they showed, by the store's files."""

    def __init__(self, shop: Shop, stream: RedisLog) -> None:
        self._files, self._log = OtherFiles(shop), stream
        self._seen = stream.last()

    def news(self, until: str = "+") -> Sequence[EventRow]:
        """As `Others.news`; `until`: up to this entry."""
        rows: list[EventRow] = []
        while entries := self._log.entries(self._seen, until, most=MOST_NEWS):
            self._seen = entries[-1][0]
            for _, worker, content in entries:
                if worker != self._log.worker:
                    rows += rows_of(content)
        return rows

    def shown(self) -> Sequence[Showing]:
        return self._files.shown()

    def close(self) -> None:
        self._files.close()
        self._log.client.close()


def rows_of(content: bytes) -> Iterator[EventRow]:
    """The accepted events of an entry."""
    for line in content.splitlines(keepends=True):
        if (row := read_event(line)) is not None:
            yield row
