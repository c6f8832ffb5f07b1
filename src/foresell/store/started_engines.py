"""DuckDBs that are started already: starting one takes longer than most questions that are asked of it."""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Full, LifoQueue
from typing import TYPE_CHECKING, NamedTuple

from foresell.contracts.settings import EngineSettings
from foresell.store.engine import connect, literal, open_another, quoted

if TYPE_CHECKING:
    import duckdb

NUM_IDLE = 2
MOST_BYTES_IDLE = 16 << 20

WHAT_WAS_MADE = """
    SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE NOT internal
"""


class _Started(NamedTuple):
    connection: "duckdb.DuckDBPyConnection"
    settings: EngineSettings
    process: int

    def forget(self) -> None:
        """Let go of every view, table and block of a file that the last use has left."""
        for kind, name in self.connection.execute(WHAT_WAS_MADE).fetchall():
            self.connection.execute(f"DROP {kind} {quoted(name)}")
        self.connection.execute("SET enable_external_file_cache = false")
        self.connection.execute("SET enable_external_file_cache = true")

    def num_bytes(self) -> int:
        [(held,)] = self.connection.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
        return int(held)


_idle: LifoQueue[_Started] = LifoQueue(NUM_IDLE)


@contextmanager
def started_engine(settings: EngineSettings, spill_folder: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """As `connect`, by a DuckDB that nobody else uses meanwhile, but that may have been used before.

    It is kept for the next use if this one ends without an error, has not spilled, and leaves next to nothing
    in memory. Functions that are made, and settings of the engine that are changed, are taken back within.
    """
    engine = _take(settings, spill_folder) or _Started(connect(settings, spill_folder), settings, os.getpid())
    kept = False
    try:
        connection = open_another(engine.connection)
        try:
            yield connection
        finally:
            connection.close()
        kept = not spill_folder.exists() and _keep(engine)
    finally:
        if not kept:
            engine.connection.close()


def _take(settings: EngineSettings, spill_folder: Path) -> _Started | None:
    """One that was started with these settings by this process, and not by one that it was forked from."""
    while True:
        try:
            engine = _idle.get_nowait()
        except Empty:
            return None
        if engine.process != os.getpid():
            continue
        if engine.settings == settings:
            engine.connection.execute(f"SET temp_directory = {literal(str(spill_folder))}")
            return engine
        engine.connection.close()


def _keep(engine: _Started) -> bool:
    engine.forget()
    if engine.num_bytes() > MOST_BYTES_IDLE:
        return False
    try:
        _idle.put_nowait(engine)
    except Full:
        return False
    return True


@atexit.register
def _close_idle() -> None:
    while not _idle.empty():
        _idle.get_nowait().connection.close()
