"""Our model on the same sequences: its course of validation NDCG@10 and time, as JSON.

python -m benchmarks.speed.train_time.ours SPEC.json RECORD.json

A fitted sequence model tells its course by `curve`, a row an epoch: `epoch` (from 0), `seconds` since the
training loop began (validations included) and `ndcg@10` on the validation that was handed to `fit`, of the
targets it can know. Here those it cannot know count as missed, and all else that `fit` does as if it came
before the first epoch. What is then claimed of the best epoch must be confirmed by the ranks that the quality
benchmark finds: masked, over all products, of all users.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from benchmarks.quality.sequential.scoring import means, target_ranks
from benchmarks.quality.sequential.sequences import Files, read_task
from benchmarks.quality.sequential.task import Task

from foresell.predict.recommend import load_model

SCORES = ("ndcg@10", "recall@10")
# Of a score: by so much may the model's own account exceed what is found, and by no more.
TOLERANCE = 0.01


class WrongCurveError(Exception):
    """The model's own account of its training is not what the benchmark finds."""


def measure(spec: dict[str, Any]) -> dict[str, Any]:
    of = {name: None if spec[name] is None else Path(spec[name]) for name in ("attributes", "texts")}
    task = read_task(Files(Path(spec["sequences"]), **of))
    model = load_model(spec["model"])
    config = model.config(**spec["config"])
    prepared = time.time() - psutil.Process().create_time()
    started = time.perf_counter()
    fitted = model.fit(task.learned, config, task.products, validation=task.later)
    fit_seconds = time.perf_counter() - started
    epochs = course(fitted.curve, fit_seconds, known_share(task))
    best = max(epochs, key=lambda epoch: epoch["ndcg_10"])
    found = means(SCORES, target_ranks(fitted, task.validation, masks_history=True))
    if best["ndcg_10"] > (1 + TOLERANCE) * found["ndcg@10"]:
        raise WrongCurveError(f"Its best epoch claims {best['ndcg_10']}; validated again: {found['ndcg@10']}")
    test = means(SCORES, target_ranks(fitted, task.test, masks_history=True))
    return {
        "contestant": "foresell",
        "model": spec["model"],
        "config": spec["config"],
        "finished": True,
        "prepared_seconds": prepared,
        "fit_seconds": fit_seconds,
        "epochs": epochs,
        "best": best,
        "validation": found,
        "test": test,
    }


def known_share(task: Task) -> float:
    """Of the validation's targets, those that were ever learned from."""
    targets = task.validation.targets
    return targets.join(task.learned, on="product_id", how="semi").height / targets.height


def course(curve: list[dict[str, float]], fit_seconds: float, known: float) -> list[dict[str, float]]:
    """As the rival's epochs: `epoch` from 1, `seconds` since `fit` was called, `ndcg_10`."""
    besides = fit_seconds - curve[-1]["seconds"]
    if besides < 0:
        raise WrongCurveError(f"Its clock says {curve[-1]['seconds']} s of a fit that took {fit_seconds} s")
    return [
        {"epoch": row["epoch"] + 1, "seconds": besides + row["seconds"], "ndcg_10": known * row["ndcg@10"]}
        for row in curve
    ]


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(measure(given), indent=1), encoding="utf-8")
