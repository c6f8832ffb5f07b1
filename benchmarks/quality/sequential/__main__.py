"""Every recommender on a file of sequences: last item = test, one before = validation, full ranking.

python -m benchmarks.quality.sequential SEQUENCES.txt --attributes A.json --texts T.tsv --seeds 3 --out r.json
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.quality.sequential.campaign import Campaign, run_model
from benchmarks.quality.sequential.cold import cold_summary, popularity_of_labels, table
from benchmarks.quality.sequential.grids import BadSettingError, read_settings
from benchmarks.quality.sequential.ledger import Ledger, machine
from benchmarks.quality.sequential.sequences import Files, named, read_task
from benchmarks.quality.sequential.task import BadFileError, Task

from foresell.predict.recommend import MODELS

SCORES = tuple(f"{name}@{k}" for k in (5, 10, 20) for name in ("recall", "ndcg"))
CHOOSES = "ndcg@10"


def options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark and `sessions` have in common."""
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3, help="of the chosen config, for models that have one")
    parser.add_argument("--trials", type=int, default=20, help="configs that a model may try on validation")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="seeds at once; times are then no measure")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODEL.FIELD=VALUE[,VALUE]", dest="settings")
    parser.add_argument("--out", type=Path, required=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    file_options(parser)
    parser.add_argument("--shuffle-days", type=Path, help="a line a user: user day day …; shuffles each day")
    parser.add_argument("--shuffle-seed", type=int, default=0)
    parser.add_argument("--cold-share", type=float, default=0.0, help="share of products held out whole")
    parser.add_argument("--cold-seed", type=int, default=0)
    options(parser)
    given = parser.parse_args()
    files = Files(
        given.sequences,
        given.attributes,
        given.texts,
        given.shuffle_days,
        given.shuffle_seed,
        given.cold_share,
        given.cold_seed,
    )
    try:
        run(files, given)
    except (BadFileError, BadSettingError) as error:
        sys.exit(str(error))


def file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sequences", type=Path, help="a line a user: user item item …, oldest first")
    parser.add_argument("--attributes", type=Path, help="JSON: item → list of ids")
    parser.add_argument("--texts", type=Path, help="tab-separated, with a heading: item … text")


def run(files: Files, given: argparse.Namespace) -> None:
    task = read_task(files)
    campaign = Campaign(
        kind="sequences",
        paths=paths_of(files),
        data_hash=files.hash(),
        scores=SCORES,
        score=CHOOSES,
        num_seeds=given.seeds,
        trials=given.trials,
        threads=given.threads,
        settings=read_settings(given.settings),
        jobs=given.jobs,
    )
    ledger = compare(campaign, data_of(files, task), given)
    if task.cold is not None:
        show_cold(ledger, task, given.models)


def paths_of(files: Files) -> dict[str, Any]:
    """As `trial` takes them."""
    whole = {name: getattr(files, name) for name in ("sequences", "attributes", "texts", "days")}
    paths = {name: path and str(path.resolve()) for name, path in whole.items()}
    return {**paths, **{name: getattr(files, name) for name in ("shuffle_seed", "cold_share", "cold_seed")}}


def data_of(files: Files, task: Task) -> dict[str, Any]:
    """For the record."""
    return {
        "files": named([files.sequences, files.attributes, files.texts, files.days]),
        "hash": files.hash(),
        "order_of_one_day": "as in the file" if files.days is None else f"shuffled, {files.shuffle_seed}",
        **task.facts,
    }


def show_cold(ledger: Ledger, task: Task, models: Sequence[str]) -> None:
    """How the cold products rank among themselves; kept beside each model's result."""
    assert task.cold is not None
    baseline, found = popularity_of_labels(task), {}
    for model in models:
        result = ledger.record["results"][model]
        trials = [ledger.record["trials"][key] for key in result["trials"]]
        ranks = [np.array(trial["ranks_among_cold"]) for trial in trials]
        found[model] = result["cold"] = cold_summary(ranks, baseline, len(task.cold))
    ledger.save()
    print("\n" + "\n".join(table(found)))


def compare(campaign: Campaign, data: dict[str, Any], given: argparse.Namespace) -> Ledger:
    """Runs what the ledger lacks and prints the table."""
    ledger = Ledger(given.out)
    ledger.record.update({"machine": machine(), "data": data, "chosen_by": f"validation {campaign.score}"})
    results = {model: run_model(campaign, ledger, model) for model in given.models}
    print(f"\n| model | seeds | {' | '.join(campaign.scores)} | seconds | peak GB |")
    print("|---" * (len(campaign.scores) + 4) + "|")
    for model, result in results.items():
        cells = [f"{result['test'][score]['mean']:.4f}" for score in campaign.scores]
        costs = f"{result['seconds']:.0f} | {result['peak_bytes'] / 1e9:.2f}"
        print(f"| {model} | {result['seeds']} | {' | '.join(cells)} | {costs} |")
    return ledger


if __name__ == "__main__":
    main()
