"""Accepted events in a Redis stream, which several workers share, on one machine or more.

    foresell:{STORE}:events    a stream; an entry is what one request brought: `l`, the lines as a segment has
                               them, and `w`, the worker that accepted them
    foresell:{STORE}:made      drawn by chance when the stream begins: another value says that Redis lost it

An event is accepted when Redis has answered, and Redis answers when its append-only file is on the disk:
`redis_server` refuses settings under which it is not. One carrier at a time brings the stream into closed
segments of the store (`carry`); what it is about to write stands in the store's state first, so that a
segment is written once, wherever the carrier is killed. From there on it is the mover's as any other.
"""

import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ForesellError
from foresell.services.live.redis_server import explained
from foresell.services.shop import Shop
from foresell.store.crash_points import reached
from foresell.store.durable import sync_folder, write_durably
from foresell.store.event_log import CHANCE_DIGITS, MOMENT, made_at, run_id_of
from foresell.store.journal import SUFFIX, locked_folder

if TYPE_CHECKING:
    from redis import Redis

POSITION = "redis_position"
# Read at once while carrying; a segment is not larger than this either.
MOST_ENTRIES, MOST_BYTES = 2_000, 48 * 2**20
# Carried entries stay so long: other workers learn by them what was accepted, and new ones what visits hold.
KEPT, KEPT_IF_MUCH, MUCH_BYTES = timedelta(minutes=30), timedelta(seconds=30), 128 * 2**20
log = logging.getLogger("foresell.live")


@dataclass
class _Turn:
    """What one request waits for. `tell`: to be called when it is kept."""

    content: bytes
    tell: Callable[[], None]
    is_done: bool = False
    error: BaseException | None = field(default=None)


@dataclass(frozen=True)
class Position:
    """`made`: of which stream. `carried`: the last entry that is in a segment, `num_carried` how many are.
    `segment`, `last`, `num`: of the one that is being written."""

    made: str = ""
    carried: str = "0-0"
    num_carried: int = 0
    segment: str | None = None
    last: str = ""
    num: int = 0


def nobody_waits(_last: str) -> None:
    """For those who only keep events."""


