"""A log: what was acknowledged is there once, whoever is killed, seals, joins or erases meanwhile."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.columns import identifier, moment, real, text, whole
from foresell.contracts.errors import BackendError
from foresell.contracts.settings import EngineSettings
from foresell.contracts.tables import Table
from foresell.store import append_log
from foresell.store.append_log import AppendLog
from foresell.store.engine import read_files
from foresell.store.journal import as_line, damaged_lines
from foresell.store.started_engines import started_engine

TABLE = Table(
    "shown",
    "What was shown.",
    key=("shown_id",),
    own_columns=(
        text("shown_id"),
        identifier("customer_id"),
        text("product_id", required=True),
        whole("rank"),
        real("score"),
        moment("shown_at"),
    ),
    has_lineage=False,
)
# Appends batches of three rows and says of each batch, once `append` has returned, that it is there.
WRITER = """
import sys
from pathlib import Path
from foresell.contracts.results import served
from foresell.store.append_log import AppendLog
log = AppendLog(Path(sys.argv[1]), served)
row = {"request_id": "r", "served_at": "2026-01-01T00:00:00+00:00", "surface": "customer", "product_id": "p",
       "rank": 1, "propensity": 1.0, "policy": "none", "reason_code": "x" * 4000}
for batch in range(int(sys.argv[3])):
    log.append([{**row, "served_id": f"{sys.argv[2]}-{batch}-{i}"} for i in range(3)])
    print(batch, flush=True)
