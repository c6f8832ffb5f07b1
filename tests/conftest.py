"""What every suite shares: what this machine can run, a store's tables in memory, Spark."""

import gc
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

# Workers share the processors, and threads of OpenMP (LightGBM's, torch's) that wait for each other do so
# busily: with one a process, some fits take a hundredth of the time. Read when those libraries are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parents[1]
LEFT_OUT = REPOSITORY / ".pytest_cache" / "left-out.txt"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
Rows = Sequence[Mapping[str, object]]
ListFiles = Callable[[str], Sequence[str]]
LINEAGE = {"source": "test", "ingest_run_id": "run-1", "recorded_at": "2024-01-01T00:00:00Z"}

# A slow moment of the machine is no failure; and CI tries the same examples every time, so that a red run
# is due to the change. Developers' machines go on looking for new ones.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_finish(session: pytest.Session) -> None:
    """What collecting made lives as long as the run, and expressions of queries are thousands of small things
    that die young: looking for dead circles every 700 of them takes a tenth of the processor."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class OneSpark(LoadFileScheduling):
    """A file's tests run in one process, and those of all files that use Spark: starting it, and making it
    warm, takes as long as many of them."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "spark" if _uses_spark(file) else file


@cache
def _uses_spark(file: str) -> bool:
    return "pytest.mark.spark" in (REPOSITORY / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneSpark | None:
    return OneSpark(config, log) if config.getoption("dist") == "loadfile" else None


def shared_folder() -> Path:
    """`$FORESELL_SHARED`, else `shared` beside the checkout."""
    return Path(os.environ.get("FORESELL_SHARED") or REPOSITORY.parent / "shared")


@cache
def _lacks_java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java and Path(java).exists():
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
        if version and int(version.group(1)) >= 17:
            return None
    return "Java 17 is missing. On Debian: apt-get install openjdk-17-jre-headless"


def _lacks_shared_data() -> str | None:
    data = shared_folder() / "data"
    return None if data.is_dir() else f"shared data is missing at {data}. Set FORESELL_SHARED"


def _lacks_chromium() -> str | None:
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        return None
    return "Chromium is missing. On Debian: apt-get install chromium"


def _lacks_program(name: str, package: str, *folders: str) -> str | None:
    places = [str(path) for pattern in folders for path in Path("/").glob(pattern)]
    searched = os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin"])
    if shutil.which(name, path=searched):
        return None
    return f"{name} is missing. On Debian: apt-get install {package}"


NEEDS: dict[str, Callable[[], str | None]] = {
    "spark": _lacks_java,
    "shared": _lacks_shared_data,
    "browser": _lacks_chromium,
    "postgresql": lambda: _lacks_program("postgres", "postgresql", "usr/lib/postgresql/*/bin"),
    "mariadb": lambda: _lacks_program("mariadbd", "mariadb-server"),
    "redis": lambda: _lacks_program("redis-server", "redis-server"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for suite, lacks in NEEDS.items():
            if item.get_closest_marker(suite) and (reason := lacks()):
                item.add_marker(pytest.mark.skip(reason=f"{suite} suite: {reason}"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's last lines name every suite that was left out, so that green never hides a gap.

    They are also written to LEFT_OUT, which `make test` prints at the very end: DuckDB's binding may
    write about its own leaks after pytest has ended.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    left_out = _skip_reasons(reporter.stats.get("skipped", []))
    lines = [f"LEFT OUT ({count} tests): {reason}" for reason, count in left_out.items()]
    for line in lines:
        reporter.write_line(line, red=True, bold=True)
    passed, failed, skipped = (len(reporter.stats.get(name, [])) for name in ("passed", "failed", "skipped"))
    LEFT_OUT.parent.mkdir(exist_ok=True)
    LEFT_OUT.write_text("\n".join([*lines, f"{passed} passed, {failed} failed, {skipped} skipped", ""]))


def _skip_reasons(reports: Sequence[Any]) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    return reasons


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared data; tests that use it are marked `shared`."""
    return shared_folder() / "data"


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One local Spark for the whole run; tests that use it are marked `spark`."""
    from foresell.store.engine import spark_session

    # Hundreds of small plans, each run once: what the optimizing compiler would gain it costs several times.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    session = spark_session()
    # Of a few rows, compiling a plan takes longer than carrying it out.
    for option in ("codegen.wholeStage", "adaptive.enabled"):
        session.conf.set(f"spark.sql.{option}", "false")
    session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def typing_connection() -> Iterator[Any]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def write_tables(tmp_path: Path, typing_connection: Any) -> Callable[[Mapping[str, Rows]], ListFiles]:
    """Writes rows as the Parquet files of canonical tables; gives what lists a table's files.

    A row names only the columns it cares about: lineage is filled in, the rest is null.
    """
    from foresell.store.engine import ALL_TABLES

    def write(rows: Mapping[str, Rows]) -> ListFiles:
        files = {}
        for name, given in rows.items():
            if given:
                path = tmp_path / f"{name}.parquet"
                _write_parquet(typing_connection, path, ALL_TABLES[name].columns, given)
                files[name] = [str(path)]
        return lambda name: files.get(name, [])

    return write


def _write_parquet(connection: Any, path: Path, columns: Sequence[Any], rows: Rows) -> None:
    """Every value goes through text, so that the engine types it as it types a file that it reads."""
    import pyarrow

    from foresell.store.engine import literal, quoted

    unknown = {key for row in rows for key in row} - {column.name for column in columns}
    assert not unknown, f"{path.stem} has no column {unknown}"
    texts = {c.name: [_as_text({**LINEAGE, **row}.get(c.name)) for row in rows] for c in columns}
    schema = pyarrow.schema({name: pyarrow.string() for name in texts})
    casts = ", ".join(f"CAST({quoted(c.name)} AS {c.sql_type}) AS {quoted(c.name)}" for c in columns)
    connection.register("given", pyarrow.table(texts, schema=schema))
    connection.execute(f"COPY (SELECT {casts} FROM given) TO {literal(str(path))} (FORMAT parquet)")


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


@pytest.fixture
def make_tables(tmp_path: Path, write_tables: Any) -> Iterator[Callable[[Mapping[str, Rows]], Any]]:
    """Canonical tables in memory on DuckDB, from plain rows: the `Tables` that rooms are handed."""
    from foresell.contracts.settings import EngineSettings
    from foresell.store.engine import DuckDBViews, EngineTables
    from foresell.store.started_engines import started_engine

    with ExitStack() as engines:

        def make(rows: Mapping[str, Rows]) -> EngineTables:
            connection = engines.enter_context(started_engine(EngineSettings(), tmp_path / "spill"))
            return EngineTables(DuckDBViews(connection), write_tables(rows))

        yield make


@pytest.fixture
def make_spark_tables(write_tables: Any, spark: Any) -> Callable[[Mapping[str, Rows]], Any]:
    """The same on Spark."""
    from foresell.store.engine import EngineTables, SparkViews

    return lambda rows: EngineTables(SparkViews(spark), write_tables(rows))
