"""Several processes on one port: one is killed, and the rest and its successor go on."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from foresell.services.access.accounts import add_key
from foresell.services.live.moving import move_events
from foresell.services.shop import create_shop

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 90.0


def wait_until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.05)


def listening(parent: psutil.Process, port: int) -> list[psutil.Process]:
    found = []
    for one in parent.children():
        try:
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in one.net_connections()):
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


def send(port: int, key: str, number: int) -> bool:
    """Whether it was accepted; each over a connection of its own, so that all workers have some."""
    event = {
        "event_id": f"e{number}",
        "event_name": "view_item",
        "occurred_at": datetime.now(UTC).isoformat(),
        "customer_id": "c1",
        "product_id": f"p{number}",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/v1/events", json.dumps(event), headers)
        return connection.getresponse().status == 202
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def test_a_worker_that_is_killed_has_a_successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    shop = create_shop(tmp_path / "store")
    _, key = add_key(shop, "test", ["events:write"], "test")
    port = 18_000 + os.getpid() % 10_000
    command = [sys.executable, "-m", "foresell", "serve", "--workers", "2", "--port", str(port)]
    server = subprocess.Popen([*command, "--console-port", "0", "--store", str(shop.folder.root)])
    parent = psutil.Process(server.pid)
    try:
        wait_until(lambda: len(listening(parent, port)) == 2)
        accepted = {number for number in range(20) if send(port, key, number)}
        assert len(accepted) == 20
        first = listening(parent, port)[0]
        first.kill()
        accepted |= {number for number in range(20, 40) if send(port, key, number)}
        wait_until(lambda: first not in (now := listening(parent, port)) and len(now) == 2)
        accepted |= {number for number in range(40, 60) if send(port, key, number)}
        assert len(accepted) > 40
    finally:
        workers = parent.children()
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    move_events(shop)
    with shop.reading() as tables:
        stored = tables.current("events").event_id.to_pyarrow().to_pylist()
    assert len(stored) == len(set(stored))
    assert {f"e{number}" for number in accepted} <= set(stored)
