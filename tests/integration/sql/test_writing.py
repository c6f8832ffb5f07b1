"""Tables written into real databases: exact, whole or not at all, and never over somebody else's."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.columns import Column, day, flag, json_text, moment, money, real, text, vector, whole
from foresell.contracts.errors import (
    BackendError,
    BusyError,
    ConflictError,
    DeniedError,
    ForesellError,
    InputError,
    NotFoundError,
)
from foresell.sources.sql import target
from foresell.sources.sql.address import read_address
from foresell.sources.sql.target import arrow_schema
from foresell.sources.sql.writing import write_table

COLUMNS = (
    text("name"),
    money("amount"),
    moment("seen_at"),
    day("day"),
    whole("number"),
    real("share"),
    flag("is_new"),
    json_text("facts"),
    vector("vector"),
)
HARD = {
    "name": 'O\'Neil "x"; DROP TABLE orders;--\n\\.\t%s 你好 😀',
    "amount": Decimal("12345678901234.5678"),
    "seen_at": datetime(2024, 3, 31, 1, 30, 0, 123456, tzinfo=UTC),
    "day": date(1999, 12, 31),
    "number": 2**63 - 1,
    "share": 0.1 + 0.2,
    "is_new": True,
    "facts": '{"b": 1, "a": "\\"quoted\\""}',
    "vector": [0.1, -1e-7, 3.0],
}
EMPTY = {**dict.fromkeys((c.name for c in COLUMNS), None), "name": ""}
NOTHING = dict.fromkeys((c.name for c in COLUMNS), None)


@pytest.fixture
def place(database: Any) -> Iterator[Any]:
    """A database that Foresell's user may write; MariaDB's may in a schema of its own."""
    if database.scheme == "mysql":
        database.execute(
            "DROP DATABASE IF EXISTS exports; CREATE DATABASE exports; "
            "GRANT CREATE, DROP, ALTER, INSERT, SELECT ON exports.* TO shop@'%'"
        )
        yield _Place(database, database.url.removesuffix("/shop") + "/exports")
        database.execute("DROP DATABASE exports")
        return
    if database.scheme == "postgresql":
        database.execute(
            "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; "
            "GRANT USAGE ON SCHEMA public TO PUBLIC"
        )
    yield _Place(database, database.url)


class _Place:
    def __init__(self, database: Any, url: str) -> None:
        self.database = database
        self.scheme: str = database.scheme
        self.url = url

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        given = {"database": "exports"} if self.scheme == "mysql" else {}
        rows: list[tuple[Any, ...]] = self.database.execute(statement, **given)
        return rows

    def write(
        self,
        rows: Sequence[dict[str, Any]],
        columns: Sequence[Column] = COLUMNS,
        table: str = "found",
        **given: Any,
    ) -> int:
        return write_table(read_address(self.url), table, columns, in_batches(rows, columns), **given)

    def names(self) -> list[str]:
        """All tables, those that are just being written too."""
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
        if self.scheme != "sqlite":
            schema = "exports" if self.scheme == "mysql" else "public"
            sql = (
                f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1"
            )
        return [str(name) for (name,) in self.execute(sql)]


def in_batches(rows: Sequence[dict[str, Any]], columns: Sequence[Column], size: int = 2) -> Iterator[Any]:
    import pyarrow as pa

    for first in range(0, len(rows), size):
        yield pa.RecordBatch.from_pylist(list(rows[first : first + size]), schema=arrow_schema(columns))


def numbered(numbers: range) -> list[dict[str, Any]]:
    return [{"name": f"n{number}", "number": number} for number in numbers]


FEW = (text("name"), whole("number"))


def test_every_type_comes_out_as_it_went_in(place: Any) -> None:
    assert place.write([HARD, EMPTY, NOTHING]) == 3
    rows = place.execute("SELECT * FROM found")
    assert len(rows) == 3
    [hard] = [row for row in rows if row[1] is not None]
    name, amount, seen_at, day_, number, share, is_new, facts, vector_ = hard
    assert name == HARD["name"]
    assert Decimal(amount) == HARD["amount"]
    if place.scheme == "postgresql":
        assert seen_at == HARD["seen_at"]
    elif place.scheme == "mysql":
        assert seen_at == HARD["seen_at"].replace(tzinfo=None)  # type: ignore[attr-defined]
    else:
        assert seen_at == "2024-03-31 01:30:00.123456Z"
    assert str(day_) == "1999-12-31"
    assert number == HARD["number"]
    assert share == HARD["share"]
    assert bool(is_new) is True
    assert (facts if isinstance(facts, dict) else json.loads(facts)) == json.loads(str(HARD["facts"]))
    numbers = vector_ if isinstance(vector_, list) else json.loads(vector_)
    assert numbers == pytest.approx(HARD["vector"], rel=1e-6)
    assert sorted(row[0] is None for row in rows) == [False, False, True], "an empty text is no null"


def test_an_export_replaces_the_one_before(place: Any) -> None:
    place.write(numbered(range(5)), FEW)
    assert place.write(numbered(range(7, 10)), FEW) == 3
    assert sorted(place.execute("SELECT number FROM found")) == [(7,), (8,), (9,)]
    place.write([], FEW)
    assert place.execute("SELECT count(*) FROM found") == [(0,)]
    # With other columns too.
    place.write([{"name": "x"}], FEW[:1])
    assert place.execute("SELECT * FROM found") == [("x",)]
    assert place.names() == ["found"]


def test_what_foresell_did_not_write_is_not_overwritten(place: Any) -> None:
    place.execute("CREATE TABLE found (name VARCHAR(20), number INTEGER)")
    place.execute("INSERT INTO found VALUES ('mine', 1)")
    with pytest.raises(ConflictError, match="Foresell did not write it"):
        place.write(numbered(range(3)), FEW)
    assert place.execute("SELECT * FROM found") == [("mine", 1)]
    place.write(numbered(range(3)), FEW, is_forced=True)
    assert place.execute("SELECT count(*) FROM found") == [(3,)]
    # From now on it is ours.
    place.write(numbered(range(2)), FEW)
    assert place.execute("SELECT count(*) FROM found") == [(2,)]


def test_a_view_is_never_replaced(place: Any) -> None:
    place.execute("CREATE VIEW found AS SELECT 1 AS number")
    with pytest.raises(ConflictError, match="is no table"):
        place.write(numbered(range(3)), FEW, is_forced=True)
    place.execute("DROP VIEW found")


def test_names_are_only_names(place: Any) -> None:
    odd = 'o"dd `table` (VALUES) %s'
    columns = (text('na"me'), whole("num`ber %s"), text("select"))
    place.write([{'na"me': "a", "num`ber %s": 1, "select": "b"}], columns, odd)
    assert place.names() == [odd]
    again = [{'na"me': "c", "num`ber %s": 2, "select": "d"}]
    place.write(again, columns, odd)
    mark = "`" if place.scheme == "mysql" else '"'
    assert place.execute(f"SELECT * FROM {mark}{odd.replace(mark, mark * 2)}{mark}") == [("c", 2, "d")]
    quoted = f"{mark}{odd.replace(mark, mark * 2)}{mark}"
    place.execute(f"DROP TABLE {quoted}")


def test_a_failure_in_the_middle_leaves_the_table_as_it_was(place: Any) -> None:
    def failing() -> Iterator[Any]:
        yield from in_batches(numbered(range(100, 104)), FEW)
        raise ValueError("the source broke")

    place.write(numbered(range(5)), FEW)
    with pytest.raises(ValueError, match="the source broke"):
        write_table(read_address(place.url), "found", FEW, failing())
    assert sorted(place.execute("SELECT number FROM found")) == [(n,) for n in range(5)]
    assert place.names() == ["found"]


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import pyarrow as pa
from foresell.contracts.columns import text, whole
from foresell.sources.sql.address import read_address
from foresell.sources.sql.target import arrow_schema
from foresell.sources.sql.writing import write_table
columns = (text("name"), whole("number"))
schema = arrow_schema(columns)
batches = (pa.record_batch([["new"] * 1000, list(range(1000))], schema=schema) for _ in range(20))
write_table(read_address(sys.argv[2]), "found", columns, batches)
"""


