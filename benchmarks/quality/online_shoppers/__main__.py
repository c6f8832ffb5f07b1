"""Will a session buy? In five parts with all columns; and without PageValues, learning to October and judged
on November and December, against LightGBM that is tuned in the same run.

python -m benchmarks.quality.online_shoppers FOLDER/online_shoppers_intention.csv --out r.json

Of the months all choices, of both sides, are made on the training months, each judged by what is learned from
all others: a month that was never seen, as those of the test are. LightGBM is tuned with the month among its
columns and without it; ours never sees the month.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from benchmarks.quality.online_shoppers import rival
from benchmarks.quality.online_shoppers.contestants import CANDIDATES, WHOLE, final, said_by
from benchmarks.quality.online_shoppers.sessions import (
    LAST_TRAINING,
    LEAK,
    MONTHS,
    Floats,
    Sessions,
    narrowed,
    read_sessions,
)
from benchmarks.quality.sequential.ledger import commit, machine

from foresell.evaluation.classification import SCORES, score_of
from foresell.evaluation.intervals import Interval
from foresell.evaluation.resampled import Weighted, differences_of, intervals_of
from foresell.predict.customers.examples import Examples

PARTS = 5
# Three sessions of February bought.
FIRST_JUDGED = MONTHS.index("Mar")
# What says which month it is: SpecialDay is above 0 in February and May only.
CALENDAR_COLUMNS = ("month", "SpecialDay")
SCORED = ("auroc", "aupr")
GOALS = {"auroc": 0.934, "aupr": 0.754}
Fit = Callable[[Examples, int], Callable[[Examples], Floats]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--trials", type=int, default=25, help="of LightGBM's own tuning")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=("parts", "months"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    sessions = read_sessions(given.file)
    record: dict[str, Any] = {"machine": machine(), "commit": commit()}
    if given.only != "months":
        record["parts"] = in_parts(sessions, given.seeds)
    if given.only != "parts":
        record["months"] = by_months(sessions, given.trials, given.seeds)
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def in_parts(sessions: Sessions, seeds: int) -> dict[str, Any]:
    """Five parts drawn by class: `mean_of_parts` over parts and seeds, as published figures are; the score of
    all sessions `together` with its interval."""
    examples = sessions.examples
    labels, raw = examples.labels, narrowed(examples, sessions.derived)
    contestants: Mapping[str, tuple[Examples, Fit]] = {
        "foresell": (examples, lambda train, seed: said_by(WHOLE, train, seed)),
        "lightgbm_untuned": (raw, lambda train, seed: rival.fitted(train, rival.DEFAULTS, seed)),
    }
    found: dict[str, Any] = {}
    for name, (of, fit) in contestants.items():
        said, values = [], []
        for seed in range(1, seeds + 1):
            part, told = parts_of(labels, seed), np.empty(len(examples))
            for one in range(PARTS):
                told[part == one] = fit(of.take(part != one), seed)(of.take(part == one))
                values.append([score_of(score, labels[part == one], told[part == one]) for score in SCORED])
            said.append(told)
        means = dict(zip(SCORED, np.mean(values, axis=0).tolist(), strict=True))
        found[name] = {
            "mean_of_parts": means,
            "together": _record(_scored(examples, said)),
            "holds": all(means[score] >= goal for score, goal in GOALS.items()),
        }
    return found


def parts_of(labels: Floats, seed: int) -> np.ndarray:
    """(n,) 0 to PARTS − 1, each with its share of either class."""
    random, found = np.random.default_rng(seed), np.empty(len(labels), np.int64)
    for label in (0.0, 1.0):
        rows = random.permutation(np.flatnonzero(labels == label))
        found[rows] = np.arange(len(rows)) % PARTS
    return found


def by_months(sessions: Sessions, trials: int, seeds: int) -> dict[str, Any]:
    started = perf_counter()
    visible: Mapping[str, Sequence[str]] = {
        "foresell": (LEAK, *CALENDAR_COLUMNS),
        "lightgbm": (LEAK, *CALENDAR_COLUMNS, *sessions.derived),
        "lightgbm_with_month": (LEAK, *sessions.derived),
    }
    pairs = {name: _pairs(sessions, without) for name, without in visible.items()}
    judged = {}
    for name, model in CANDIDATES.items():
        judged[name] = rival.mean_over(
            pairs["foresell"], lambda train, model=model: said_by(model, train, 0), both
        )
        print(name, f"{judged[name]:.4f}", flush=True)
    chosen = max(judged, key=lambda name: judged[name])
    tuned = {}
    for name in ("lightgbm", "lightgbm_with_month"):
        tuned[name] = rival.tuned(pairs[name], both, trials, seed=0)
        print(name, *tuned[name], flush=True)

    def settled(given: Mapping[str, Any]) -> Fit:
        return lambda rows, seed: rival.fitted(rows, given, seed)

    ours = final(CANDIDATES[chosen])
    contestants: Mapping[str, tuple[Fit, Sequence[str]]] = {
        "foresell": (lambda rows, seed: said_by(ours, rows, seed), visible["foresell"]),
        **{name: (settled(found), visible[name]) for name, (found, _) in tuned.items()},
        "lightgbm_with_our_columns": (settled(tuned["lightgbm"][0]), visible["foresell"]),
        "lightgbm_untuned": (settled(rival.DEFAULTS), visible["lightgbm"]),
        "lightgbm_untuned_with_month": (settled(rival.DEFAULTS), visible["lightgbm_with_month"]),
        "foresell_without_derived": (lambda rows, seed: said_by(ours, rows, seed), visible["lightgbm"]),
    }
    train, test = range(LAST_TRAINING + 1), range(LAST_TRAINING + 1, len(MONTHS))
    said = {
        name: [
            fit(sessions.of(train, without=without), seed)(sessions.of(test, without=without))
            for seed in range(seeds)
        ]
        for name, (fit, without) in contestants.items()
    }
    actual = sessions.of(test)
    return {
        "judged_on": [MONTHS[place] for place in range(FIRST_JUDGED, LAST_TRAINING + 1)],
        "candidates": judged,
        "chosen": chosen,
        "tuned": {name: {"parameters": found, "value": value} for name, (found, value) in tuned.items()},
        "trials": trials,
        "test": {name: _record(_scored(actual, of)) for name, of in said.items()},
        "by_seed": {
            name: [{score: score_of(score, actual.labels, one) for score in SCORED} for one in of]
            for name, of in said.items()
        },
        "foresell_less": {
            name: _record(_differences(actual, of, said["foresell"]))
            for name, of in said.items()
            if name != "foresell"
        },
        "seconds": perf_counter() - started,
    }


def both(labels: Floats, predicted: Floats) -> float:
    """What chooses: the mean of AUROC and AUPR."""
    return float(np.mean([score_of(score, labels, predicted) for score in SCORED]))


def _pairs(sessions: Sessions, without: Sequence[str]) -> list[tuple[Examples, Examples]]:
    months = range(LAST_TRAINING + 1)
    return [
        (
            sessions.of([other for other in months if other != month], without=without),
            sessions.of([month], without=without),
        )
        for month in months
        if month >= FIRST_JUDGED
    ]


def _over_seeds(labels: Floats, said: Sequence[Floats], score: str) -> Weighted:
    each = [SCORES[score](labels, one) for one in said]
    return lambda weights: float(np.mean([one(weights) for one in each]))


def _scored(examples: Examples, said: Sequence[Floats]) -> dict[str, Interval]:
    prepared = {score: _over_seeds(examples.labels, said, score) for score in SCORED}
    return intervals_of(prepared, examples.keys["entity_id"], seed=0)


def _differences(
    examples: Examples, first: Sequence[Floats], second: Sequence[Floats]
) -> dict[str, Interval]:
    """Means over seeds, both on the same draws of sessions."""
    one, other = (
        {score: _over_seeds(examples.labels, said, score) for score in SCORED} for said in (first, second)
    )
    return differences_of(one, other, examples.keys["entity_id"], seed=0)


def _record(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: asdict(one) for name, one in found.items()}


if __name__ == "__main__":
    main()
