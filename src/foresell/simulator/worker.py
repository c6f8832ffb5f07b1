"""A worker process: lives its shards as it is asked to over a pipe, and writes their events.

It ends when its pipe is closed. What it was asked is answered before it writes, so that the others go on.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyarrow.lib import ArrowException

from foresell.contracts.errors import plain_reason
from foresell.simulator import wire
from foresell.simulator.browse import Shelf
from foresell.simulator.canonical.files import TableFiles
from foresell.simulator.canonical.writing import put_behavior
from foresell.simulator.catalog import make_catalog
from foresell.simulator.crowd import LocalCrowd
from foresell.simulator.days import Day, make_day
from foresell.simulator.draws import Draws
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import ShardDay

# These are large, and only the events' own tables need them.
LEFT_BEHIND = frozenset({"day", "events", "shown", "clicked"})
Answer = tuple[dict[str, Any], wire.Arrays]


class Worker:
    def __init__(self, head: dict[str, Any]) -> None:
        self._settings = WorldSettings.model_validate(head["settings"])
        self._draws = Draws(head["seed"])
        self._catalog = make_catalog(self._settings, self._draws)
        cuts = [range(*cut) for cut in head["cuts"]]
        self._crowd = LocalCrowd(self._settings, self._draws, self._catalog, cuts)
        self._files = TableFiles(Path(head["folder"]), head["number"])
        self._done: list[ShardDay] = []

    def answer(self, head: dict[str, Any], arrays: wire.Arrays) -> Answer:
        steps: dict[str, Callable[[], Answer]] = {
            "visit_rate": lambda: ({"rate": self._crowd.visit_rate()}, {}),
            "standings": lambda: ({}, _by_shard(list(self._crowd.standings()))),
            "finish": self._finish,
        }
        if head["what"] in steps:
            return steps[head["what"]]()
        day = make_day(self._settings, self._draws, self._catalog, head["day"])
        if head["what"] == "visitors":
            return {}, _by_shard(self._crowd.visitors(day))
        given = [arrays[f"{at}.given"] for at in range(len(self._crowd.shards))]
        shelf = Shelf(**wire.part_of(arrays, "shelf."))
        step = self._browse if head["what"] == "browse" else self._settle
        return {}, step(day, shelf, given)

    def write_day(self) -> None:
        """Write what was settled last."""
        for done in self._done:
            put_behavior(self._files, self._settings, self._draws, done)
        self._done = []

    def _browse(self, day: Day, shelf: Shelf, given: list[Any]) -> wire.Arrays:
        arrays: wire.Arrays = {}
        for at, asked in enumerate(self._crowd.browse(day, shelf, given)):
            named = zip(("product", "quantity", "second", "person"), asked, strict=True)
            arrays |= {f"{at}.{name}": array for name, array in named}
        return arrays

    def _settle(self, day: Day, shelf: Shelf, given: list[Any]) -> wire.Arrays:
        self._done = self._crowd.settle(day, shelf, given)
        return _by_shard(self._done)

    def _finish(self) -> Answer:
        self._files.finish()
        return {"rows": self._files.num_rows}, {}


def _by_shard(values: list[Any]) -> wire.Arrays:
    arrays: wire.Arrays = {}
    for at, value in enumerate(values):
        arrays |= wire.packed(value, f"{at}.", LEFT_BEHIND)
    return arrays


def main() -> None:
    """Until the pipe is closed. What fails is told as the next answer."""
    # Whoever interrupts the command interrupts the process that asks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asks, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        worker = Worker(wire.receive(asks)[0])
        while True:
            wire.send(answers, *worker.answer(*wire.receive(asks)))
            worker.write_day()
    except (EOFError, BrokenPipeError):
        pass
    except (OSError, MemoryError, ArrowException) as error:
        with suppress(BrokenPipeError):
            wire.send(answers, {"failed": plain_reason(error)}, {})
    # Files that are not finished stay so: nobody will read them.
    os._exit(0)


if __name__ == "__main__":
    main()
