"""How many weekly series a second, learned again at every window, with intervals; and how good they are.

    python -m benchmarks.speed.forecast --out FILE.json                      # 30,000 series, all contestants
    python -m benchmarks.speed.forecast --series 1000 --sample 100 --out F   # a first look
    python -m benchmarks.speed.forecast --series 3000 30000 --contestants boosted ets --out F   # how it grows

The series are made up (`synthetic.py`). Rivals run in an environment of their own, made in `--work` (0.6 GB;
`--rival-python` names one that is there). A stopped run goes on with the same command. Exit code 1: a goal is
missed.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.forecasting.rivals import rival_python
from benchmarks.speed.forecast.synthetic import SEASON, write_series

from foresell.evaluation.forecasting import judge, mean_of, scales

HERE = Path(__file__).parent
# Measuring and the file of results are those of the benchmark of the import.
sys.path.insert(0, str(HERE.parent / "ingest"))

from measuring import run  # noqa: E402
from results import commit, machine  # noqa: E402

OURS = ("boosted", "ets", "theta", "regression", "seasonal_naive")
RIVALS = {"mlforecast": "rival_mlforecast.py", "autoets": "rival_statsforecast.py"}
CONTESTANTS = ("boosted", "ets", "mlforecast", "autoets")
SCORES = ("mase", "wape", "crps", "coverage_80")
GOAL = {"series": 30_000, "seconds": 600.0, "bytes": 6e9, "growth": 12.0}
Record = dict[str, Any]


def main() -> None:
    given = arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    tree: Record = {"machine": machine(), "commit": commit(), "asked": asked(given), "taken": {}}
    if given.out.exists():
        earlier = json.loads(given.out.read_text(encoding="utf-8"))
        if any(earlier.get(name) != tree[name] for name in ("machine", "asked")):
            sys.exit(f"{given.out} comes from another machine or other settings: name another --out.")
        tree["taken"] = earlier["taken"]
    for number in given.series:
        series = given.work / f"series-{number}-{given.length}.parquet"
        if not series.exists():
            write_series(series, number, given.length + given.windows * given.horizon)
        for contestant in given.contestants:
            key = f"{contestant}, {number}"
            if key not in tree["taken"]:
                tree["taken"][key] = measured(contestant, number, series, given)
                save(tree, given.out)
            show(key, tree["taken"][key])
    tree["verdict"] = verdict(tree["taken"])
    save(tree, given.out)
    print(json.dumps(tree["verdict"], indent=1))
    raise SystemExit(not all(found["is_met"] for found in tree["verdict"].values()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[30_000])
    parser.add_argument("--length", type=int, default=150, help="weeks known at the first window")
    parser.add_argument("--horizon", type=int, default=8)
    parser.add_argument("--windows", type=int, default=3)
    parser.add_argument("--sample", type=int, default=300, help="series that AutoETS is given")
    parser.add_argument("--contestants", nargs="+", default=CONTESTANTS, choices=[*OURS, *RIVALS])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rival-python", type=Path, help="a Python that has the rivals")
    parser.add_argument("--work", type=Path, default=Path("/tmp/foresell-forecast-speed"))  # noqa: S108
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def asked(given: argparse.Namespace) -> Record:
    return {name: getattr(given, name) for name in ("length", "horizon", "windows", "sample", "threads")}


def measured(contestant: str, number: int, series: Path, given: argparse.Namespace) -> Record:
    """A contestant's run: what it took, and how good it was where the windows tell."""
    work = given.work.resolve()
    out = work / f"{contestant}-{number}.parquet"
    spec = {**asked(given), "series": str(series.resolve()), "model": contestant, "out": str(out)}
    spec["sample"] = min(given.sample, number)
    written = work / f"{contestant}-{number}.spec.json"
    written.write_text(json.dumps(spec), encoding="utf-8")
    if contestant in RIVALS:
        python = given.rival_python or rival_python(given.work / "rivals")
        command = [str(python.absolute()), "-W", "ignore", str(HERE / RIVALS[contestant]), str(written)]
    else:
        command = [sys.executable, "-m", "benchmarks.speed.forecast.ours", str(written)]
    load = os.getloadavg()[0]
    took = run(command, work, environment(given.threads))
    seconds = json.loads(Path(f"{out}.json").read_text(encoding="utf-8"))
    made = seconds.get("series", number)
    return {
        "series": made,
        "wall_seconds": took.wall_seconds,
        "cpu_seconds": took.cpu_seconds,
        "peak_bytes": took.peak_bytes,
        "seconds": seconds,
        "series_per_second": made * given.windows / sum(seconds["windows"]),
        "load_before": load,
        "scores": scores(series, out, spec),
    }


def environment(threads: int) -> Mapping[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    alike = {"PYTHONPATH": str(HERE.parents[2]), "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **dict.fromkeys(names, str(threads)), **alike}


def scores(series: Path, out: Path, spec: Record) -> dict[str, float]:
    """Over all windows; of the first `sample` series apart, on which all contestants can be compared."""
    whole, told = pl.read_parquet(series), pl.read_parquet(out)
    first = whole["series_id"].unique().sort().head(spec["sample"])
    dates = whole["date"].unique().sort()
    history = whole.filter(pl.col("date") <= dates[spec["length"] - 1])
    found = judge(told, whole, scales(history, SEASON))
    own = found.filter(pl.col("series_id").is_in(first.implode()))
    return {
        **{name: mean_of(found, name) for name in SCORES},
        **{f"{name}_of_sample": mean_of(own, name) for name in SCORES},
    }


def verdict(taken: Mapping[str, Record]) -> dict[str, Record]:
    """The goals that this run can judge."""
    found: dict[str, Record] = {}
    sizes = {record["series"]: record for key, record in taken.items() if key.startswith("boosted,")}
    if GOAL["series"] in sizes:
        record = sizes[GOAL["series"]]
        is_met = record["wall_seconds"] < GOAL["seconds"] and record["peak_bytes"] < GOAL["bytes"]
        found["boosted"] = {
            "seconds": record["wall_seconds"], "bytes": record["peak_bytes"], "is_met": bool(is_met)
        }  # fmt: skip
    for size, record in sizes.items():
        if 10 * size in sizes:
            times = sizes[10 * size]["wall_seconds"] / record["wall_seconds"]
            found[f"{size} to {10 * size}"] = {"times": times, "is_met": times <= GOAL["growth"]}
    return found


def save(tree: Record, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(out.name + ".new")
    unfinished.write_text(json.dumps(tree, indent=1), encoding="utf-8")
    unfinished.replace(out)


def show(key: str, record: Record) -> None:
    told = " ".join(f"{name} {value:.3f}" for name, value in record["scores"].items())
    print(
        f"{key}: {record['wall_seconds']:.0f} s, {record['peak_bytes'] / 1e9:.2f} GB, "
        f"{record['series_per_second']:.0f} series/s (load {record['load_before']:.1f}); {told}",
        flush=True,
    )


if __name__ == "__main__":
    main()
