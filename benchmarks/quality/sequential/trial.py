"""One model, one config, one seed, in a process of its own, so that its peak memory is its own.

python -m benchmarks.quality.sequential.trial SPEC.json RESULT.json
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.quality.sequential.scoring import means, target_ranks
from benchmarks.quality.sequential.sequences import Files, read_task
from benchmarks.quality.sequential.task import Task
from benchmarks.quality.sessions.parquet import read_sessions

from foresell.predict.recommend import load_model
from foresell.predict.recommend.fitted import FittedRecommender

KIB = 1024


def read_sequences(paths: dict[str, Any]) -> Task:
    of = {
        name: None if paths[name] is None else Path(paths[name]) for name in ("attributes", "texts", "days")
    }
    rest = {name: paths[name] for name in ("shuffle_seed", "cold_share", "cold_seed")}
    return read_task(Files(Path(paths["sequences"]), **of, **rest))


# What a spec's "kind" means.
READERS: dict[str, Callable[[dict[str, Any]], Task]] = {
    "sequences": read_sequences,
    "sessions": read_sessions,
}


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    """Fits, is judged on validation and, where the spec asks, on test. Seconds are wall time."""
    task = READERS[spec["kind"]](spec["paths"])
    model = load_model(spec["model"])
    config = model.config(**spec["config"])
    started = perf_counter()
    fitted = model.fit(task.learned, config, task.products, validation=task.later)
    fitted_at = perf_counter()
    ranks = target_ranks(fitted, task.validation, masks_history=task.masks_history)
    result: dict[str, Any] = {
        "fit_seconds": fitted_at - started,
        "predict_seconds": perf_counter() - fitted_at,
        "validation": means(spec["scores"], ranks),
    }
    if spec["is_test"]:
        judged = _fitted_again(task, spec, fitted)
        ranks = target_ranks(judged, task.test, masks_history=task.masks_history)
        result["test"] = means(spec["scores"], ranks)
        result["num_targets"] = len(ranks)
        hits = ranks.nonzero()[0]
        result["hits"] = {"targets": hits.tolist(), "ranks": ranks[hits].tolist()}
        if task.cold is not None:
            among = target_ranks(judged, task.test, masks_history=False, among=task.cold)
            result["ranks_among_cold"] = among.tolist()
    costs = {"seconds": perf_counter() - started, "peak_bytes": peak_bytes()}
    return {**result, **costs, "device": device()}


def _fitted_again(task: Task, spec: dict[str, Any], fitted: FittedRecommender) -> FittedRecommender:
    """What is judged on the test. A model that stopped early says by `refit` (config fields) where it did."""
    if task.everything is None:
        return fitted
    model = load_model(spec["model"])
    config = model.config(**{**spec["config"], **getattr(fitted, "refit", {})})
    return model.fit(task.everything, config, task.products)


def device() -> str:
    """The GPU that a model may have learned on, else "processor"."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else "processor"


def peak_bytes() -> int:
    """The largest resident memory of this process alone; a parent's peak lives on in getrusage's."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * KIB
    raise RuntimeError("The kernel does not say VmHWM")


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(measure(given)), encoding="utf-8")
