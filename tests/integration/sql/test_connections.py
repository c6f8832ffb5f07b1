"""What goes wrong between us and a database: lost connections, refused ones, and secrets."""

import importlib.util
import threading
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import BackendError, DeniedError, InputError, NotFoundError
from foresell.services.erase import erase
from foresell.sources.sql import reading
from foresell.sources.sql.address import read_address
from foresell.sources.sql.kept_connection import KeptConnection
from foresell.sources.sql.reading import Pass
from foresell.sources.sql.selection import Selection

SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
servers_only = pytest.mark.parametrize("database", SERVERS, indirect=True)
NUM_WIDE = 40_000
SERIES = {
    "postgresql": f"SELECT n, repeat('x', 300) FROM generate_series(1, {NUM_WIDE}) AS s(n)",
    "mysql": f"SELECT seq, repeat('x', 300) FROM seq_1_to_{NUM_WIDE}",
}


def make_wide(database: Any) -> Pass:
    """A table that does not fit between server and client, and a pass over it."""
    database.execute("DROP TABLE IF EXISTS wide")
    database.execute("CREATE TABLE wide (n INTEGER PRIMARY KEY, filler VARCHAR(300))")
    database.execute(f"INSERT INTO wide {SERIES[database.scheme]}")
    selection = Selection(table="wide", watermark="n", batch_rows=5000)
    return Pass(read_address(database.url), selection, lambda _origin: None, "UTC")


@servers_only
def test_a_lost_connection_is_made_again_and_reading_goes_on(database: Any) -> None:
    wide = make_wide(database)
    seen: list[int] = []
    num_ended = 0
    while not wide.is_finished:
        seen += [int(value) for value in wide.read().rows.column("n").to_pylist()]
        if num_ended < 3:
            num_ended += database.end_connections()
    wide.close()
    # How often it is lost depends on how fast this machine reads.
    assert num_ended
    assert sorted(set(seen)) == list(range(1, NUM_WIDE + 1))
    assert len(seen) <= NUM_WIDE + 3
    assert seen == sorted(seen)


@servers_only
def test_one_connection_serves_pass_after_pass_and_each_sees_what_is_new(database: Any) -> None:
    kept = KeptConnection(read_address(database.url))
    database.execute("DROP TABLE IF EXISTS growing")
    database.execute("CREATE TABLE growing (n INTEGER PRIMARY KEY)")
    for number in (1, 2, 3):
        database.execute(f"INSERT INTO growing VALUES ({number})")
        assert num_rows_read(database, kept) == number
    assert database.end_connections() == 1
    database.execute("INSERT INTO growing VALUES (4)")
    assert num_rows_read(database, kept) == 4
    kept.close()


def num_rows_read(database: Any, kept: KeptConnection) -> int:
    selection = Selection(table="growing", watermark="n")
    one = Pass(read_address(database.url), selection, lambda _origin: None, "UTC", kept)
    num_rows = 0
    while not one.is_finished:
        num_rows += one.read().rows.num_rows
    one.close()
    return num_rows


@servers_only
def test_a_server_that_comes_back_is_waited_for(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECONNECT_SECONDS", (0.5,) * 40)
    wide = make_wide(database)
    num_rows = wide.read().rows.num_rows
    database.server.stop()
    back = threading.Timer(0.3, database.start)
    back.start()
    try:
        while not wide.is_finished:
            num_rows += wide.read().rows.num_rows
    finally:
        back.join()
        wide.close()
    assert NUM_WIDE <= num_rows <= NUM_WIDE + 2


@servers_only
def test_a_server_that_stays_away_is_said_to_be_lost(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECONNECT_SECONDS", (0.05,))
    wide = make_wide(database)
    wide.read()
    database.server.stop()
    try:
        with pytest.raises(BackendError, match="Import again: it goes on there"):
            read_all(wide)
    finally:
        wide.close()
        database.start()


def read_all(wide: Pass) -> None:
    while not wide.is_finished:
        wide.read()


@servers_only
def test_refusals_say_what_to_do(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.make_orders()
    url = world.database.url
    with pytest.raises(NotFoundError, match="no database"):
        world.import_orders(url=url.rsplit("/", 1)[0] + "/nothing")
    with pytest.raises(BackendError, match="cannot be reached"):
        world.import_orders(url=f"{world.database.scheme}://shop@localhost:1/shop")
    with pytest.raises(BackendError, match="cannot be reached"):
        world.import_orders(url=f"{world.database.scheme}://shop@no-such-host.invalid/shop")
    with pytest.raises(InputError, match="unknown option 'sslmod'"):
        world.import_orders(url=f"{url}?sslmod=require")
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "wrong-password")
    with pytest.raises(DeniedError, match="FORESELL_SOURCE_PASSWORD") as raised:
        world.import_orders()
    assert "wrong-password" not in raised.value.message
    assert raised.value.exit_code == 5


@pytest.mark.parametrize("database", SERVERS[:1], indirect=True)
def test_a_table_that_may_not_be_read(world: Any) -> None:
    world.make_orders()
    world.execute("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD 'geheim-4711'")
    with pytest.raises(DeniedError, match="Grant the user SELECT"):
        world.import_orders(url=world.database.url.replace("shop@", "guest@"))
    world.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    try:
        with pytest.raises(DeniedError, match="Grant the user USAGE"):
            world.import_orders(url=world.database.url.replace("shop@", "guest@"))
    finally:
        world.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


@servers_only
def test_a_password_in_the_url_is_refused_and_never_repeated(world: Any) -> None:
    url = world.database.url.replace("shop@", "shop:my-secret@")
    with pytest.raises(InputError, match="FORESELL_SOURCE_PASSWORD") as raised:
        world.import_orders(url=url)
    assert "my-secret" not in raised.value.message
    with pytest.raises(InputError, match="holds a password"):
        world.import_orders(url=f"{world.database.url}?password=my-secret")


@servers_only
def test_no_secret_and_no_identifier_reaches_the_store(world: Any) -> None:
    world.make_orders()
    world.insert_orders(range(1, 101))
    imported = world.import_orders(batch_rows=30)
    walk = load("store_walk")
    needles = ("geheim-4711", "c3@example.org", "example.org")
    assert walk.find(world.folder, needles) == {}
    assert "geheim-4711" not in str([run.as_record() for run in imported.runs]) + str(imported.notes)


def test_rows_are_not_ordered_by_an_identifier(world: Any) -> None:
    world.make_orders()
    with pytest.raises(InputError, match="direct identifiers"):
        world.import_orders(key=("email",))


def test_an_erased_customer_is_in_no_position(world: Any) -> None:
    world.make_orders()
    world.execute(
        "INSERT INTO orders VALUES (1, 70770771, '2024-03-01 00:00:00', 'paid', 1, 'a@b.org', "
        "'2024-03-01 00:00:00'), (2, 3, '2024-03-01 00:00:00', 'paid', 1, 'c@b.org', '2024-03-02 00:00:00')"
    )
    world.import_orders(key=("customer_id",), batch_rows=1)
    assert "70770771" in positions(world)
    erase(world.shop, ["70770771"])
    assert "70770771" not in positions(world)
    world.insert_orders(range(3000, 3010))
    assert world.import_orders(key=("customer_id",)).total("accepted") == 10


def positions(world: Any) -> str:
    return str([run.position for run in world.shop.folder.raw.runs()])


def load(name: str) -> Any:
    path = Path(__file__).parents[1] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
