"""Each model at each origin, its predictions kept; then all origins together, with intervals."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.customer_tasks.origins import Origin

from foresell.evaluation.classification import classification_scores, score_differences, score_of
from foresell.evaluation.intervals import Interval
from foresell.predict.customers import config_of
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.fitted import fit_task, vectors_of_examples

Found = Mapping[datetime, Examples]


@dataclass(frozen=True)
class Contestant:
    """`model` of MODELS with `settings`; `only`: features it may see, by their beginning."""

    model: str
    settings: Mapping[str, Any]
    beginnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Rows of all origins: whose they are, what happened, and what was said. `validation_loss`: mean over
    origins, of predictions that were calibrated without the customer."""

    entities: pl.Series
    labels: np.ndarray
    said: np.ndarray
    validation_loss: float
    calibration: tuple[str, ...]
    seconds: float


def judged(contestant: Contestant, origins: Sequence[Origin], found: Found, folder: Path) -> Judged:
    """Kept in `folder` once computed."""
    parts = [_at(contestant, origin, found, folder) for origin in origins]
    tests = [found[origin.test] for origin in origins]
    return Judged(
        pl.concat([test.keys["entity_id"] for test in tests]),
        np.concatenate([test.labels for test in tests]),
        np.concatenate([part["said"] for part in parts]),
        float(np.mean([part["validation_loss"] for part in parts])),
        tuple(str(part["calibration"]) for part in parts),
        float(np.sum([part["seconds"] for part in parts])),
    )


def _at(contestant: Contestant, origin: Origin, found: Found, folder: Path) -> Mapping[str, Any]:
    asked = json.dumps([asdict(contestant), str(origin)], sort_keys=True)
    path = folder / f"{contestant.model}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.npz"
    if path.exists():
        with np.load(path) as kept:
            return dict(kept)
    train = together([found[cutoff] for cutoff in origin.train])
    validation, test = found[origin.validation], found[origin.test]
    settings = dict(contestant.settings)
    if contestant.beginnings:
        settings["only"] = tuple(
            one.name for one in train.described if one.name.startswith(contestant.beginnings)
        )
    config_of(contestant.model, settings)
    started = perf_counter()
    fitting = fit_task(contestant.model, train, validation, "happens", config=settings)
    part = {
        "said": fitting.fitted.predict(test.features, vectors_of_examples(test)),
        "validation_loss": score_of("log_loss", validation.labels, fitting.on_validation),
        "calibration": fitting.fitted.calibrator.method,
        "seconds": perf_counter() - started,
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, **part)
    return part


def report(results: Mapping[str, Judged], rival: str) -> dict[str, Any]:
    """Of each contestant its scores, and less those of `rival`; who was best on validation."""
    told = {}
    for name, one in results.items():
        scores = classification_scores(one.labels, one.said, one.entities, seed=0)
        told[name] = {
            "scores": _plain(scores),
            "validation_loss": one.validation_loss,
            "calibration": one.calibration,
            "seconds": one.seconds,
        }
        if name != rival:
            less = score_differences(one.labels, results[rival].said, one.said, one.entities, seed=0)
            told[name][f"less_{rival}"] = _plain(less)
    best = min(results, key=lambda name: results[name].validation_loss)
    first = results[best]
    return {
        "rows": len(first.labels),
        "customers": first.entities.n_unique(),
        "happens_to": float(first.labels.mean()),
        "chosen_on_validation": best,
        "models": told,
    }


def _plain(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: asdict(one) for name, one in found.items()}
