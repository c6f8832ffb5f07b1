"""The processes that are killed: writers and movers, forked from one that has everything imported."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from foresell.contracts.errors import BusyError
from foresell.services.live.accepting import Acceptance
from foresell.services.live.moving import move_events
from foresell.services.shop import open_shop

BATCH = 20
WRITER_POINTS = ("events.written", "events.synced")
MOVER_POINTS = (
    *("events.closed", "events.staged", "events.raw_written", "import.table_written"),
    *("import.table_committed", "import.finished", "events.applied", "events.removed"),
)


@dataclass
class Child:
    """`pipe`: what it says, a line each; `said`: so far."""

    pid: int
    pipe: int
    said: bytearray = field(default_factory=bytearray)

    def listen(self) -> None:
        try:
            while chunk := os.read(self.pipe, 1 << 16):
                self.said += chunk
        except BlockingIOError:
            return

    def lines(self) -> list[str]:
        return self.said.decode().splitlines()[: self.said.count(b"\n")]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def is_dead(self) -> bool:
        """Whether it was killed. RuntimeError where it ended by itself: a fault is no kill."""
        found, status = os.waitpid(self.pid, os.WNOHANG)
        if found and not os.WIFSIGNALED(status):
            raise RuntimeError("a writer or mover has failed by itself")
        return found != 0

    def end(self) -> None:
        """Hear what is left to hear of a dead child."""
        self.listen()
        os.close(self.pipe)


def fork(work: Callable[[Callable[[str], None]], None], kill_at: str = "") -> Child:
    """`work` is given what it says lines by."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.environ["FORESELL_KILL_AT"] = kill_at
        code = 1
        try:
            work(lambda line: os.write(writing, f"{line}\n".encode()) and None)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    os.set_blocking(reading, False)
    return Child(pid, reading)


def event(name: str, number: int) -> dict[str, object]:
    return {
        "event_id": f"{name}-{number}",
        "event_name": "view_item",
        "occurred_at": datetime.fromtimestamp(1_700_000_000 + number, UTC).isoformat(),
        "customer_id": f"c{number % 97}",
        "product_id": f"p{number % 31}",
    }


def batch(name: str, first: int) -> list[dict[str, object]]:
    return [event(name, number) for number in range(first, first + BATCH)]


def write(store: Path, name: str, first: int, seed: int) -> Callable[[Callable[[str], None]], None]:
    """Sends batches from a number on, and one in five times a batch again that was sent before."""

    def work(say: Callable[[str], None]) -> None:
        accepting, chance = Acceptance(open_shop(store)), random.Random(seed)  # noqa: S311
        number = first
        while True:
            again = chance.random() < 0.2 and number > 0
            start = BATCH * chance.randrange(number // BATCH) if again else number
            accepting.accept(batch(name, start))
            say(str(start))
            number += 0 if again else BATCH
            time.sleep(0.002)

    return work


def move(store: Path) -> Callable[[Callable[[str], None]], None]:
    def work(say: Callable[[str], None]) -> None:
        shop = open_shop(store)
        while True:
            try:
                say(str(move_events(shop).num_rows))
            except BusyError:
                continue
            time.sleep(0.05)

    return work
