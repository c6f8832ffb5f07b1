"""Each model in turn: its configs compared on validation, the best one judged on the test with every seed."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from benchmarks.quality.sequential.grids import Config, grid_of, search, start, with_seed
from benchmarks.quality.sequential.ledger import Ledger, Trial, commit, key_of
from benchmarks.quality.sequential.scoring import Ranks, summary

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Campaign:
    """`kind`, `paths`: of the data, as trial.READERS takes them. `scores`: what is reported; `score`: what
    chooses. `trials`: configs a model may try. `settings`: model → field → values. `jobs`: trials that run at
    the same time, where they wait for nothing; their wall times are then no measurement."""

    kind: str
    paths: Mapping[str, Any]
    data_hash: str
    scores: Sequence[str]
    score: str
    num_seeds: int
    trials: int
    threads: int
    settings: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    jobs: int = 1


def run_model(campaign: Campaign, ledger: Ledger, model: str) -> dict[str, Any]:
    """The model's result, kept in the ledger. Only validation chooses."""
    given = campaign.settings.get(model, {})
    first, grid = start(model, given), grid_of(model, given)
    is_only_one = campaign.trials == 1 or all(list(values) == [first[name]] for name, values in grid.items())

    def judge(config: Config) -> float:
        trial = trial_of(campaign, ledger, model, with_seed(config, 0), is_test=is_only_one)
        return float(trial["validation"][campaign.score])

    tried = search(grid, with_seed(first, 0), campaign.trials, judge)
    seeds = range(campaign.num_seeds if "seed" in first else 1)
    configs = [with_seed(tried[0], seed) for seed in seeds]
    finals = trials_of(campaign, ledger, model, configs)
    ranks = [ranks_of(trial) for trial in finals]
    result = {
        "config": tried[0],
        "configs_tried": len(tried),
        "seeds": len(finals),
        "trials": [key_of(model, config, campaign.data_hash) for config in configs],
        "validation": {
            score: float(np.mean([trial["validation"][score] for trial in finals]))
            for score in campaign.scores
        },
        "test": {score: summary(score, ranks) for score in campaign.scores},
        "seconds": float(np.mean([trial["seconds"] for trial in finals])),
        "fit_seconds": float(np.mean([trial["fit_seconds"] for trial in finals])),
        "peak_bytes": max(trial["peak_bytes"] for trial in finals),
    }
    ledger.record["results"][model] = result
    ledger.save()
    return result


def trials_of(campaign: Campaign, ledger: Ledger, model: str, configs: Sequence[Config]) -> list[Trial]:
    """Judged on the test, in the order of the configs."""
    with ThreadPoolExecutor(campaign.jobs) as pool:
        return list(pool.map(lambda config: trial_of(campaign, ledger, model, config, is_test=True), configs))


def ranks_of(trial: Trial) -> Ranks:
    ranks = np.zeros(trial["num_targets"], dtype=np.int64)
    ranks[trial["hits"]["targets"]] = trial["hits"]["ranks"]
    return ranks


def trial_of(campaign: Campaign, ledger: Ledger, model: str, config: Config, *, is_test: bool) -> Trial:
    key = key_of(model, config, campaign.data_hash)
    if done := ledger.find(key, with_test=is_test):
        return done
    spec = {
        "kind": campaign.kind,
        "paths": dict(campaign.paths),
        "model": model,
        "config": config,
        "scores": list(campaign.scores),
        "is_test": is_test,
    }
    load_before = psutil.getloadavg()[0]
    trial = {
        "model": model,
        "config": config,
        "data": campaign.data_hash,
        **_in_own_process(spec, campaign.threads),
        "threads": campaign.threads,
        "load_before": load_before,
        "commit": commit(),
    }
    ledger.keep(key, trial)
    told = {name: round(trial["validation"][name], 5) for name in campaign.scores}
    print(f"{model} {key}: {trial['seconds']:.0f} s, validation {told}", file=sys.stderr, flush=True)
    return trial


def _in_own_process(spec: dict[str, Any], threads: int) -> dict[str, Any]:
    """Ends the whole campaign where a trial fails: its own words are on the screen."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
    environment = {**os.environ, **dict.fromkeys(limits, str(threads))}
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "spec.json", Path(folder) / "result.json"
        given.write_text(json.dumps(spec), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.quality.sequential.trial", str(given), str(answer)]
        subprocess.run(command, check=True, cwd=REPOSITORY, env=environment)
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return result
