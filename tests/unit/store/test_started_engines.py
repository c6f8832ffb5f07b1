from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from foresell.contracts.settings import EngineSettings
from foresell.store.engine import open_another
from foresell.store.started_engines import started_engine

SETTINGS = EngineSettings(memory_limit="100MB", threads=1)
OTHER = EngineSettings(memory_limit="200MB", threads=1)
NAMES = "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"


def use(folder: Path, *statements: str, settings: EngineSettings = SETTINGS) -> int:
    """The engine's number after the statements."""
    with started_engine(settings, folder) as connection:
        for statement in statements:
            connection.execute(statement)
        return number_of(connection)


def number_of(connection: duckdb.DuckDBPyConnection) -> int:
    """A number that a DuckDB counts on with each transaction, so 1 or 2 where it has just started."""
    with open_another(connection) as another:
        [(number,)] = another.execute("SELECT txid_current()").fetchall()
    return int(number)


def test_nothing_that_was_made_is_left_to_the_next_use(tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    before = use(
        tmp_path / "spill",
        f"COPY (SELECT range AS n FROM range(10)) TO '{rows}'",
        f"CREATE VIEW \"a view\" AS SELECT * FROM '{rows}'",
        'CREATE TABLE a_table AS SELECT * FROM "a view"',
        "CREATE TEMP TABLE temporary AS SELECT 1 AS n",
        "SET VARIABLE secret = 'x'",
        "SET TimeZone = 'Asia/Shanghai'",
    )
    with started_engine(SETTINGS, tmp_path / "spill") as connection:
        assert number_of(connection) > before
        assert connection.execute(NAMES).fetchall() == []
        assert connection.execute("SELECT getvariable('secret'), current_setting('TimeZone')").fetchall() == [
            (None, "UTC")
        ]


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    for n in range(5):
        use(tmp_path / "spill", f"COPY (SELECT {n} AS n) TO '{path}' (FORMAT parquet)")
        with started_engine(SETTINGS, tmp_path / "spill") as connection:
            assert connection.execute(f"SELECT n FROM '{path}'").fetchall() == [(n,)]


def test_one_that_failed_is_not_used_again(tmp_path: Path) -> None:
    fresh = fresh_number(tmp_path)
    assert use(tmp_path, settings=OTHER) > fresh
    with pytest.raises(duckdb.BinderException):
        use(tmp_path / "spill", "SELECT no_such_column", settings=OTHER)
    assert use(tmp_path / "spill", settings=OTHER) <= fresh


def test_one_that_has_spilled_is_not_used_again(tmp_path: Path) -> None:
    fresh = fresh_number(tmp_path)
    with started_engine(OTHER, tmp_path / "spill") as connection:
        connection.execute(
            "CREATE TEMP TABLE rows AS SELECT random() AS r, range AS n FROM range(16_000_000)"
        )
        assert (tmp_path / "spill").exists()
    assert use(tmp_path / "next", settings=OTHER) <= fresh


def test_one_of_other_settings_is_not_used(tmp_path: Path) -> None:
    fresh = fresh_number(tmp_path)
    assert use(tmp_path / "spill") <= fresh


def fresh_number(folder: Path) -> int:
    """Of one that has just started; of these settings there was none, or it has just been used."""
    use(folder / "spill")
    return use(folder / "spill", settings=OTHER)


def test_those_who_use_one_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for n in range(20):
            with started_engine(SETTINGS, tmp_path / name) as connection:
                connection.execute(f"CREATE TABLE same AS SELECT '{name}' AS who, {n} AS n")
                assert connection.execute("SELECT who, n FROM same").fetchall() == [(name, n)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, "abcd"))
