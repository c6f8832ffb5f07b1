"""What each part of the behavior model is good for: the same model with one thing different, on any file.

python -m benchmarks.quality.sequential.ablation SEQUENCES.txt --attributes A.json --texts T.tsv --out r.json

Every variant is judged on the test with every seed, stopped by validation. Differences are paired by user.
Resumable as the benchmark itself.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.quality.sequential.__main__ import CHOOSES, SCORES, data_of, file_options, paths_of
from benchmarks.quality.sequential.campaign import Campaign, ranks_of, trials_of
from benchmarks.quality.sequential.grids import Config, start, with_seed
from benchmarks.quality.sequential.ledger import Ledger, machine
from benchmarks.quality.sequential.scoring import SEED, Ranks, per_customer, summary
from benchmarks.quality.sequential.sequences import Files, read_task
from benchmarks.quality.sequential.task import BadFileError

from foresell.evaluation.intervals import bootstrap_mean

MODEL = "behavior"
SHOWN = ("recall@10", "ndcg@10")
# Against which the others are set.
ALONE = "the model alone"
# Times are made up where a file has none: the model is told of them in one variant only.
BASE: Config = {"preset": "small", "use_time": False, "use_steps": False}
VARIANTS: Mapping[str, Config] = {
    ALONE: {},
    "loss: gbce, 40 epochs at most": {"loss": "gbce", "num_negatives": 256, "max_epochs": 40},
    "loss: sampled softmax": {"loss": "sampled_softmax"},
    "loss: softmax, others at a weight of .02": {"negative_weight": 0.02},
    "ids only": {"use_labels": False, "use_price": False, "use_text": False},
    "content only": {"use_ids": False},
    "and time": {"use_time": True},
    "ids dropped out at .3": {"id_dropout": 0.3},
    "width 64": {"width": 64},
    "width 256": {"width": 256},
    "2 layers": {"num_layers": 2},
    "and steps": {"use_steps": True},
    "and steps, width 256": {"use_steps": True, "width": 256},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    file_options(parser)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="trials at the same time")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    files = Files(given.sequences, given.attributes, given.texts)
    try:
        task = read_task(files)
    except BadFileError as error:
        sys.exit(str(error))
    campaign = Campaign(
        kind="sequences",
        paths=paths_of(files),
        data_hash=files.hash(),
        scores=SCORES,
        score=CHOOSES,
        num_seeds=given.seeds,
        trials=1,
        threads=given.threads,
        jobs=given.jobs,
    )
    ledger = Ledger(given.out)
    ledger.record.update({"machine": machine(), "data": data_of(files, task)})
    names = [ALONE, *(name for name in given.variants if name != ALONE)]
    ledger.record["variants"] = found = judged(campaign, ledger, names)
    ledger.save()
    print("\n".join(table(found)))


def config_of(name: str) -> Config:
    changes = {**BASE, **VARIANTS[name]}
    return start(MODEL, {field: [value] for field, value in changes.items()})


def judged(campaign: Campaign, ledger: Ledger, names: list[str]) -> dict[str, dict[str, Any]]:
    """Variant → its scores, and how much they differ from those of the model alone."""
    seeds = range(campaign.num_seeds)
    asked = [(name, with_seed(config_of(name), seed)) for name in names for seed in seeds]
    trials = trials_of(campaign, ledger, MODEL, [config for _, config in asked])
    of_variant = {
        name: [t for (one, _), t in zip(asked, trials, strict=True) if one == name] for name in names
    }
    ranks = {name: [ranks_of(trial) for trial in some] for name, some in of_variant.items()}
    return {
        name: {
            "changes": dict(VARIANTS[name]),
            "validation": {
                score: float(np.mean([trial["validation"][score] for trial in some])) for score in SCORES
            },
            "test": {score: summary(score, ranks[name]) for score in SCORES},
            "less_alone": {score: difference(score, ranks[name], ranks[ALONE]) for score in SCORES},
            "fit_seconds": float(np.mean([trial["fit_seconds"] for trial in some])),
        }
        for name, some in of_variant.items()
    }


def difference(score: str, ranks: list[Ranks], others: list[Ranks]) -> list[float]:
    """Mean over users of each one's mean over seeds, less the others'; and its 95% interval."""
    mine, theirs = (np.mean([per_customer(score, one) for one in some], axis=0) for some in (ranks, others))
    found = bootstrap_mean(mine - theirs, seed=SEED)
    return [found.value, found.lower, found.upper]


def table(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines of Markdown: a row a variant."""
    lines = [
        "| variant | validation NDCG@10 | Recall@10 | NDCG@10 | NDCG@10 less the model alone |",
        "|---|---|---|---|---|",
    ]
    for name, one in found.items():
        cells = [
            f"{one['test'][s]['mean']:.4f} ({one['test'][s]['over_users'][0]:.4f}–"
            f"{one['test'][s]['over_users'][1]:.4f})"
            for s in SHOWN
        ]
        less = "–" if name == ALONE else "{:+.4f} ({:+.4f} to {:+.4f})".format(*one["less_alone"]["ndcg@10"])
        lines.append(f"| {name} | {one['validation']['ndcg@10']:.4f} | {' | '.join(cells)} | {less} |")
    return lines


if __name__ == "__main__":
    main()
