"""Whatever a file holds: no crash, no error but ours, and every row is accounted for.

A longer campaign, of so many minutes and from new numbers: FORESELL_FUZZ_MINUTES=10 pytest THIS_FILE
"""

import csv
import importlib.util
import io
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.settings import EngineSettings
from foresell.sources.readers import ReadOptions, stage_file
from foresell.store.engine import connect

MINUTES = float(os.environ.get("FORESELL_FUZZ_MINUTES", "0"))
IS_LONG = MINUTES > 0
# What a table holds that is written in order: any text but NUL, which no reader keeps.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ROWS = st.lists(st.tuples(VALUES.map(lambda text: "k" + text), VALUES, VALUES), max_size=20)
KEPT = settings(
    derandomize=not IS_LONG,
    max_examples=int(200 * MINUTES) if IS_LONG else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect(EngineSettings(memory_limit="500MB", threads=2))


@pytest.fixture(scope="module")
def driver() -> ModuleType:
    for name in ("fuzz_tables", "fuzz_driver"):
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules["fuzz_driver"]


def as_csv(rows: Sequence[Sequence[str]], delimiter: str, end: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    return out.getvalue().encode()


@KEPT
@given(rows=ROWS, delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(["\n", "\r\n"]))
def test_a_table_in_order_is_read_whole(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    end: str,
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv(rows, delimiter, end))
    options = ReadOptions(delimiter=delimiter, encoding="utf-8")
    staged = stage_file(connection, path, tmp_path / "into", options=options, projection=lambda _: {})
    assert (staged.num_rows, staged.num_rejected) == (len(rows), 0)


@KEPT
@given(
    rows=ROWS,
    place=st.integers(0, 2000),
    removed=st.integers(0, 40),
    put=st.binary(max_size=8) | st.sampled_from([b'"', b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b'"\n"']),
)
def test_a_damaged_table_loses_no_row_unsaid(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    driver: ModuleType,
    rows: list[tuple[str, str, str]],
    place: int,
    removed: int,
    put: bytes,
) -> None:
    data = as_csv(rows, ",", "\n")
    content = data[:place] + put + data[place + removed :]
    driver.check_reading(driver.Case("a.csv", content, ReadOptions(), None), tmp_path, connection)


@KEPT
@given(content=st.binary(max_size=300), extension=st.sampled_from([".csv", ".jsonl", ".parquet", ".zip"]))
def test_noise_is_refused_or_counted(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, driver: ModuleType, content: bytes, extension: str
) -> None:
    driver.check_reading(driver.Case(f"a{extension}", content, ReadOptions(), None), tmp_path, connection)


@pytest.mark.parametrize(("target", "last"), [((), 100), (("store",), 8)], ids=["read", "imported"])
def test_the_campaign_ends_well(tmp_path: Path, target: tuple[str, ...], last: int) -> None:
    """In a process of its own, so that a crash of a library is seen as one."""
    first = int(time.time()) % 10**6 * 1000 if IS_LONG else 0
    ended = run_driver(first, first + (10**6 if IS_LONG else last), tmp_path / "work", target)
    assert ended.returncode == 0, f"case {ended.stdout.split()[-1:]}: {ended.stderr[-3000:]}"


def run_driver(
    first: int, last: int, folder: Path, target: Sequence[str]
) -> "subprocess.CompletedProcess[str]":
    program = Path(__file__).with_name("fuzz_driver.py")
    return subprocess.run(
        [sys.executable, str(program), str(first), str(last), str(folder), *target],
        capture_output=True,
        text=True,
        env={**os.environ, "FORESELL_KEY": "5a" * 32, "FORESELL_FUZZ_SECONDS": str(int(MINUTES * 30) or 600)},
        check=False,
    )
