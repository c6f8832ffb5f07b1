"""How fast a simulated shop is lived and written, how that grows with the people, and what a store takes.

    python benchmarks/speed/simulate --customers 16000 160000 --processes 2 --repeats 3 --out FILE.json

Each size is lived and written as canonical Parquet in a process of its own (with its workers), and once more
by `foresell simulate`, which imports it into a store. Exit code 1: a goal is missed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
# Measuring and the file of results are those of the benchmark of the import.
sys.path.insert(0, str(HERE.parent / "ingest"))

from measuring import run  # noqa: E402
from results import Results, commit  # noqa: E402

GOAL_EVENTS = 10_000_000
GOAL_PER_CORE = 50_000
GOAL_BYTES = 1_000_000_000
# Ten times the events in at most twelve times the time.
GOAL_GROWTH = 1.2
MB = 1e6


def main() -> None:
    given = _arguments()
    results = Results(given.out, {"days": given.days, "processes": given.processes})
    given.work.mkdir(parents=True, exist_ok=True)
    for repeat in range(given.repeats):
        for customers in given.customers:
            for what in ("live", "store"):
                if not results.has(what, customers, repeat):
                    results.add(_measure(what, customers, repeat, given))
                    print(_line(results.measurements[-1]))
    sys.exit(_judge(results, given.processes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/speed/simulate", description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[16_000, 160_000])
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "simulate.json")
    default_work = Path(tempfile.gettempdir()) / "foresell-simulate-benchmark"
    parser.add_argument("--work", type=Path, default=default_work, help="for the files; default: %(default)s")
    return parser.parse_args()


def _measure(what: str, customers: int, repeat: int, given: argparse.Namespace) -> dict[str, Any]:
    into = given.work / what
    shutil.rmtree(into, ignore_errors=True)
    size = ["--customers", str(customers), "--days", str(given.days), "--processes", str(given.processes)]
    if what == "live":
        command = [sys.executable, str(HERE / "living.py"), *size, "--into", str(into)]
    else:
        command = [sys.executable, "-m", "foresell", "simulate", *size, "--seed", "7", "--json"]
        command += ["--store", str(into)]
    load = os.getloadavg()[0]
    taken = run(command, given.work, os.environ)
    told = json.loads(taken.output)
    rows = told["num_rows" if what == "live" else "rows"]
    written = sum(file.stat().st_size for file in into.rglob("*.parquet"))
    shutil.rmtree(into)
    return {
        "contestant": what,
        "num_rows": customers,
        "repeat": repeat,
        "commit": commit(),
        "events": rows["events"],
        "all_rows": sum(rows.values()),
        "wall_seconds": taken.wall_seconds,
        "cpu_seconds": taken.cpu_seconds,
        "peak_bytes": taken.peak_bytes,
        "written_bytes": written,
        "load_before": load,
    }


def _line(one: dict[str, Any]) -> str:
    return (
        f"{one['contestant']:5} {one['num_rows']:>9,} people  {one['events']:>11,} events  "
        f"{one['wall_seconds']:7.1f} s  {one['cpu_seconds']:7.1f} s of processors  "
        f"{one['peak_bytes'] / MB:6.0f} MB  load {one['load_before']:.1f}"
    )


def _judge(results: Results, processes: int) -> int:
    """The exit code; what was found is printed and kept beside the measurements."""
    lived = [one for one in results.measurements if one["contestant"] == "live"]
    sizes = sorted({one["num_rows"] for one in lived})
    small, large = (_typical(lived, size) for size in (sizes[0], sizes[-1]))
    found = {
        "events": large["events"],
        "events_per_second_and_core": large["events"] / large["wall_seconds"] / processes,
        "events_per_second_of_processor": large["events"] / large["cpu_seconds"],
        "peak_bytes": max(one["peak_bytes"] for one in lived),
        "growth_of_time": _growth(small, large, "wall_seconds"),
        "growth_of_processor_time": _growth(small, large, "cpu_seconds"),
    }
    missed = [
        goal
        for goal, is_met in {
            "10 million events": found["events"] >= GOAL_EVENTS,
            "50,000 events a second and core": found["events_per_second_and_core"] >= GOAL_PER_CORE,
            "under 1 GB": found["peak_bytes"] < GOAL_BYTES,
            "ten times the events in twelve times the time": found["growth_of_time"] <= GOAL_GROWTH,
        }.items()
        if not is_met
    ]
    results.tree |= {"found": found, "missed": missed}
    results.save()
    print(json.dumps({"found": found, "missed": missed}, indent=2))
    return 1 if missed else 0


def _typical(lived: list[dict[str, Any]], size: int) -> dict[str, float]:
    own = [one for one in lived if one["num_rows"] == size]
    return {name: median(one[name] for one in own) for name in ("events", "wall_seconds", "cpu_seconds")}


def _growth(small: dict[str, float], large: dict[str, float], seconds: str) -> float:
    """How many times the time, over how many times the events."""
    return (large[seconds] / small[seconds]) / (large["events"] / small["events"])


if __name__ == "__main__":
    main()
