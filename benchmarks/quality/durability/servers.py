"""`foresell serve` under load by HTTP, one process and two workers in turn, killed and started again."""

import http.client
import json
import random
import secrets
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from benchmarks.quality.durability.processes import BATCH, batch
from benchmarks.speed.serve.servers import serving, started

from foresell.services.access.accounts import add_key
from foresell.services.shop import open_shop


@dataclass
class Told:
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)


def kill_servers(store: Path, times: int, seed: int) -> Told:
    """What was sent and acknowledged; batches without an answer are sent again to the next server."""
    _, key = add_key(open_shop(store), "durability", ["events:write"], "benchmark")
    told, first = Told(), 0
    chance = random.Random(seed)  # noqa: S311
    name = f"h{secrets.token_hex(2)}"
    for turn in range(times):
        server, port = started(serving(store, 1 + turn % 2), {"FORESELL_KILL_AT": ""})
        first = _load(port, key, name, first, time.monotonic() + chance.uniform(0.5, 4.0), server, told)
        server.wait()
    return told


def _load(
    port: int, key: str, name: str, first: int, ends: float, server: "subprocess.Popen[bytes]", told: Told
) -> int:
    """Send batches until the server is killed; returns the first event that was not acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    killed = False
    while True:
        ids = {f"{name}-{number}" for number in range(first, first + BATCH)}
        told.sent |= ids
        try:
            connection.request("POST", "/v1/events", json.dumps(batch(name, first)), headers)
            if not killed and time.monotonic() > ends:
                _kill(server)
                killed = True
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return first
        if answer.status == 202:
            told.acknowledged |= ids
            first += BATCH
        elif answer.status == 429:
            time.sleep(0.2)
        else:
            raise RuntimeError(f"the server answered {answer.status}")


def _kill(server: "subprocess.Popen[bytes]") -> None:
    """With all of its workers, the first of them first."""
    for process in (*psutil.Process(server.pid).children(), psutil.Process(server.pid)):
        process.kill()
