"""All that models of customers are measured by, from one command: a table of figures against their goals.

python -m benchmarks.quality.customers --data ../shared/data --work w --out customers.json

Each benchmark is a process of its own that writes its JSON into `--work`; what is there is not run again, so
a stopped run goes on with the same command. Hours on two cores. The stores of The Complete Journey and of UCI
Online Retail are made in `--work`. Exit code 1: a goal is missed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.customers.table import ROWS, Row
from benchmarks.quality.sequential.ledger import commit, machine

FORESELL = (sys.executable, "-m", "foresell")
JOURNEY, RETAIL = "journey", "retail"
SETTINGS = {
    JOURNEY: ("--time-zone", "America/New_York", "--currency", "USD"),
    RETAIL: ("--time-zone", "Europe/London", "--currency", "GBP"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=NAMES, default=list(NAMES))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name in given.only:
        out = given.work / f"{name}.json"
        if not out.exists():
            _make_stores(name, given.data, given.work)
            _run(_command(name, given.data, given.work, given.seeds), out)
        found[name] = json.loads(out.read_text(encoding="utf-8"))
    rows = [row for row in ROWS if row.benchmark in found]
    told = [_told(row, found[row.benchmark]) for row in rows]
    for line in _lines(told):
        print(line)
    if given.out:
        record = {"machine": machine(), "commit": commit(), "rows": told}
        given.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.exit(0 if all(row["is_met"] for row in told) else 1)


def _make_stores(name: str, data: Path, work: Path) -> None:
    store = STORE_OF.get(name)
    if store is None or (work / store / ".imported").exists():
        return
    home = work / store
    if not home.exists():
        subprocess.run([*FORESELL, "init", str(home), *SETTINGS[store]], check=True)
    what = ["--as", "completejourney"] if store == JOURNEY else _retail(data)
    subprocess.run([*FORESELL, "import", *what, "--store", str(home)], check=True)
    (home / ".imported").touch()


def _retail(data: Path) -> list[str]:
    [file] = sorted((data / "online_retail").glob("online_retail.*"))[:1]
    return [str(file), "--as", "online_retail"]


STORE_OF = {"journey_tasks": JOURNEY, "retail_tasks": RETAIL}
NAMES = ("cdnow", "shoppers", "journey_tasks", "retail_tasks", "simulator")


def _command(name: str, data: Path, work: Path, seeds: int) -> list[str]:
    tasks = ["benchmarks.quality.customer_tasks", "--store", str(work / STORE_OF.get(name, ""))]
    return {
        "cdnow": ["benchmarks.quality.cdnow", "--data", str(data / "cdnow")],
        "shoppers": [
            "benchmarks.quality.online_shoppers",
            str(data / "online_shoppers" / "online_shoppers_intention.csv"),
        ],
        "journey_tasks": [*tasks, "--preset", "tiny", "--work", str(work / "tasks")],
        "retail_tasks": [*tasks, "--tasks", "orders_in_90_days", "--work", str(work / "tasks")],
        "simulator": ["benchmarks.quality.segments", "--seeds", str(seeds), "--work", str(work / "worlds")],
    }[name]


def _run(command: Sequence[str], out: Path) -> None:
    """A benchmark that misses a goal of its own ends with 1 and has written what it found."""
    made = out.with_suffix(".part.json")
    ended = subprocess.run([sys.executable, "-m", *command, "--out", str(made)], check=False)
    if ended.returncode not in (0, 1) or not made.exists():
        raise SystemExit(f"{command[0]} ended with {ended.returncode}; run this command again to go on.")
    made.rename(out)


def _told(row: Row, record: dict[str, Any]) -> dict[str, Any]:
    figure, is_met = row.read(record)
    return {"data": row.data, "what": row.what, "goal": row.goal, "figure": figure, "is_met": is_met}


def _lines(told: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "| data | what | must | found | met |"
    yield "|---|---|---|---|---|"
    for row in told:
        is_met = "yes" if row["is_met"] else "**no**"
        yield f"| {row['data']} | {row['what']} | {row['goal']} | {row['figure']} | {is_met} |"


if __name__ == "__main__":
    main()
