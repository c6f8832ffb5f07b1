"""Workers that share accepted events by a real Redis: exactly once into the store, whoever is killed."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from foresell.contracts.errors import BackendError, ConflictError, InputError
from foresell.contracts.settings import make_settings
from foresell.services.backups import backup
from foresell.services.erase import erase
from foresell.services.live.accepting import Acceptance
from foresell.services.live.moving import move_events
from foresell.services.live.redis_log import POSITION, RedisLog
from foresell.services.live.redis_server import connect, require_durable
from foresell.services.live.shared_shop import SharedShop, open_live, redis_log
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.store.crash_points import POINTS

pytestmark = pytest.mark.redis
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--loglevel", "warning")
NUM_ACKNOWLEDGED = 60


class RedisServer:
    """A redis-server of its own on a free port, started again on the same folder after it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        place = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        self.process = subprocess.Popen(["redis-server", *place, *DURABLE], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                connect(self.url, None).close()
            except BackendError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path_factory.mktemp("redis"))
    yield started
    started.kill()


@pytest.fixture
def shop(server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FORESELL_KEY", "5d" * 32)
    monkeypatch.setenv("FORESELL_REDIS", server.url)
    return create_shop(tmp_path / "store")


@pytest.fixture
def log(shop: Shop) -> Iterator[RedisLog]:
    found = redis_log(shop)
    assert found is not None
    yield found
    found.client.close()


def event(event_id: str, customer: str = "c1") -> dict[str, object]:
    return {
        "event_id": event_id,
        "event_name": "view_item",
        "occurred_at": "2026-11-22T12:00:00Z",
        "customer_id": customer,
        "session_id": f"s-{customer}",
        "product_id": "p1",
    }


def stored(shop: Shop) -> list[str]:
    with shop.reading() as tables:
        return sorted(row["event_id"] for row in tables.current("events").to_pyarrow().to_pylist())


def in_a_child(work: Callable[[], None]) -> int:
    """Do it in a process of its own; how that ended, as os.waitpid tells."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def test_what_one_worker_accepts_the_other_knows_in_its_order(shop: Shop) -> None:
    one, other = open_live(shop), open_live(open_shop(shop.folder.root))
    assert isinstance(one, SharedShop)
    one.start()
    other.start()
    one.accept([event("e1"), event("e2")])
    other.accept(event("e3"))
    assert [outcome.status for outcome in other.accept(event("e2"))] == ["duplicate"]
    for live in (one, other):
        live.learn()
        live.learn()
        assert [kept["event_id"] for kept in live.recent("c1")] == ["e1", "e2", "e3"]
    assert one.pressure.backlog() > 0
    one.move()
    assert stored(shop) == ["e1", "e2", "e3"]
    other.refresh()
    one.stop()
    other.stop()
    late = open_live(open_shop(shop.folder.root))
    late.start()
    assert [row["event_id"] for row in late.visits._visits["s-c1"]][:2] == ["e1", "e2"], "a visit goes on"
    late.stop()


def test_since_when_events_wait_is_told_of_those_in_redis_too(shop: Shop, log: RedisLog) -> None:
    assert log.oldest_at() is None
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    Acceptance(shop, log=log).accept(event("e1"))
    oldest = log.oldest_at()
    assert oldest is not None
    assert before <= oldest <= datetime.now(UTC)
    assert shop.folder.events.oldest_at() is None, "it waits in Redis alone"
    log.carry()
    assert log.oldest_at() is not None
    open_live(shop).move()
    assert log.oldest_at() is None


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("redis.")])
def test_a_carrier_that_is_killed_writes_no_event_twice_and_loses_none(
    shop: Shop, log: RedisLog, point: str
) -> None:
    acceptance = Acceptance(shop, log=log)
    acceptance.accept([event("e1"), event("e2")])
    acceptance.accept(event("e3"))

    def carry() -> None:
        os.environ["FORESELL_KILL_AT"] = point
        mine = redis_log(shop)
        assert mine is not None
        mine.carry()

    assert in_a_child(carry) == signal.SIGKILL
    acceptance.accept(event("e4"))
    log.carry()
    log.carry()
    runs = move_events(shop)
    assert stored(shop) == ["e1", "e2", "e3", "e4"]
    assert runs.as_record()["rows_duplicate"] == 0, "not even a line came twice"


def test_workers_and_redis_killed_under_load_lose_nothing_that_was_acknowledged(
    server: RedisServer, shop: Shop
) -> None:
    reading, writing = os.pipe()
    children = []
    for worker in range(2):
        child = os.fork()
        if child == 0:
            mine = redis_log(shop)
            acceptance = Acceptance(shop, log=mine)
            number = 0
            while True:
                try:
                    acceptance.accept(event(f"w{worker}-{number}", f"c{worker}"))
                except BackendError:
                    os._exit(0)
                os.write(writing, f"w{worker}-{number}\n".encode())
                number += 1
        children.append(child)
    os.close(writing)
    told = b""
    while told.count(b"\n") < NUM_ACKNOWLEDGED:
        told += os.read(reading, 65_536)
    os.kill(children[0], signal.SIGKILL)
    while told.count(b"\n") < 2 * NUM_ACKNOWLEDGED:
        told += os.read(reading, 65_536)
    server.kill()
    os.kill(children[1], signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    while more := os.read(reading, 65_536):
        told += more
    os.close(reading)
    server.start()
    mine = redis_log(shop)
    assert mine is not None
    mine.carry()
    mine.client.close()
    move_events(shop)
    found = stored(shop)
    acknowledged = {line.decode() for line in told.splitlines()}
    assert acknowledged <= set(found)
    assert len(found) == len(set(found))


def test_a_redis_that_has_lost_its_data_is_told_of_and_used_anew(
    shop: Shop, log: RedisLog, caplog: pytest.LogCaptureFixture
) -> None:
    acceptance = Acceptance(shop, log=log)
    acceptance.accept(event("e1"))
    log.carry()
    log.client.flushall()
    acceptance.accept(event("e2"))
    log.carry()
    assert "lost its data" in caplog.text
    move_events(shop)
    assert stored(shop) == ["e1", "e2"]
    assert shop.folder.state.meta(POSITION)


def test_an_erased_customer_leaves_redis_and_a_backup_holds_what_waited_there(
    shop: Shop, log: RedisLog, tmp_path: Path
) -> None:
    acceptance = Acceptance(shop, log=log)
    acceptance.accept([event("e1", "erika"), event("e2", "other")])
    assert stored(_moved(open_shop(backup(shop, tmp_path / "copy")))) == ["e1", "e2"]
    erase(shop, ["erika"])
    assert log.entries("0-0") == []
    acceptance.accept(event("e3", "erika"))
    time.sleep(1.1)
    [outcome] = acceptance.accept(event("e4", "erika"))
    assert (outcome.status, outcome.reason) == ("quarantined", "This customer was erased")
    log.carry()
    assert stored(_moved(shop)) == ["e2"]
    held = [path for path in shop.folder.root.rglob("*") if path.is_file() and b"erika" in path.read_bytes()]
    assert held == []


def _moved(shop: Shop) -> Shop:
    move_events(shop)
    return shop


@pytest.mark.parametrize(
    ("name", "value"),
    [("appendfsync", "everysec"), ("appendonly", "no"), ("maxmemory-policy", "allkeys-lru")],
)
def test_a_redis_that_answers_before_its_disk_has_it_is_refused(log: RedisLog, name: str, value: str) -> None:
    right = log.client.config_get(name)[name]
    log.client.config_set(name, value)
    try:
        with pytest.raises(ConflictError, match=f"{name} {value}.*Set in redis.conf: {name} {right}"):
            require_durable(log.client, is_trusted=False)
    finally:
        log.client.config_set(name, right)
    require_durable(log.client, is_trusted=False)


def test_a_redis_that_is_not_there_keeps_no_event(shop: Shop) -> None:
    log = RedisLog(shop, redis.Redis(port=1, retry=None))
    told: list[str] = []
    acceptance = Acceptance(shop, lambda row: told.append(row["event_id"]), log=log)
    with pytest.raises(BackendError, match="Redis"):
        acceptance.accept(event("e1"))
    assert told == []
    assert acceptance.counts["accepted"] == 0


def test_a_password_in_the_settings_is_refused() -> None:
    with pytest.raises(InputError, match="FORESELL_REDIS_PASSWORD"):
        make_settings({"serve": {"redis": "redis://:secret@host:6379/0"}})
