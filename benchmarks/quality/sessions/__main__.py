"""Every recommender on sessions: P@20 (Recall@20 of the one product that comes next) and MRR@20.

python -m benchmarks.quality.sessions TRAIN.parquet TEST.parquet --seeds 3 --out r.json
"""

import argparse
import sys
from pathlib import Path

from benchmarks.quality.sequential.__main__ import compare, options
from benchmarks.quality.sequential.campaign import Campaign
from benchmarks.quality.sequential.grids import BadSettingError, read_settings
from benchmarks.quality.sequential.task import BadFileError
from benchmarks.quality.sessions.parquet import Files, named, read_task

# With one target a prefix, P@20 of SR-GNN and GCE-GNN is Recall@20.
SCORES = ("recall@20", "mrr@20", "recall@10", "mrr@10", "ndcg@20")
CHOOSES = "recall@20"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path, help="Parquet: items, a session a row, the oldest first")
    parser.add_argument("test", type=Path, help="Parquet: prefix, target")
    parser.add_argument("--validation-targets", type=int, default=5_000)
    options(parser)
    given = parser.parse_args()
    files = Files(given.train, given.test, given.validation_targets)
    try:
        run(files, given)
    except (BadFileError, BadSettingError) as error:
        sys.exit(str(error))


def run(files: Files, given: argparse.Namespace) -> None:
    facts = dict(read_task(files).facts)
    paths = {
        "train": str(files.train.resolve()),
        "test": str(files.test.resolve()),
        "validation_targets": files.validation_targets,
    }
    campaign = Campaign(
        kind="sessions",
        paths=paths,
        data_hash=files.hash(),
        scores=SCORES,
        score=CHOOSES,
        num_seeds=given.seeds,
        trials=given.trials,
        threads=given.threads,
        settings=read_settings(given.settings),
        jobs=given.jobs,
    )
    compare(campaign, {"files": named(files), "hash": files.hash(), **facts}, given)


if __name__ == "__main__":
    main()
