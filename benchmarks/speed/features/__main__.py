"""What features of customers cost against SQL written by hand for the same columns, and whether they agree.

    python -m benchmarks.speed.features --out FILE.json                                   # 50 million events
    python -m benchmarks.speed.features --customers 100000 --events 5000000 --out FILE.json

Both write the same columns of the same Parquet files, each in a process of its own, one after the other. Exit
code 1: a goal is missed, or the values differ.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
from benchmarks.speed.features.synthetic import write

from foresell.store.engine import literal, quoted

HERE = Path(__file__).parent
# Measuring and the file of results are those of the benchmark of the import.
sys.path.insert(0, str(HERE.parent / "ingest"))

from measuring import run  # noqa: E402
from results import commit, machine  # noqa: E402

GOAL_TIMES = 3.0
GOAL_BYTES = 6e9
TOLERANCE = 1e-9


def main() -> None:
    given = arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    files = write(given.work, given.customers, given.events)
    taken: dict[str, list[dict[str, Any]]] = {"foresell": [], "sql": []}
    for _ in range(given.repeats):
        for who, repeats in taken.items():
            repeats.append(turn(who, files, given))
            print(who, repeats[-1], flush=True)
    differing = differences(given.work)
    best = {who: min(one["wall_seconds"] for one in repeats) for who, repeats in taken.items()}
    best_cpu = {who: min(one["cpu_seconds"] for one in repeats) for who, repeats in taken.items()}
    times, peak = best["foresell"] / best["sql"], max(one["peak_bytes"] for one in taken["foresell"])
    verdict = {
        "times_the_sql": times,
        "times_the_sql_in_processor_time": best_cpu["foresell"] / best_cpu["sql"],
        "peak_bytes": peak,
        "differing_columns": differing,
        "is_met": times <= GOAL_TIMES and peak <= GOAL_BYTES and not differing,
    }
    sizes = {name: getattr(given, name) for name in ("customers", "events", "memory_limit", "threads")}
    tree = {"machine": machine(), "commit": commit(), **sizes, "taken": taken, "verdict": verdict}
    given.out.write_text(json.dumps(tree, indent=1), encoding="utf-8")
    print(json.dumps(verdict, indent=1))
    raise SystemExit(not verdict["is_met"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--memory-limit", default="4GB", help="of DuckDB, for both")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/foresell-speed-features"))  # noqa: S108
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def turn(who: str, files: dict[str, Path], given: argparse.Namespace) -> dict[str, Any]:
    words = [str(files["events"]), str(files["products"]), str(answer(given.work, who))]
    command = [sys.executable, "-m", "benchmarks.speed.features.ours", who, *words]
    load = os.getloadavg()[0]
    root = {**os.environ, "PYTHONPATH": str(HERE.parents[2])}
    took = run([*command, given.memory_limit, str(given.threads)], given.work, root)
    numbers = {name: getattr(took, name) for name in ("wall_seconds", "cpu_seconds", "peak_bytes")}
    return {**numbers, "load_before": load}


def answer(work: Path, who: str) -> Path:
    return work / f"{who}.parquet"


def differences(work: Path) -> list[str]:
    """Columns in which a customer's values differ by more than a relative 1e-9, or "rows"."""
    ours, theirs = (f"read_parquet({literal(str(answer(work, who)))})" for who in ("foresell", "sql"))
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(work / "spill")}) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {side}").fetchall()[0][0] for side in (ours, theirs)
        ]
        described = connection.sql(f"SELECT * FROM {ours} LIMIT 0").description
        others = {column[0] for column in connection.sql(f"SELECT * FROM {theirs} LIMIT 0").description}
        names = [column[0] for column in described if column[0] != "customer_id"]
        wrong = sorted({"customer_id", *names} ^ others)
        checks = [
            f"count(*) FILTER (WHERE NOT {_agree(quoted(name))}) AS {quoted(name)}"
            for name in names
            if name in others
        ]
        query = f"SELECT count(*), {', '.join(checks)} FROM {ours} a JOIN {theirs} b USING (customer_id)"
        both, *found = connection.execute(query).fetchall()[0]
    told = [name for name, number in zip([n for n in names if n in others], found, strict=True) if number]
    return [*(["rows"] if len({*counts, both}) > 1 else []), *wrong, *told]


def _agree(name: str) -> str:
    one, other = f"a.{name}", f"b.{name}"
    near = f"abs(try_cast({one} AS DOUBLE) - try_cast({other} AS DOUBLE))"
    return (
        f"({one} IS NOT DISTINCT FROM {other} OR coalesce({near} <= {TOLERANCE} * "
        f"greatest(1, abs(try_cast({one} AS DOUBLE))), false))"
    )


if __name__ == "__main__":
    main()
