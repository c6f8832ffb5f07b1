"""The models of a task against each other: fitted on train, chosen on validation, reported on test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import polars as pl

from foresell.evaluation import amounts, classification
from foresell.evaluation.compare import Trial, choose, leaderboard
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.money import Costs, money_of
from foresell.evaluation.resampled import intervals_of
from foresell.evaluation.splits import Split
from foresell.predict.customers import BASELINES, competing, left_out
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.fitted import FittedTask, fit_task, vectors_of_examples
from foresell.predict.customers.model import Target

# What chooses, where the task does not say.
METRICS: Mapping[Target, str] = {"happens": "log_loss", "amount": "rmse"}
HIGHER_IS_BETTER = classification.HIGHER_IS_BETTER | amounts.HIGHER_IS_BETTER | {"money_per_customer"}
DIFFERENCES = pl.Schema(
    {
        "model": pl.String(),
        "against": pl.String(),
        "score": pl.String(),
        "value": pl.Float64(),
        "lower": pl.Float64(),
        "upper": pl.Float64(),
    }
)
TREES = "trees"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Backtest:
    """trials       of every model on both splits
    differences  on the test, paired: model's score less that of `against`, 95%; a row a model, rival, score
    chosen       the model that is best on validation
    baseline     the naive one that is best on validation
    fitted       every model, fitted on train, with what validation chose
    on_test      (n,) of every model, calibrated, in the order of the test examples
    """

    trials: tuple[Trial, ...]
    differences: pl.DataFrame
    chosen: str
    baseline: str
    fitted: Mapping[str, FittedTask]
    on_test: Mapping[str, Floats]


def backtest(
    train: Examples,
    validation: Examples,
    test: Examples,
    target: Target,
    *,
    task: str,
    models: Sequence[str] | None = None,
    configs: Mapping[str, Mapping[str, Any]] = {},
    metric: str | None = None,
    costs: Costs | None = None,
    record: Mapping[str, Any] = {},
    spec: Mapping[str, Any] = {},
    seed: int = 0,
    samples: int = SAMPLES,
    say: Say = lambda step: None,
) -> Backtest:
    """`task`: its name on the leaderboard; `record`, `spec`: kept in the fitted tasks. `models`: by default
    all that compete and can. `configs`: model → fields that differ from its defaults. `metric`: the score
    that chooses. Scores of the validation are of predictions that were calibrated without their own entity.

    The test is predicted by what was fitted on `train`: nothing of it is learned. Intervals: bootstrap over
    entities. Raises InputError where a split has no examples, or train nothing to tell apart.
    """
    chosen_by = metric or METRICS[target]
    has_vectors = bool(train.vectors.shape[1])
    names = competing(has_vectors=has_vectors) if models is None else tuple(models)
    trials, fitted, on_test = [], {}, {}
    for name in names:
        say(f"{task}: {name}")
        started = perf_counter()
        fitting = fit_task(
            name,
            train,
            validation,
            target,
            config=configs.get(name, {}),
            costs=costs,
            task=record,
            spec=spec,
            seed=seed,
        )
        fitted_at = perf_counter()
        fitted[name] = fitting.fitted
        on_test[name] = fitting.fitted.predict(test.features, vectors_of_examples(test))
        seconds = (fitted_at - started, perf_counter() - fitted_at)
        parts: tuple[tuple[Split, Examples, Floats], ...] = (
            ("validation", validation, fitting.on_validation),
            ("test", test, on_test[name]),
        )
        for split, examples, said in parts:
            scores = _scores(examples, said, target, fitting.fitted, costs, seed, samples)
            note = _note(examples, target, fitting.fitted, models is None, has_vectors)
            trials.append(Trial(task, name, split, scores, *seconds, note))
    board = leaderboard(trials, datetime.now(UTC))
    best = choose(board, chosen_by, higher_is_better=chosen_by in HIGHER_IS_BETTER)
    naive = [name for name in names if name in BASELINES]
    baseline = best
    if naive:
        of_naive = board.filter(pl.col("model").is_in(naive))
        baseline = choose(of_naive, chosen_by, higher_is_better=chosen_by in HIGHER_IS_BETTER)
    differences = _differences(test, on_test, baseline, target, seed, samples)
    return Backtest(tuple(trials), differences, best, baseline, fitted, on_test)


def _scores(
    examples: Examples,
    said: Floats,
    target: Target,
    fitted: FittedTask,
    costs: Costs | None,
    seed: int,
    samples: int,
) -> dict[str, Interval]:
    entities = examples.keys["entity_id"]
    score = classification.classification_scores if target == "happens" else amounts.amount_scores
    found = score(examples.labels, said, entities, seed=seed, samples=samples)
    if costs is not None and fitted.threshold is not None:
        earned = money_of(examples.labels, said, fitted.threshold.value, costs)
        found |= intervals_of({"money_per_customer": earned}, entities, seed=seed, samples=samples)
    return found


def _note(examples: Examples, target: Target, fitted: FittedTask, is_all: bool, has_vectors: bool) -> str:
    cutoffs = examples.keys["cutoff_at"].unique().sort()
    conditions = [
        f"{len(examples)} examples of {examples.keys['entity_id'].n_unique()} customers",
        f"happens to {examples.labels.mean():.1%}" if target == "happens" else "",
        "cutoffs " + ", ".join(f"{cutoff:%Y-%m-%d}" for cutoff in cutoffs) if len(cutoffs) <= 12 else "",
        f"calibration {fitted.calibrator.method}",
        left_out(has_vectors=has_vectors) if is_all else "",
    ]
    return "; ".join(filter(None, conditions))


def _differences(
    test: Examples, on_test: Mapping[str, Floats], baseline: str, target: Target, seed: int, samples: int
) -> pl.DataFrame:
    compare = classification.score_differences if target == "happens" else amounts.amount_differences
    entities, rows = test.keys["entity_id"], []
    for name, said in on_test.items():
        for against in dict.fromkeys((baseline, TREES)):
            if against == name or against not in on_test or (against == TREES and name in BASELINES):
                continue
            found = compare(test.labels, on_test[against], said, entities, seed=seed, samples=samples)
            rows += [(name, against, score, one.value, one.lower, one.upper) for score, one in found.items()]
    frame = pl.DataFrame(rows, DIFFERENCES, orient="row")
    return frame.with_columns(pl.col("value", "lower", "upper").fill_nan(None))
