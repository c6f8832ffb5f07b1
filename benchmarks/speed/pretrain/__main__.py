"""One epoch of the behavior model on a large shop's events: how fast, and in how much memory.

    python benchmarks/speed/pretrain --events 10000000 --customers 500000 --products 200000 --preset small \
        --out FILE.json

A made-up shop's actions are written to disk by one process and learned by another, whose memory is measured:
they are read as training reads a store's. Exit code 1: a goal is missed. See benchmarks/README.md.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Measuring and the file of results are those of the benchmark of the import.
sys.path.insert(0, str(HERE.parent / "ingest"))

from measuring import Taken, run  # noqa: E402
from results import Results, commit  # noqa: E402

GOAL_BYTES = 6_000_000_000
GOAL_EVENTS, GOAL_CUSTOMERS, GOAL_PRODUCTS = 10_000_000, 500_000, 200_000
GB = 1e9


def main() -> None:
    given = _arguments()
    limits = {"threads": given.threads, "preset": given.preset, "set": sorted(given.set)}
    results = Results(given.out, limits)
    size = ["--customers", str(given.customers), "--products", str(given.products)]
    size += ["--events", str(given.events), "--folder", str(given.work / "shop" / "actions")]
    shutil.rmtree(given.work / "shop", ignore_errors=True)
    (given.work / "shop").mkdir(parents=True)
    written = _run(given, "generate.py", size)
    chosen = ["--preset", given.preset, "--threads", str(given.threads)]
    chosen += [word for change in given.set for word in ("--set", change)]
    load = os.getloadavg()[0]
    trained = _run(given, "train.py", [*size, *chosen])
    shutil.rmtree(given.work / "shop")
    results.add(
        {
            "contestant": "foresell",
            "num_rows": given.events,
            "customers": given.customers,
            "products": given.products,
            "repeat": len(results.measurements),
            "commit": commit(),
            "load_before": load,
            "written": _taken(written),
            "trained": _taken(trained),
            **json.loads(trained.output),
        }
    )
    sys.exit(_judge(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/speed/pretrain", description=__doc__)
    parser.add_argument("--events", type=int, default=GOAL_EVENTS)
    parser.add_argument("--customers", type=int, default=GOAL_CUSTOMERS)
    parser.add_argument("--products", type=int, default=GOAL_PRODUCTS)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as of a preset")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "pretrain.json")
    default_work = Path(tempfile.gettempdir()) / "foresell-pretrain-benchmark"
    parser.add_argument("--work", type=Path, default=default_work, help="for the files; default: %(default)s")
    return parser.parse_args()


def _run(given: argparse.Namespace, script: str, words: list[str]) -> Taken:
    threads = {name: str(given.threads) for name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS")}
    return run([sys.executable, str(HERE / script), *words], given.work, {**os.environ, **threads})


def _taken(taken: Taken) -> dict[str, float]:
    return {
        "wall_seconds": taken.wall_seconds,
        "cpu_seconds": taken.cpu_seconds,
        "peak_bytes": taken.peak_bytes,
    }


def _judge(results: Results) -> int:
    """The exit code; what was found is printed and kept beside the measurements."""
    latest = results.measurements[-1]
    found: dict[str, Any] = {
        "events": latest["num_rows"],
        "events_per_second": latest["num_rows"] / latest["epoch_wall_seconds"],
        "events_per_second_of_processor": latest["num_rows"] / latest["epoch_cpu_seconds"],
        "peak_gigabytes": latest["trained"]["peak_bytes"] / GB,
        "peak_gigabytes_of_writing": latest["written"]["peak_bytes"] / GB,
    }
    is_whole = (latest["num_rows"], latest["customers"], latest["products"]) == (
        GOAL_EVENTS,
        GOAL_CUSTOMERS,
        GOAL_PRODUCTS,
    )
    most = max(latest["trained"]["peak_bytes"], latest["written"]["peak_bytes"])
    missed = [] if most < GOAL_BYTES else ["under 6 GB"]
    results.tree |= {"found": found, "is_whole": is_whole, "missed": missed}
    results.save()
    print(json.dumps({"found": found, "is_whole": is_whole, "missed": missed}, indent=2))
    return 1 if missed else 0


if __name__ == "__main__":
    main()
