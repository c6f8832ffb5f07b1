"""The campaign: who is killed when, and what is in the store at the end."""

import random
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.quality.durability.processes import (
    BATCH,
    MOVER_POINTS,
    WRITER_POINTS,
    Child,
    fork,
    move,
    write,
)
from benchmarks.quality.durability.servers import kill_servers
from benchmarks.quality.durability.verdict import judge

from foresell.services.shop import create_shop

# A victim that has not reached its point by then is killed where it is.
PATIENCE_SECONDS = 120.0
MOVER = "mover"


class Campaign:
    """`sent`: writer → the number after the last that it may have sent; `acknowledged`: (writer, number of
    the first event of a batch)."""

    def __init__(self, store: Path, writers: int, seed: int) -> None:
        self.store, self.chance = store, random.Random(seed)  # noqa: S311
        self.names = [f"w{number}" for number in range(writers)]
        self.sent = dict.fromkeys(self.names, 0)
        self.acknowledged: set[tuple[str, int]] = set()
        self.kills: dict[str, int] = {}
        self.children: dict[str, Child] = {}

    def start(self, name: str, kill_at: str = "") -> None:
        work = move(self.store) if name == MOVER else write(self.store, name, self._next(name), self._seed())
        self.children[name] = fork(work, kill_at)

    def _seed(self) -> int:
        return self.chance.randrange(1 << 30)

    def _next(self, name: str) -> int:
        """The first batch that was not acknowledged: a client sends it again."""
        known = [first for writer, first in self.acknowledged if writer == name]
        return max(known, default=-BATCH) + BATCH

    def end(self, name: str) -> None:
        child = self.children.pop(name)
        child.end()
        if name != MOVER:
            self.acknowledged |= {(name, int(line)) for line in child.lines()}
            self.sent[name] = max(self.sent[name], self._next(name) + BATCH)

    def kill(self, name: str, point: str | None) -> None:
        """End a child at a named point (None: at a random moment), and start another in its place."""
        if point is None:
            time.sleep(self.chance.uniform(0.0, 0.4))
            self._put_to_death(name)
        else:
            self._put_to_death(name)
            self.start(name, kill_at=point)
            self._wait(name, point)
        self.start(name)

    def _wait(self, name: str, point: str) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            self.listen()
            if self.children[name].is_dead():
                self._count(point)
                self.end(name)
                return
            time.sleep(0.002)
        self._put_to_death(name)

    def _put_to_death(self, name: str) -> None:
        child = self.children[name]
        child.kill()
        while not child.is_dead():
            time.sleep(0.001)
        self._count("random")
        self.end(name)

    def _count(self, how: str) -> None:
        self.kills[how] = self.kills.get(how, 0) + 1

    def listen(self) -> None:
        for child in self.children.values():
            child.listen()

    def stop(self) -> None:
        for name in list(self.children):
            self._put_to_death(name)


def run_campaign(folder: Path, kills: int, servers: int, writers: int, seed: int) -> dict[str, Any]:
    store = folder / "store"
    create_shop(store)
    began = time.monotonic()
    campaign = Campaign(store, writers, seed)
    for name in (*campaign.names, MOVER):
        campaign.start(name)
    points = cycle([*((MOVER, point) for point in MOVER_POINTS), *(("", point) for point in WRITER_POINTS)])
    while sum(campaign.kills.values()) < kills:
        campaign.listen()
        if campaign.chance.random() < 0.5:
            victim, point = next(points)
            campaign.kill(victim or campaign.chance.choice(campaign.names), point)
        else:
            campaign.kill(campaign.chance.choice([*campaign.names, MOVER]), None)
    campaign.stop()
    sent = {f"{name}-{number}" for name, last in campaign.sent.items() for number in range(last)}
    known = {f"{n}-{number}" for n, first in campaign.acknowledged for number in range(first, first + BATCH)}
    served = kill_servers(store, servers, seed) if servers else None
    if served is not None:
        sent, known = sent | served.sent, known | served.acknowledged
    verdict = judge(store, sent, known)
    return {
        "kills": campaign.kills,
        "servers_killed": 0 if served is None else servers,
        "seconds": round(time.monotonic() - began, 1),
        "acknowledged": len(known),
        **verdict,
    }