"""


@contextmanager
def duck() -> Iterator[Any]:
    with started_engine(EngineSettings(), Path("no-spilling")) as connection:
        yield connection


@pytest.fixture
def log(tmp_path: Path) -> AppendLog:
    return AppendLog(tmp_path / "logs" / "shown", TABLE)


def row(name: str, customer: str | None = "c1", **others: object) -> dict[str, object]:
    return {"shown_id": name, "customer_id": customer, "product_id": "p1", **others}


def ids(log: AppendLog) -> list[str]:
    with duck() as connection:
        rows = read_files(log.table.columns, log.files())
        return sorted(
            name for (name,) in connection.execute(f"SELECT {log.table.key[0]} FROM ({rows})").fetchall()
        )


def seal(log: AppendLog) -> int:
    log.close()
    return log.seal(duck)


def test_nothing_was_logged_yet(log: AppendLog) -> None:
    assert log.files() == []
    assert ids(log) == []
    assert log.seal(duck) == 0
    assert log.append([]) == 0
    assert log.faults().problems == ()
    assert not log.folder.exists()


TEXTS = st.text(max_size=30) | st.sampled_from(['"', "\n", "\\", "零售", "a,b", "null", '","checksum":1}\n'])


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=5,
    )
)
def test_every_value_comes_back_from_a_journal_and_from_a_part(rows: list[tuple[str, int, float]]) -> None:
    import tempfile

    at = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        log = AppendLog(Path(folder), TABLE)
        # DuckDB holds no text with a zero in it, and neither do ids.
        kept = [(name.replace("\0", ""), rank, score) for name, rank, score in rows]
        log.append(
            row(f"{n}", name, rank=rank, score=score, shown_at=at.isoformat())
            for n, (name, rank, score) in enumerate(kept)
        )
        expected = [(f"{n}", *values, at) for n, values in enumerate(kept)]
        for _ in range(2):
            with duck() as connection:
                rows_sql = read_files(TABLE.columns, log.files())
                select = f"SELECT shown_id, customer_id, rank, score, shown_at FROM ({rows_sql}) ORDER BY 1"
                assert connection.execute(select).fetchall() == expected
            seal(log)


def test_a_line_that_is_torn_counts_for_nothing_and_is_told(log: AppendLog) -> None:
    log.append([row("a"), row("b")])
    [path] = log.folder.glob("journals/*")
    whole_lines = path.read_bytes()
    last = len(as_line({"customer_id": "c1", "product_id": "p1", "shown_id": "b"}))
    for cut in range(1, last):
        path.write_bytes(whole_lines[:-cut])
        # Without its line break alone a line is whole.
        assert ids(log) == (["a", "b"] if cut == 1 else ["a"]), whole_lines[:-cut]
        found = log.faults()
        assert found.problems == ()
        assert [note.split("/")[-1].split(" ", 1)[1] for note in found.notes] == [
            "ends in an unfinished line, which counts for nothing"
        ]
    assert seal(log) == 1
    assert ids(log) == ["a"]
    assert log.faults().notes == ()


@given(st.data())
def test_any_changed_byte_of_a_whole_line_is_found(data: Any) -> None:
    import tempfile

    lines = b"".join(as_line(row(name, rank=17)) for name in "abc")
    place = data.draw(st.integers(0, len(lines) - 2))
    changed = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[place]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        path.write_bytes(lines)
        assert damaged_lines(path) == ([], False)
        path.write_bytes(lines[:place] + bytes([changed]) + lines[place + 1 :])
        assert damaged_lines(path)[0]


def test_damage_is_a_problem_and_is_named(log: AppendLog) -> None:
    log.append([row("a")])
    seal(log)
    log.append([row("b"), row("c")])
    [part] = log.folder.glob("parts/*")
    [open_one] = [Path(name) for name in log.files() if name.endswith(".jsonl")]
    open_one.write_bytes(open_one.read_bytes().replace(b"p1", b"p2", 1))
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    found = log.faults()
    assert found.num_files == 2
    assert found.problems == (
        f"logs/shown/parts/{part.name} has changed since it was written",
        f"logs/shown/journals/{open_one.name} is damaged in 1 lines, first 1",
    )
    part.unlink()
    assert log.faults().problems[0] == f"logs/shown/parts/{part.name} is missing"


@pytest.mark.parametrize("num_writers", [1, 2])
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, num_writers: int) -> None:
    """Killed at any moment, with readers and a sealing at the same time: no loss, no torn row, none twice."""
    from foresell.contracts.results import served

    folder = tmp_path / "served"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), f"w{number}", "100000"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(num_writers)
    ]
    log = AppendLog(folder, served)
    acknowledged: list[list[str]] = []
    for writer in writers:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        assert first.strip() == "0"
    log.seal(duck)
    seen = ids(log)
    time.sleep(0.2 + os.getpid() % 7 / 50)
    for number, writer in enumerate(writers):
        os.kill(writer.pid, signal.SIGKILL)
        said = writer.communicate()[0].split("\n")[:-1]
        acknowledged.append([f"w{number}-{batch}-{i}" for batch in ["0", *said] for i in range(3)])
    for sealed in (0, num_writers):
        assert log.seal(duck) == (num_writers if sealed == 0 else 0)
        found = ids(log)
        assert len(found) == len(set(found))
        assert {name for names in acknowledged for name in names} | set(seen) <= set(found)
        assert log.faults().problems == ()


def test_the_journal_of_a_living_process_is_left_alone(log: AppendLog) -> None:
    log.append([row("a")])
    assert log.seal(duck) == 0
    log.append([row("b")])
    assert len(list(log.folder.glob("journals/*"))) == 1
    assert ids(log) == ["a", "b"]


def test_threads_wait_for_the_disk_together(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    sync = os.fdatasync

    def slow(handle: int) -> None:
        synced.append(handle)
        time.sleep(0.05)
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", slow)
    threads = [threading.Thread(target=log.append, args=([row(f"{n:02}")],)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(log) == [f"{n:02}" for n in range(24)]
    assert len(synced) <= 12


def test_a_forked_process_has_a_journal_of_its_own(log: AppendLog) -> None:
    log.append([row("parent")])
    child = os.fork()
    if child == 0:
        status = 1
        try:
            log.append([row("child")])
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    log.append([row("parent again")])
    assert len(list(log.folder.glob("journals/*"))) == 2
    assert ids(log) == ["child", "parent", "parent again"]


def test_a_full_disk_leaves_nothing_of_the_batch(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append([row("a")])
    write = os.write

    def full(handle: int, content: bytes) -> int:
        if len(content) > 10:
            return write(handle, content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(BackendError, match="No space left"):
            log.append([row("lost")])
    log.append([row("b")])
    assert ids(log) == ["a", "b"]
    assert log.faults() == append_log.LogFaults(1, (), ())


def test_superseded_files_stay_for_those_who_read_them(
    log: AppendLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([row("a")])
    before = log.files()
    seal(log)
    assert all(Path(path).exists() for path in before)
    assert ids(log) == ["a"]
    monkeypatch.setattr(append_log, "GRACE", timedelta(0))
    log.seal(duck)
    assert not any(Path(path).exists() for path in before)
    assert ids(log) == ["a"]


def test_small_parts_are_joined(log: AppendLog) -> None:
    for number in range(append_log.MOST_SMALL_PARTS):
        log.append([row(f"{number:02}")])
        seal(log)
    assert len(log.files()) == append_log.MOST_SMALL_PARTS
    log.append([row("99")])
    seal(log)
    assert len(log.files()) == 1
    assert ids(log) == [*(f"{number:02}" for number in range(append_log.MOST_SMALL_PARTS)), "99"]


@pytest.mark.parametrize("where", ["a part", "an open journal", "a superseded journal"])
def test_what_is_forgotten_is_nowhere_in_the_folder(log: AppendLog, where: str) -> None:
    log.append([row("a", "the-person"), row("b", "another"), row("c", None)])
    if where != "an open journal":
        seal(log)
    if where == "a part":
        log.append([row("d", "another")])
    with duck() as connection:
        log.forget(connection, "coalesce(customer_id <> 'the-person', true)")
    assert not holds(log.folder, b"the-person")
    assert ids(log) == (["b", "c", "d"] if where == "a part" else ["b", "c"])
    assert log.faults().problems == ()
    log.append([row("e", "another")])
    assert ids(log)[-1] == "e"


def holds(folder: Path, word: bytes) -> bool:
    return any(
        word in path.read_bytes() or word.decode() in str(rows_of(path))
        for path in folder.rglob("*")
        if path.is_file()
    )


def rows_of(path: Path) -> object:
    import polars as pl

    return pl.read_parquet(path).rows() if path.suffix == ".parquet" else ""


def test_a_process_that_goes_on_asks_again_who_may_be_logged(log: AppendLog) -> None:
    """Its journal is taken away by an erasure; the next one is begun with the tombstones as they are then."""
    erased: set[object] = set()

    def admitting() -> Callable[[Any], bool]:
        known = set(erased)
        return lambda found: found["customer_id"] not in known

    assert log.append([row("a", "x"), row("b", "y")], admitting) == 2
    erased.add("x")
    with duck() as connection:
        AppendLog(log.folder, TABLE).forget(connection, "customer_id <> 'x'")
    assert log.append([row("c", "x"), row("d", "y")], admitting) == 1
    assert ids(log) == ["b", "d"]


@pytest.mark.parametrize("point", ["part written", "part published", "index written"])
def test_sealing_that_is_cut_short_is_begun_again(
    log: AppendLog, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    log.append([row("a")])
    log.close()

    def fail(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if point == "part written":
            patch.setattr(append_log, "file_sha256", fail)
        elif point == "part published":
            patch.setattr(log, "_write_index", fail)
        else:
            patch.setattr(append_log, "sync_folder", lambda path: fail() if path == log.folder else None)
        with pytest.raises(KeyboardInterrupt):
            log.seal(duck)
    assert ids(log) == ["a"]
    log.seal(duck)
    assert ids(log) == ["a"]
    assert len(list(log.folder.glob("parts/*"))) == len(list(log.folder.glob("parts/.*"))) + 1
    assert not list(log.folder.glob("parts/.*"))


def test_readers_see_each_row_once_while_journals_are_sealed(log: AppendLog) -> None:
    stop = threading.Event()
    errors: list[object] = []
    acknowledged: list[str] = []

    def read() -> None:
        while not stop.is_set():
            expected = set(acknowledged)
            found = ids(log)
            if len(found) != len(set(found)) or not expected <= set(found):
                errors.append((expected, found))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(16):
        log.append([row(f"{number:03}")])
        acknowledged.append(f"{number:03}")
        if number % 4 == 0:
            seal(log)
    stop.set()
    reader.join()
    assert errors == []
