"""How long our model takes to reach the best that RecBole's SASRec reaches, and how long that one took.

    python -m benchmarks.speed.train_time SEQUENCES.txt --attributes A.json --texts T.tsv --out FILE.json

RecBole runs in an environment of its own, which is made in `--work` (1.4 GB; `--rival-python` names one that
is there). Both have the same sequences, split, ranking and threads, one after the other; with `--gpu` both
learn on the GPU, else neither does. A stopped run goes on with the same command. On a few cores RecBole takes
hours: with `--rival-minutes` it is cut off, what it has not reached by then takes it longer, and the goal is
met if it does so for all that we reach. Exit code 1: the goal is missed.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.speed.train_time.environment import rival_python

HERE = Path(__file__).parent
# Measuring and the file of results are those of the benchmark of the import.
sys.path.insert(0, str(HERE.parent / "ingest"))

from measuring import run  # noqa: E402
from results import commit, machine  # noqa: E402

GOAL_TIMES_FASTER = 3.0
# The best is reached on a flat stretch, by luck sooner or later: what lies just below it is told as well.
LEVELS = (1.0, 0.99, 0.95, 0.9)
Record = dict[str, Any]


def main() -> None:
    given = arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    tree: Record = {"machine": machine(), "commit": commit(), "threads": given.threads, "gpu": given.gpu}
    tree["taken"] = {}
    if given.out.exists():
        earlier = json.loads(given.out.read_text(encoding="utf-8"))
        if any(earlier.get(name) != tree[name] for name in ("machine", "threads", "gpu")):
            sys.exit(
                f"{given.out} comes from another machine, other packages or threads: name another --out."
            )
        tree["taken"] = earlier["taken"]
    rival = race(tree, given, "recbole", rival_command(given), given.work / "recbole")
    ours = race(tree, given, "foresell", our_command(given), HERE.parents[2])
    tree.update({"recbole": rival, "foresell": ours, "verdict": verdict(rival, ours)})
    save(tree, given.out)
    show(tree)
    raise SystemExit(not tree["verdict"]["is_met"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sequences", type=Path, help="a line a user: user item item …, oldest first")
    parser.add_argument("--attributes", type=Path, help="JSON: item → list of ids; ours only")
    parser.add_argument("--texts", type=Path, help="tab-separated, with a heading; ours only")
    parser.add_argument("--model", default="behavior")
    parser.add_argument("--config", type=json.loads, default={}, help="of our model, as JSON")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--rival-python", type=Path, help="a Python that has RecBole")
    parser.add_argument(
        "--epochs", type=int, default=300, help="RecBole's at most; it stops earlier by itself"
    )
    parser.add_argument("--rival-minutes", type=float, help="cut RecBole off after so many")
    parser.add_argument("--work", type=Path, default=Path("/tmp/foresell-train-time"))  # noqa: S108
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def rival_command(given: argparse.Namespace) -> list[str]:
    python = given.rival_python or rival_python(given.work / "environment")
    folder = given.work / "recbole"
    folder.mkdir(exist_ok=True)
    command = [str(python.absolute()), "-W", "ignore", str(HERE / "rival_recbole.py")]
    asked = ["--threads", str(given.threads), "--epochs", str(given.epochs), "--work", str(folder.resolve())]
    asked += ["--gpu"] if given.gpu else []
    asked += ["--seconds", str(60 * given.rival_minutes)] if given.rival_minutes else []
    return [*command, str(given.sequences.resolve()), *asked, "--out", str(record_of(given, "recbole"))]


def our_command(given: argparse.Namespace) -> list[str]:
    files = {name: getattr(given, name) for name in ("sequences", "attributes", "texts")}
    spec = {name: path and str(path.resolve()) for name, path in files.items()}
    written = given.work.resolve() / "foresell.spec.json"
    written.write_text(json.dumps({**spec, "model": given.model, "config": given.config}), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.speed.train_time.ours"]
    return [*command, str(written), str(record_of(given, "foresell"))]


def record_of(given: argparse.Namespace, contestant: str) -> Path:
    return given.work.resolve() / f"{contestant}.json"


def race(
    tree: Record, given: argparse.Namespace, contestant: str, command: list[str], folder: Path
) -> Record:
    """The contestant's record. One that is finished in `--out` stays as it is."""
    if contestant not in tree["taken"]:
        load = os.getloadavg()[0]
        print(f"{contestant}: load {load:.1f} before", flush=True)
        took = run(command, folder, environment(given))
        record = json.loads(record_of(given, contestant).read_text(encoding="utf-8"))
        costs = {"cpu_seconds": took.cpu_seconds, "peak_bytes": took.peak_bytes, "load_before": load}
        tree["taken"][contestant] = {**costs, "record": record}
        save(tree, given.out)
    found: Record = tree["taken"][contestant]["record"]
    return found