@pytest.mark.parametrize("point", ["export.batch_written", "export.written"])
def test_a_killed_export_leaves_the_table_as_it_was(place: Any, tmp_path: Path, point: str) -> None:
    place.write(numbered(range(5)), FEW)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), place.url]
    ended = subprocess.run(command, env={**os.environ, "FORESELL_KILL_AT": point}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert sorted(place.execute("SELECT number FROM found")) == [(n,) for n in range(5)]
    # The next one is not hindered, and leaves nothing of the killed one.
    place.write(numbered(range(3)), FEW)
    assert place.execute("SELECT count(*) FROM found") == [(3,)]
    assert place.names() == ["found"]


def test_readers_see_the_old_rows_until_all_are_there(place: Any) -> None:
    seen: list[int] = []

    def slowly() -> Iterator[Any]:
        for batch in in_batches(numbered(range(100)), FEW, size=20):
            yield batch
            seen.append(place.execute("SELECT count(*) FROM found")[0][0])

    place.write(numbered(range(5)), FEW)
    write_table(read_address(place.url), "found", FEW, slowly())
    assert seen == [5] * 5
    assert place.execute("SELECT count(*) FROM found") == [(100,)]


def test_two_exports_of_one_table_follow_each_other(place: Any) -> None:
    def slowly(first: int) -> Iterator[Any]:
        for batch in in_batches(numbered(range(first, first + 40)), FEW, size=10):
            time.sleep(0.02)
            yield batch

    failures: list[Exception] = []

    def export(first: int) -> None:
        try:
            write_table(read_address(place.url), "found", FEW, slowly(first))
        except ForesellError as error:
            failures.append(error)

    threads = [threading.Thread(target=export, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    numbers = sorted(number for (number,) in place.execute("SELECT number FROM found"))
    assert numbers in (list(range(40)), list(range(1000, 1040)))
    assert place.names() == ["found"]


def test_a_name_that_is_none_is_refused(place: Any) -> None:
    # SQLite takes names of any length.
    too_long = () if place.scheme == "sqlite" else ("x" * 65,)
    for table in ("a.b.c", "", ".found", "found.", "fo\0und", *too_long):
        with pytest.raises(InputError):
            place.write(numbered(range(3)), FEW, table)
    assert place.names() == []


def test_a_number_that_is_none_is_kept_exactly_or_refused(place: Any) -> None:
    import math

    columns = (real("share"),)
    if place.scheme == "postgresql":
        place.write([{"share": math.nan}, {"share": math.inf}], columns)
        assert sorted(str(share) for (share,) in place.execute("SELECT share FROM found")) == ["inf", "nan"]
        return
    with pytest.raises(InputError, match="infinite or none"):
        place.write([{"share": math.nan}], columns)
    assert place.names() == []


@pytest.mark.postgresql
def test_postgresql_keeps_what_others_made_of_the_table(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "geheim-4711")
    postgresql.execute("DROP SCHEMA IF EXISTS out CASCADE")
    place = _Place(postgresql, postgresql.url)
    with pytest.raises(NotFoundError, match="no schema 'out'"):
        place.write(numbered(range(2)), FEW, "out.found")
    postgresql.execute("CREATE SCHEMA out")
    place.write(numbered(range(2)), FEW, "out.found")
    postgresql.execute("CREATE VIEW out.seen AS SELECT name, number FROM out.found")
    place.write(numbered(range(4)), FEW, "out.found")
    assert postgresql.execute("SELECT count(*) FROM out.seen") == [(4,)]
    # Other columns would take the view along: that is refused, and nothing changes.
    with pytest.raises(InputError, match="other objects rest"):
        place.write([{"name": "x"}], FEW[:1], "out.found")
    assert postgresql.execute("SELECT count(*) FROM out.seen") == [(4,)]
    postgresql.execute("DROP SCHEMA out CASCADE")


@pytest.mark.postgresql
def test_a_user_who_may_not_write_is_told_so(postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    postgresql.execute("DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN PASSWORD 'nur-lesen'")
    postgresql.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO looker")
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "nur-lesen")
    address = read_address(postgresql.url.replace("shop@", "looker@"))
    with pytest.raises(DeniedError, match="does not allow this user to write") as refused:
        write_table(address, "found", FEW, in_batches(numbered(range(2)), FEW))
    assert "nur-lesen" not in refused.value.message
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "falsch")
    with pytest.raises(DeniedError, match="does not accept the password"):
        write_table(address, "found", FEW, in_batches(numbered(range(2)), FEW))


@pytest.mark.postgresql
def test_a_table_that_somebody_holds_is_waited_for_not_forever(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "geheim-4711")
    monkeypatch.setattr("foresell.sources.sql.postgresql_target.LOCK_SECONDS", 1)
    place = _Place(postgresql, postgresql.url)
    place.write(numbered(range(2)), FEW)
    given = {"host": "127.0.0.1", "port": postgresql.server.port, "user": "shop", "password": "geheim-4711"}
    with psycopg.connect(dbname="shop", **given) as holder:  # type: ignore[arg-type]
        holder.execute("LOCK TABLE found IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BusyError, match="Somebody else holds found"):
            place.write(numbered(range(3)), FEW)
    postgresql.execute("DROP TABLE found")


@pytest.mark.mariadb
def test_mariadbs_user_who_may_only_read_is_told_so(mariadb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "geheim-4711")
    address = read_address(mariadb.url)
    with pytest.raises(DeniedError, match="does not allow this user to write"):
        write_table(address, "found", FEW, in_batches(numbered(range(2)), FEW))
    with pytest.raises((NotFoundError, DeniedError)):
        write_table(address, "nowhere.found", FEW, in_batches(numbered(range(2)), FEW))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
)
def test_a_lost_connection_is_said_and_changes_nothing(
    request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_SOURCE_PASSWORD", "geheim-4711")
    database = request.getfixturevalue(name)
    url = database.url
    if name == "mariadb":
        database.execute(
            "DROP DATABASE IF EXISTS exports; CREATE DATABASE exports; GRANT ALL ON exports.* TO shop@'%'"
        )
        url = url.removesuffix("/shop") + "/exports"
    place = _Place(database, url)
    place.write(numbered(range(5)), FEW)

    def cut() -> Iterator[Any]:
        yield from in_batches(numbered(range(4)), FEW)
        assert database.end_connections()
        yield from in_batches(numbered(range(100)), FEW)

    with pytest.raises(BackendError, match="broke off"):
        write_table(read_address(url), "found", FEW, cut())
    assert sorted(place.execute("SELECT number FROM found")) == [(n,) for n in range(5)]
    place.write(numbered(range(2)), FEW)
    assert place.names() == ["found"]


def test_sqlite_makes_its_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    address = read_address(f"sqlite:///{path}")
    assert write_table(address, "found", FEW, in_batches(numbered(range(3)), FEW)) == 3
    assert path.stat().st_mode & 0o077 == 0
    (tmp_path / "text.db").write_text("this is no database, though it is a file that is there\n" * 100)
    with pytest.raises(InputError, match="SQLite"):
        write_table(read_address(f"sqlite:///{tmp_path / 'text.db'}"), "found", FEW, iter(()))
    with pytest.raises(NotFoundError, match="no folder"):
        write_table(read_address(f"sqlite:///{tmp_path / 'no' / 'new.db'}"), "found", FEW, iter(()))


def test_an_unknown_kind_of_database_names_those_that_are_known() -> None:
    with pytest.raises(InputError, match="Did you mean 'postgres'"):
        write_table(read_address("postgre://h/db"), "found", FEW, iter(()))
    assert target.MARK.startswith("Written by Foresell")
