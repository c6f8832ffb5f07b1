"""Foresell's import and KPI catalog against hand-written DuckDB and plain pandas, on the same file.

    python benchmarks/speed/ingest --rows 2000000 20000000 --rivals duckdb pandas --repeats 3 --out FILE.json

Exit code 1: answers differ, or a goal is missed. See benchmarks/README.md.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
from contestants import CONTESTANTS, HERE, RIVALS, Answers, Limits
from judging import AIM_TIMES_DUCKDB, LARGE, SMALL, goals, mismatches, summary
from measuring import run
from results import Results, commit

CHUNK = 1 << 24
MB = 1e6


def main() -> None:
    given = _arguments()
    limits = Limits(given.threads, given.memory_limit)
    results = Results(given.out, asdict(limits))
    given.work.mkdir(parents=True, exist_ok=True)
    for num_rows in given.rows:
        source = _source(given.work, num_rows)
        for repeat in range(given.repeats):
            for name in ("foresell", *given.rivals):
                most = CONTESTANTS[name].most_rows
                if (most is None or num_rows <= most) and not results.has(name, num_rows, repeat):
                    results.add(_measure(name, source, num_rows, repeat, limits, given.work))
                    _show(results.measurements[-1])
    sys.exit(_judge(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/speed/ingest", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[SMALL, LARGE])
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "ingest.json")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="2GB", help="of DuckDB; default: %(default)s")
    default_work = Path(tempfile.gettempdir()) / "foresell-benchmark"
    parser.add_argument("--work", type=Path, default=default_work, help="for the files; default: %(default)s")
    return parser.parse_args()


def _source(work: Path, num_rows: int) -> Path:
    source = work / f"events-{num_rows}.parquet"
    if not source.exists():
        new = source.with_suffix(".new")
        subprocess.run([sys.executable, str(HERE / "generate.py"), str(num_rows), str(new)], check=True)
        new.rename(source)
    return source


def _measure(
    name: str, source: Path, num_rows: int, repeat: int, limits: Limits, work: Path
) -> dict[str, Any]:
    """All commands of a contestant, in a folder of its own that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work))
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    try:
        _level(source)
        taken = {}
        for step in CONTESTANTS[name].steps(source, folder, limits):
            step.prepare()
            taken[step.name] = run(step.command, folder, environment)
        answers = CONTESTANTS[name].read(folder, {step: took.output for step, took in taken.items()})
        return {
            "contestant": name,
            "num_rows": num_rows,
            "repeat": repeat,
            "commit": commit(),
            "load_before": os.getloadavg()[0],
            "wall_seconds": sum(took.wall_seconds for took in taken.values()),
            "cpu_seconds": sum(took.cpu_seconds for took in taken.values()),
            "peak_bytes": max(took.peak_bytes for took in taken.values()),
            "steps": {
                step: {key: value for key, value in asdict(took).items() if key != "output"}
                for step, took in taken.items()
            },
            "rows": dict(answers.rows),
            "kpis": dict(answers.kpis),
            "written": _written(answers, limits),
            "bytes_left": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        }
    finally:
        shutil.rmtree(folder)


def _level(source: Path) -> None:
    """The same start for all: nothing left to be written, the source in the page cache."""
    os.sync()
    with source.open("rb") as file:
        while file.read(CHUNK):
            pass


def _written(answers: Answers, limits: Limits) -> str:
    """What stands in the written files, as a number of rows and a sum of row hashes."""
    files = ", ".join(f"'{file}'" for file in answers.files)
    with duckdb.connect(
        config={"threads": limits.threads, "memory_limit": limits.memory_limit}
    ) as connection:
        row = connection.execute(
            f"""
            SELECT count(*), sum(hash(
                event_id, event_name, epoch_us(occurred_at::TIMESTAMPTZ), local_date, customer_id,
                anonymous_id, session_id, product_id, quantity, price::DECIMAL(18, 4), currency, order_id,
                device_type, country, utm_source, page_url)::HUGEINT)
            FROM read_parquet([{files}]) WHERE {answers.where}
            """
        ).fetchone()
    assert row is not None
    return f"{row[0]} rows, hash {row[1]}"


def _show(measurement: dict[str, Any]) -> None:
    steps = ", ".join(f"{step} {took['wall_seconds']:.1f}" for step, took in measurement["steps"].items())
    print(
        f"{measurement['num_rows']:>11,} rows  {measurement['contestant']:<9} "
        f"wall {measurement['wall_seconds']:7.1f} s  cpu {measurement['cpu_seconds']:7.1f} s  "
        f"peak {measurement['peak_bytes'] / MB:6.0f} MB  ({steps}; load {measurement['load_before']:.1f})",
        file=sys.stderr,
        flush=True,
    )


def _judge(results: Results) -> int:
    """Write and print what follows from the measurements; 1 if answers differ or a goal is missed."""
    differing = mismatches(results.measurements)
    reached = goals(results.measurements)
    results.tree |= {
        "summary": summary(results.measurements),
        "mismatches": differing,
        "goals": [goal.as_record() for goal in reached],
    }
    results.save()
    for row in results.tree["summary"]:
        print(
            f"{row['num_rows']:>11,} rows  {row['contestant']:<9} median {row['wall_seconds']:7.1f} s "
            f"({row['wall_least']:.1f} to {row['wall_most']:.1f}, {row['repeats']} runs)  "
            f"cpu {row['cpu_seconds']:7.1f} s  peak {row['peak_bytes'] / MB:6.0f} MB"
        )
    for goal in reached:
        bound = "at most" if goal.is_most else "at least"
        verdict = "met" if goal.is_met else "MISSED"
        print(f"{verdict}: {goal.name}: {goal.value:,.2f}, {bound} {goal.limit:,.0f}")
        if "DuckDB" in goal.name:
            aim = "reached" if goal.value <= AIM_TIMES_DUCKDB else "not reached"
            print(f"  the aim of {AIM_TIMES_DUCKDB:.0f} is {aim}")
    for line in differing:
        print(f"MISMATCH: {line}")
    print(results.path)
    return 1 if differing or not all(goal.is_met for goal in reached) else 0


if __name__ == "__main__":
    main()