def environment(given: argparse.Namespace) -> Mapping[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    unseen = {} if given.gpu else {"CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **dict.fromkeys(names, str(given.threads)), **unseen}


def verdict(rival: Record, ours: Record) -> Record:
    """Seconds of training and validating up to the first epoch at each level of the rival's best NDCG@10.

    Of a rival that was cut off below our best its own is not known: the levels are those of ours, and where
    it was at none, `is_at_least` says that it takes longer than it had.
    """
    is_open = rival["cut_off"] and rival["best"]["ndcg_10"] < ours["best"]["ndcg_10"]
    leading = ours if is_open else rival
    levels = []
    for share in LEVELS:
        wanted = share * leading["best"]["ndcg_10"]
        theirs, mine = (reached(record, wanted) for record in (rival, ours))
        is_at_least = is_open and theirs is None
        theirs = rival["epochs"][-1]["seconds"] if is_at_least else theirs
        levels.append(
            {
                "share": share,
                "ndcg_10": wanted,
                "recbole": theirs,
                "foresell": mine,
                "times_faster": theirs / mine if theirs and mine else None,
                "is_at_least": is_at_least,
            }
        )
    best = levels[0]["times_faster"]
    is_met = best is not None and best >= GOAL_TIMES_FASTER
    return {"levels_of": leading["contestant"], "levels": levels, "is_met": is_met}


def reached(record: Record, wanted: float) -> float | None:
    """Seconds until `wanted` was first reached; None: never."""
    at = [epoch["seconds"] for epoch in record["epochs"] if epoch["ndcg_10"] >= wanted]
    return min(at, default=None)


def save(tree: Record, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(out.name + ".new")
    unfinished.write_text(json.dumps(tree, indent=1), encoding="utf-8")
    unfinished.replace(out)


def show(tree: Record) -> None:
    whose = {"foresell": "our", "recbole": "its"}[tree["verdict"]["levels_of"]]
    print("\n| validation NDCG@10 | RecBole SASRec | foresell | times faster |\n|---|---:|---:|---:|")
    for level in tree["verdict"]["levels"]:
        over = "> " * level["is_at_least"]
        cells = [
            f"{level['ndcg_10']:.4f} ({level['share']:.0%} of {whose} best)",
            over + _number(level["recbole"], 0, " s"),
            _number(level["foresell"], 0, " s"),
            over + _number(level["times_faster"], 1, ""),
        ]
        print(f"| {' | '.join(cells)} |")
    for name in ("recbole", "foresell"):
        record, gigabytes = tree[name], tree["taken"][name]["peak_bytes"] / 1e9
        best, test = record["best"], list(record["test"].values())
        print(
            f"{name}: best epoch {best['epoch']} of {len(record['epochs'])}, NDCG@10 {best['ndcg_10']:.4f};",
            end=" ",
        )
        print(f"test NDCG@10 {test[0]:.4f}, Recall@10 {test[1]:.4f}; peak {gigabytes:.2f} GB")


def _number(value: float | None, digits: int, unit: str) -> str:
    return "never" if value is None else f"{value:,.{digits}f}{unit}"


if __name__ == "__main__":
    main()
