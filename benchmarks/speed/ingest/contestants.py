"""Who takes part: the commands of each, and how its answers are read."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIME_ZONE = "Europe/Berlin"
CURRENCY = "EUR"
OUTCOMES = ("rows_read", "rows_accepted", "rows_duplicate", "rows_quarantined")


@dataclass(frozen=True, slots=True)
class Limits:
    """The same for all who can be limited: DuckDB's memory and threads."""

    threads: int
    memory_limit: str


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what is done before its clock starts."""

    name: str
    command: Sequence[str]
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a contestant says about the rows, the KPIs it can give, and the Parquet files it wrote."""

    rows: Mapping[str, int]
    kpis: Mapping[str, float | None]
    files: Sequence[Path]
    where: str = "true"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`steps` makes its commands for a source file, an empty folder and the limits; `read` its answers
    from the outputs of these by name. `most_rows`: it holds all rows in memory, and cannot do more."""

    steps: Callable[[Path, Path, Limits], list[Step]]
    read: Callable[[Path, Mapping[str, str]], Answers]
    most_rows: int | None = None


def foresell_command() -> str:
    beside = Path(sys.executable).parent / "foresell"
    found = str(beside) if beside.exists() else shutil.which("foresell")
    if found is None:
        sys.exit("The command `foresell` is not installed beside this Python: pip install -e .")
    return found


def foresell_steps(source: Path, folder: Path, limits: Limits) -> list[Step]:
    foresell, store = foresell_command(), folder / "store"
    init = [foresell, "init", str(store), "--time-zone", TIME_ZONE, "--currency", CURRENCY, "--json"]
    import_ = [foresell, "import", str(source), "--as", "events", "--store", str(store), "--json"]
    return [
        Step("init", init),
        Step("import", import_, lambda: limit_engine(store / "foresell.toml", limits)),
        Step("kpi", [foresell, "kpi", "--json", "--store", str(store)]),
    ]


def limit_engine(settings: Path, limits: Limits) -> None:
    """Say the limits in the store's settings, where a user would."""
    text = settings.read_text(encoding="utf-8")
    for key, value in (("threads", str(limits.threads)), ("memory_limit", f'"{limits.memory_limit}"')):
        text, times = re.subn(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
        assert times == 1, f"{settings} has {times} lines '{key} ='"
    settings.write_text(text, encoding="utf-8")


def read_foresell(folder: Path, outputs: Mapping[str, str]) -> Answers:
    from deltalake import DeltaTable

    (run,) = json.loads(outputs["import"])["runs"]
    answers = json.loads(outputs["kpi"])["kpis"]
    files = DeltaTable(folder / "store" / "tables" / "events").file_uris()
    return Answers(
        rows={name: run[name] for name in OUTCOMES},
        kpis={answer["kpi"]: _only_value(answer) for answer in answers if "rows" in answer},
        files=[Path(file) for file in files],
        where="true",  # one import into a new store supersedes nothing
    )


def _only_value(answer: Mapping[str, Any]) -> float | None:
    (row,) = answer["rows"]
    value: float | None = row["value"]
    return value


def duckdb_steps(source: Path, folder: Path, limits: Limits) -> list[Step]:
    script = [sys.executable, str(HERE / "rival_duckdb.py"), str(source), str(folder)]
    limited = ["--threads", str(limits.threads), "--memory-limit", limits.memory_limit]
    return [Step("script", script + limited)]


def pandas_steps(source: Path, folder: Path, _limits: Limits) -> list[Step]:
    return [Step("script", [sys.executable, str(HERE / "rival_pandas.py"), str(source), str(folder)])]


def read_script(folder: Path, outputs: Mapping[str, str]) -> Answers:
    said = json.loads(outputs["script"])
    rows = {name: said[name] for name in OUTCOMES}
    return Answers(rows=rows, kpis=said["kpis"], files=[folder / "events.parquet"])


CONTESTANTS = {
    "foresell": Contestant(foresell_steps, read_foresell),
    "duckdb": Contestant(duckdb_steps, read_script),
    "pandas": Contestant(pandas_steps, read_script, most_rows=5_000_000),
}
RIVALS = tuple(name for name in CONTESTANTS if name != "foresell")
