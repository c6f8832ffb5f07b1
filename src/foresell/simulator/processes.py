"""A crowd in worker processes: each has some of the shards, and writes their events itself.

The worker processes are started anew (`python -m foresell.simulator.worker`), not forked: threads of DuckDB
or Arrow in this process would not survive a fork. This process shares out what all have in common: prices,
recommendations and stock; arrays go over pipes (see `wire`).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np

from foresell.contracts.errors import BackendError
from foresell.simulator import wire
from foresell.simulator.browse import Shelf
from foresell.simulator.crowd import Asked, Standing
from foresell.simulator.days import Day
from foresell.simulator.draws import Ints
from foresell.simulator.policies import Visitors
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import Lines, Returns, Shard, ShardDay

SECONDS_TO_END = 10
SOURCES = Path(__file__).parents[2]


class WorkerCrowd:
    """`cuts`: the persons of each shard, shared out in turn; `folder`: where the workers write their parts.

    Use as a context manager. BackendError where a worker fails or dies: nothing is left running then.
    """

    def __init__(
        self, settings: WorldSettings, seed: int, cuts: Sequence[range], num_processes: int, folder: Path
    ) -> None:
        self._cuts = cuts
        self._workers: list[subprocess.Popen[bytes]] = []
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH")))),
            # As many threads as processes are enough.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        step = min(num_processes, len(cuts))
        for number in range(step):
            worker = subprocess.Popen(
                [sys.executable, "-m", "foresell.simulator.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
            )
            self._workers.append(worker)
            self._send(
                number,
                {
                    "settings": settings.model_dump(mode="json"),
                    "seed": seed,
                    "cuts": [(cut.start, cut.stop) for cut in cuts[number::step]],
                    "folder": str(folder),
                    "number": number + 1,
                },
                {},
            )

    def __enter__(self) -> "WorkerCrowd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._ask("finish")
        finally:
            self._end()

    @property
    def shards(self) -> Sequence[Shard]:
        return ()

    @property
    def process_ids(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def visit_rate(self) -> float:
        return float(sum(head["rate"] for head, _ in self._ask("visit_rate")))

    def visitors(self, day: Day) -> list[Visitors]:
        return self._by_shard(self._ask("visitors", {"day": day.number}), lambda given: Visitors(**given))

    def browse(self, day: Day, shelf: Shelf, shown: Sequence[Ints]) -> list[Asked]:
        asked = self._ask("browse", {"day": day.number}, wire.packed(shelf, "shelf."), shown)
        return self._by_shard(
            asked, lambda given: (given["product"], given["quantity"], given["second"], given["person"])
        )

    def settle(self, day: Day, shelf: Shelf, filled: Sequence[Ints]) -> list[ShardDay]:
        done = self._ask("settle", {"day": day.number}, wire.packed(shelf, "shelf."), filled)
        return self._by_shard(done, lambda given: _shard_day(day.number, given))

    def standings(self) -> Iterator[Standing]:
        yield from self._by_shard(self._ask("standings"), lambda given: Standing(**given))

    def _ask(
        self,
        what: str,
        head: dict[str, Any] | None = None,
        shared: wire.Arrays | None = None,
        by_shard: Sequence[Ints] = (),
    ) -> list[tuple[dict[str, Any], wire.Arrays]]:
        """The same question to all workers, each with the arrays of its own shards; then all answers."""
        for number in range(len(self._workers)):
            own = {f"{at}.given": rows for at, rows in enumerate(by_shard[number :: len(self._workers)])}
            self._send(number, {"what": what, **(head or {})}, {**(shared or {}), **own})
        return [self._receive(number) for number in range(len(self._workers))]

    def _by_shard(
        self, answers: list[tuple[dict[str, Any], wire.Arrays]], make: Callable[[wire.Arrays], Any]
    ) -> list[Any]:
        step = len(self._workers)
        return [
            make(wire.part_of(answers[shard % step][1], f"{shard // step}."))
            for shard in range(len(self._cuts))
        ]

    def _send(self, number: int, head: dict[str, Any], arrays: wire.Arrays) -> None:
        stream = cast("BinaryIO", self._workers[number].stdin)
        # Of one that has gone, the answer tells why.
        with suppress(BrokenPipeError):
            wire.send(stream, head, arrays)

    def _receive(self, number: int) -> tuple[dict[str, Any], wire.Arrays]:
        worker = self._workers[number]
        try:
            head, arrays = wire.receive(cast("BinaryIO", worker.stdout))
        except EOFError:
            code = worker.wait()
            raise BackendError(
                "A worker process of the simulation ended too early",
                received=f"signal {-code}" if code < 0 else f"exit status {code}",
                do="Somebody may have ended it, or memory ran out: run it again, or with fewer --processes.",
            ) from None
        if "failed" in head:
            raise BackendError(
                "A worker process of the simulation failed",
                received=head["failed"],
                do="Check free disk space and memory, then run it again.",
            )
        return head, arrays

    def _end(self) -> None:
        """A worker ends when its pipe is closed; one that does not is ended."""
        for worker in self._workers:
            for stream in (worker.stdin, worker.stdout):
                with suppress(BrokenPipeError):
                    cast("BinaryIO", stream).close()
        for worker in self._workers:
            try:
                worker.wait(timeout=SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _shard_day(number: int, given: wire.Arrays) -> ShardDay:
    own = {name: array for name, array in given.items() if "." not in name}
    return ShardDay(
        **own,
        day=number,
        lines=Lines(**wire.part_of(given, "lines.")),
        cancelled=Lines(**wire.part_of(given, "cancelled.")),
        returns=Returns(**wire.part_of(given, "returns.")),
        events={},
        shown=np.empty((0, 0), dtype=np.int64),
        clicked=np.empty((0, 0), dtype=bool),
    )
