"""Starting is quick: heavy libraries load when they are used."""

import importlib.util
import resource
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
HEAVY = (
    "deltalake",
    "duckdb",
    "ibis",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pyspark",
    "scipy",
    "sqlglot",
    "statsforecast",
)
RUNS = 5


def best_seconds(*arguments: str) -> float:
    """Processor time, which other work on the machine does not count in; the best of several."""
    return min(_processor_seconds(*arguments) for _ in range(RUNS))


def _processor_seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.split(".")[0] for name in answer.stdout.split()}


def test_import_is_quick() -> None:
    assert best_seconds("-c", "import foresell") < 0.3


def test_importing_any_room_loads_nothing_heavy() -> None:
    rooms = sorted(path.parent.relative_to(SOURCE) for path in SOURCE.rglob("__init__.py"))
    statement = "import " + ", ".join(".".join(room.parts) for room in rooms)
    assert loaded_by(statement) & set(HEAVY) == set()


needs_cli = pytest.mark.skipif(
    importlib.util.find_spec("foresell.cli") is None, reason="the command line is not built yet"
)


@needs_cli
def test_help_is_quick() -> None:
    assert best_seconds("-m", "foresell", "--help") < 0.6


@needs_cli
def test_the_command_loads_nothing_heavy_before_it_is_used() -> None:
    assert loaded_by("import foresell.cli.main") & set(HEAVY) == set()


@needs_cli
def test_help_reads_no_shops_settings() -> None:
    """Their validation takes a third of the time that help may take."""
    told = (
        "import runpy, sys; sys.argv[1:] = ['--help']\n"
        "try: runpy.run_module('foresell', run_name='__main__')\n"
        "except SystemExit: print('loaded', *sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    loaded = answer.stdout.splitlines()[-1].split()
    assert loaded[0] == "loaded"
    assert "foresell.cli.commands.fit" in loaded
    assert "foresell.contracts.settings" not in loaded