class RedisLog:
    """A `Keeps`. Safe for many threads and processes."""

    def __init__(self, shop: Shop, client: "Redis") -> None:
        self.client = client
        self.worker = secrets.token_hex(6).encode()
        self._shop, self._files = shop, shop.folder.events
        self.stream = f"foresell:{{{shop.folder.store_id}}}:events"
        self._made = f"foresell:{{{shop.folder.store_id}}}:made"
        self._queueing, self._sending = threading.Lock(), threading.Lock()
        self._queue: deque[_Turn] = deque()
        self._read_erased_at = float("-inf")
        # Called with the id of a new entry of this worker before its events are told: what others' entries
        # before it hold is to be told first.
        self.catch_up: Callable[[str], None] = nobody_waits

    def write(
        self,
        lines: Callable[[], Sequence[bytes]],
        tell: Callable[[], None],
        begun: Callable[[], None] = lambda: None,
    ) -> Callable[[], None]:
        """As `EventLog.write`; `begun` is called at least every second, for there are no segments."""
        with self._queueing:
            now = datetime.now(UTC).timestamp()
            if not 0 <= now - self._read_erased_at < 1.0:
                begun()
                self._read_erased_at = now
            turn = _Turn(b"".join(lines()), tell)
            self._queue.append(turn)
        return partial(self._finish, turn)

    def _finish(self, turn: _Turn) -> None:
        """Whoever comes first sends what all who wait have brought: one sync of Redis' disk for all."""
        while not turn.is_done:
            with self._sending:
                if not turn.is_done:
                    self._send_waiting()
        if turn.error is not None:
            raise turn.error

    def _send_waiting(self) -> None:
        with self._queueing:
            turns, self._queue = list(self._queue), deque()
        try:
            with explained():
                last = self._send([turn for turn in turns if turn.content])
        except BaseException as error:  # noqa: BLE001  # each of them gets it
            for turn in turns:
                turn.error, turn.is_done = error, True
            return
        if last is not None:
            self._caught_up(last)
        for turn in turns:
            turn.tell()
            turn.is_done = True

    def _caught_up(self, last: str) -> None:
        try:
            self.catch_up(last)
        except ForesellError:
            # They are accepted all the same; what others did is learned a moment later.
            log.warning("learning what other workers accepted", exc_info=True)

    def _send(self, turns: Sequence[_Turn]) -> str | None:
        """Returns the id of the last entry."""
        if not turns:
            return None
        pipeline = self.client.pipeline(transaction=False)
        for turn in turns:
            pipeline.xadd(self.stream, {b"w": self.worker, b"l": turn.content})
        return _text(pipeline.execute()[-1])

    def num_bytes(self) -> int:
        """What waits in Redis, about, and in segments."""
        num_carried = self._position().num_carried
        with explained():
            held = self.client.memory_usage(self.stream, samples=5) or 0
            if not held:
                return self._files.num_bytes()
            told: Any = self.client.xinfo_stream(self.stream)
        share = (told["entries-added"] - num_carried) / max(1, told["length"])
        return int(held * min(1.0, max(0.0, share))) + self._files.num_bytes()

    def oldest_at(self) -> datetime | None:
        """When the oldest event was accepted that waits in Redis or in a segment; None: nothing waits."""
        waiting = [self._files.oldest_at()]
        for number, *_ in self.entries(self._position().carried, most=1):
            waiting.append(datetime.fromtimestamp(int(number.partition("-")[0]) / 1000, UTC))
        return min((moment for moment in waiting if moment is not None), default=None)

    def still(self, *, alone: bool) -> AbstractContextManager[None]:
        return self._files.still(alone=alone)

    def leads(self) -> bool:
        return self._files.leads()

    def follow(self) -> None:
        self._files.follow()

    def last(self) -> str:
        """The id of the newest entry."""
        with explained():
            newest: Any = self.client.xrevrange(self.stream, count=1)
        return _text(newest[0][0]) if newest else "0-0"

    def entries(
        self, after: str, until: str = "+", most: int = MOST_ENTRIES
    ) -> list[tuple[str, bytes, bytes]]:
        """Id, worker and lines of entries, oldest first."""
        with explained():
            found: Any = self.client.xrange(self.stream, f"({after}", until, count=most)
        return [(_text(number), fields[b"w"], fields[b"l"]) for number, fields in found]

    def carry(self) -> int:
        """Bring all that waits into closed segments; returns how many were written. What was carried longer
        than KEPT ago leaves Redis. Each entry ends in exactly one segment."""
        closed = self._files.folder / "closed"
        own = self._files.folder / "redis"
        with locked_folder(own, [own, closed], alone=True):
            position = self._position()
            num_written = 0
            while (planned := self._planned(position)) is not None:
                self._set(planned)
                reached("redis.planned")
                num_written += self._write_segment(planned)
                position = Position(planned.made, planned.last, planned.num_carried + planned.num)
                self._set(position)
                reached("redis.carried")
            self._trim(position.carried)
        return num_written

    def forget(self) -> None:
        """Leave nothing in Redis, nor in its file, of what was carried: somebody was erased. Their events are
        in segments by now, which the mover clears of them."""
        import redis

        self.carry()
        carried = self._position().carried
        milliseconds, _, number = carried.partition("-")
        with explained():
            self.client.xtrim(self.stream, minid=f"{milliseconds}-{int(number) + 1}", approximate=False)
            try:
                self.client.bgrewriteaof()
            except redis.ResponseError:
                log.warning("Redis does not let its file be rewritten: do it by hand (BGREWRITEAOF)")

    def _planned(self, position: Position) -> Position | None:
        """The next segment: the one that a killed carrier was about to write, else the oldest entries."""
        if position.segment is not None:
            return position
        chosen: list[str] = []
        num_bytes = 0
        for number, _, content in self.entries(position.carried):
            num_bytes += len(content)
            if chosen and num_bytes > MOST_BYTES:
                break
            chosen.append(number)
        if not chosen:
            return None
        return Position(
            position.made,
            position.carried,
            position.num_carried,
            self._new_name(),
            chosen[-1],
            len(chosen),
        )

    def _write_segment(self, planned: Position) -> int:
        assert planned.segment is not None  # noqa: S101  # _planned gives no other
        path = self._files.folder / "closed" / planned.segment
        is_moved = any(run.run_id == run_id_of(path) for run in self._shop.folder.raw.runs())
        if path.exists() or is_moved:
            return 0
        content = b"".join(lines for _, _, lines in self.entries(planned.carried, planned.last))
        beside = path.with_name(f".{path.name}.new")
        write_durably(beside, content)
        reached("redis.staged")
        beside.rename(path)
        sync_folder(path.parent)
        reached("redis.published")
        return 1

    def _new_name(self) -> str:
        """Later than all segments and runs there are, so that what was accepted later counts later."""
        names = [path.name for path in self._files.pending()]
        moment = datetime.now(UTC)
        if names:
            moment = max(moment, made_at(max(names)) + timedelta(microseconds=1))
        return f"{moment.strftime(MOMENT)}-redis-{secrets.token_hex(CHANCE_DIGITS // 2)}{SUFFIX}"

    def _trim(self, carried: str) -> None:
        with explained():
            is_much = (self.client.memory_usage(self.stream, samples=5) or 0) > MUCH_BYTES
            oldest = datetime.now(UTC) - (KEPT_IF_MUCH if is_much else KEPT)
            before = min(int(carried.partition("-")[0]), int(oldest.timestamp() * 1000))
            if before > 0:
                self.client.xtrim(self.stream, minid=before, approximate=True)

    def _position(self) -> Position:
        """As the state has it. Of a stream that is another one than it was, nothing is carried."""
        kept = self._shop.folder.state.meta(POSITION)
        position = Position(**json.loads(kept)) if kept else Position()
        with explained():
            self.client.set(self._made, secrets.token_hex(8), nx=True)
            made = _text(self.client.get(self._made))
        if position.made == made:
            return position
        if position.made:
            log.error(
                "Redis has lost its data since the last time: events that it accepted and nobody had carried "
                "are gone. Whoever has sent them since %s should send them again; ids count once.",
                position.carried,
            )
        position = Position(made)
        self._set(position)
        return position

    def _set(self, position: Position) -> None:
        self._shop.folder.state.set_meta(POSITION, json.dumps(position.__dict__))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
