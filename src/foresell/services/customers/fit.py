"""Fit a task: examples from the shop's tables, models judged on later time, the best put to work."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.services.canary import MOST_PROBED, Judged, require_sane
from foresell.services.customers.explain import FAIRNESS, GROUP_WORDS
from foresell.services.customers.predict import score_everybody
from foresell.services.customers.tasks import find_task
from foresell.services.customers.vectors import TaskVectors, vectors_before
from foresell.services.production import put_to_work, scores_of
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.backtest import Backtest
    from foresell.predict.customers.examples import Examples
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import Task
    from foresell.predict.customers.training import Cutoffs
    from foresell.store.models import Artifact

CARD = (
    "Chosen by its {metric} on validation; test scores are reported, not used to choose. What serves learned "
    "from the training and validation windows, and was calibrated on the test window, the newest."
)

SAID_SCORES = ("auroc", "log_loss", "mae", "gini")
MOST_FINDINGS = 3
HELD_OUT = 1 / 3
# What `foresell fit` takes beside tasks about customers.
OTHER_FITS = ("recommend", "forecast", "behavior", "value")
# The model that has settings worth trying.
TUNED = "trees"


@dataclass(frozen=True)
class FittedSummary:
    """What was fitted: a task's name, the question in words, the model chosen, and from where on acting pays.

    `differences`: rows of `backtest.DIFFERENCES` of the model that was chosen. `suspicious`: features that
    tell the label so well alone that they may have seen it. `behavior`: the behavior model whose vectors
    stood beside the features (None: no version knew nothing from `first_cutoff` on, a local date).
    """

    task: str
    question: str
    model: str
    version: str
    horizon_days: float
    threshold: float | None
    differences: tuple[dict[str, object], ...]
    findings: tuple[str, ...]
    suspicious: tuple[str, ...] = ()
    behavior: str | None = None
    first_cutoff: date | None = None

    def as_lines(self) -> list[str]:
        """What a person reads after the leaderboard."""
        lines = [f"{self.model} serves as {self.version}: {self.question}, {self.horizon_days:g} days ahead."]
        if self.threshold is not None:
            lines.append(f"Acting pays from a probability of {self.threshold:.3f} on, by the costs declared.")
        lines += [
            f"{row['score']}: {row['value']:+.4f} [{row['lower']:+.4f}, {row['upper']:+.4f}] against "
            f"{row['against']}, on the test"
            for row in self.differences
            if row["score"] in SAID_SCORES and row["lower"] is not None
        ]
        if self.first_cutoff is not None:
            lines.append(self._about_vectors())
        lines += [
            f"Suspicious: {name} tells the answer almost alone. Does it know it?" for name in self.suspicious
        ]
        return lines + [f"Fairness: {finding}" for finding in self.findings[:MOST_FINDINGS]]

    def _about_vectors(self) -> str:
        if self.behavior is not None:
            return f"Beside the features stood vectors of {self.behavior}."
        return (
            "Only features were read. With vectors of what customers did beside them: foresell fit behavior "
            f"--cutoff {self.first_cutoff}, then fit {self.task} again."
        )

    def as_record(self) -> dict[str, object]:
        return {
            "task": self.task,
            "question": self.question,
            "model": self.model,
            "version": self.version,
            "horizon_days": self.horizon_days,
            "threshold": self.threshold,
            "differences": list(self.differences),
            "fairness": list(self.findings),
            "suspicious": list(self.suspicious),
            "behavior": self.behavior,
            "first_cutoff": None if self.first_cutoff is None else self.first_cutoff.isoformat(),
        }


@dataclass(frozen=True)
class _Splits:
    task: "Task"
    spec: "dict[str, object]"
    plan: "Cutoffs"
    train: "Examples"
    validation: "Examples"
    test: "Examples"
    vectors: "TaskVectors | None"


def fit_customers(
    shop: Shop,
    name: str,
    of: str | None = None,
    progress: Progress = silent,
    *,
    trials: int = 0,
    model: str | None = None,
) -> FittedSummary:
    """Judge every model of a task on held-out time, and put the best, fitted on all, in production.

    `name`: a built-in task, or a TOML file that declares one; `of`: what a task that leaves it open is about;
    `trials`: settings of the trees that are tried on validation; 0: their defaults; `model`: that serves,
    whichever is best on validation. Vectors of the behavior model stand beside the features where a version
    of it knew nothing after the first training cutoff (`vectors`).
    Leaderboard and scores of everybody are written to the result tables.
    Errors: as `find_task`; NotFoundError for a model that does not compete; InputError where the history is
    too short for the horizon, nobody is in the population, or all labels are the same.
    """
    from foresell.predict.customers.backtest import backtest

    task = find_task(name, of, others=OTHER_FITS)
    with writing(shop, f"fit {task.name}", progress), shop.reading_matched() as tables:
        splits = _splits(shop, tables, task, progress)
        configs = _tuned(splits, trials, progress)
        judged = backtest(
            splits.train,
            splits.validation,
            splits.test,
            splits.task.target,
            task=splits.task.name,
            metric=splits.task.metric,
            costs=splits.task.costs,
            record=splits.task.as_record(),
            spec=splits.spec,
            configs=configs,
            say=lambda step: progress(step, 0, None),
        )
        if model is not None:
            judged = replace(judged, chosen=_known(model, judged))
        progress(f"{task.name}: {judged.chosen} on everything", 0, None)
        fitted = _for_use(splits, judged, configs)
        measured = _fairness(splits, judged)
        label = _save(shop, splits, judged, fitted, measured)
        write_results(shop, "leaderboard", _board(judged), replaces={"task": task.name})
        if task.about == "customer":
            progress(f"{task.name}: scoring everybody", 0, None)
            score_everybody(shop, tables, fitted, splits.task, label)
    return _summary(shop, splits, judged, label, measured)


def _splits(shop: Shop, tables: "Tables", task: "Task", progress: Progress) -> _Splits:
    from foresell.predict.customers.tasks import TASKS
    from foresell.predict.customers.training import (
        completed,
        cutoffs_for,
        history,
        spec_for,
        training_examples,
    )

    progress(f"{task.name}: features", 0, None)
    first, until = history(tables, task)
    # What the declaration leaves to the data is told by what lies before validation and test.
    whole = completed(tables, shop.settings, task, until - (until - first) * HELD_OUT)
    plan = cutoffs_for(whole, first, until)
    spec = spec_for(tables, shop.settings, whole, plan.train[-1])
    if task.name not in TASKS:
        progress(f"{task.name}: looking for leaks", 0, None)
        _refuse_leak(shop, tables, whole, plan.train[-1])
    train, validation, test = (
        training_examples(tables, shop.settings, whole, cutoffs, spec)
        for cutoffs in (plan.train, plan.validation, plan.test)
    )
    vectors = vectors_before(shop, plan.train[0]) if task.about == "customer" else None
    if vectors is not None:
        progress(f"{task.name}: vectors by {vectors.label}", 0, None)
        train, validation, test = (vectors.beside(tables, one) for one in (train, validation, test))
    return _Splits(whole, spec.as_record(), plan, train, validation, test, vectors)


def _known(model: str, judged: "Backtest") -> str:
    if model not in judged.fitted:
        raise NotFoundError(
            f"No model '{model}' was judged",
            received=judged.trials[0].note,
            do=did_you_mean(model, judged.fitted),
        )
    return model


def _refuse_leak(shop: Shop, tables: "Tables", task: "Task", cutoff: datetime) -> None:
    """A task of the shop's own is computed again in worlds with another future."""
    from foresell.features.leak import LeakError
    from foresell.predict.customers.leaks import check_leak

    try:
        check_leak(tables, shop.settings, task, cutoff)
    except LeakError as leak:
        raise InputError(
            f"'{task.name}' knows the future",
            received=", ".join(leak.columns),
            do="Leave these features out of its declaration (features.without).",
        ) from leak


def _tuned(splits: _Splits, trials: int, progress: Progress) -> "Mapping[str, Mapping[str, Any]]":
    """Model → settings that did best on validation. InputError where the library is not installed."""
    if not trials:
        return {}
    from importlib.util import find_spec

    from foresell.predict.customers.tune import tune

    if find_spec("optuna") is None:
        raise InputError("Settings are tried with optuna", do="pip install 'foresell[tune]'")
    progress(f"{splits.task.name}: {trials} settings of {TUNED}", 0, None)
    pair = (splits.train, splits.validation)
    return {TUNED: tune(TUNED, [pair], splits.task.target, trials=trials).config}


def _for_use(splits: _Splits, judged: "Backtest", configs: "Mapping[str, Mapping[str, Any]]") -> "FittedTask":
    from foresell.predict.customers.examples import together
    from foresell.predict.customers.fitted import fit_task

    return fit_task(
        judged.chosen,
        together([splits.train, splits.validation]),
        splits.test,
        splits.task.target,
        config=configs.get(judged.chosen, {}),
        costs=splits.task.costs,
        task=splits.task.as_record(),
        spec=splits.spec,
    ).fitted


def _fairness(splits: _Splits, judged: "Backtest") -> "polars.DataFrame | None":
    """How the chosen model would have treated groups on the test; None without a threshold or groups."""
    from foresell.evaluation.fairness import fairness
    from foresell.predict.customers.fairer import decisions_of

    fitted = judged.fitted[judged.chosen]
    if fitted.threshold is None or not splits.test.groups.width:
        return None
    return fairness(decisions_of(fitted, splits.test))


def _save(
    shop: Shop,
    splits: _Splits,
    judged: "Backtest",
    fitted: "FittedTask",
    measured: "polars.DataFrame | None",
) -> str:
    from foresell.predict.customers.backtest import HIGHER_IS_BETTER
    from foresell.predict.customers.fitted import KIND
    from foresell.store.models import Origin

    own = {"differences": judged.differences} | ({} if measured is None else {FAIRNESS: measured})
    return put_to_work(
        shop,
        splits.task.name,
        KIND,
        fitted.to_config(),
        fitted.to_tables() | own,
        origin=Origin(
            cutoff=splits.plan.test[-1] + splits.task.horizon,
            seed=0,
            parents=() if splits.vectors is None else (splits.vectors.label,),
        ),
        weights=fitted.to_weights(),
        scores=scores_of(_board(judged), judged.chosen),
        card=f"{splits.task.text}.\n\n{CARD.format(metric=splits.task.metric)}",
        judged=Judged(
            _board(judged),
            judged.chosen,
            splits.task.metric,
            splits.task.metric in HIGHER_IS_BETTER,
            partial(_probe, splits),
        ),
    )


def _probe(splits: _Splits, candidate: "Artifact") -> None:
    """Some of the test are scored, by numbers; chances lie between 0 and 1."""
    import polars as pl

    from foresell.predict.customers.fitted import VECTOR, FittedTask

    fitted = FittedTask.load(candidate.config, candidate.tables, candidate.weights)
    seen = splits.test.features.head(MOST_PROBED)
    if fitted.reads_vectors:
        told = splits.test.vectors[:MOST_PROBED]
        seen = seen.with_columns(pl.Series(VECTOR, told, pl.Array(pl.Float32, told.shape[1])))
    scores = fitted.scored(seen)["score"].to_numpy()
    bounds = (0.0, 1.0) if splits.task.unit == "probability" else (-float("inf"), float("inf"))
    require_sane(scores, "scores", *bounds)


def _board(judged: "Backtest") -> "polars.DataFrame":
    from foresell.evaluation.compare import leaderboard

    return leaderboard(judged.trials, datetime.now(UTC))


def _summary(
    shop: Shop, splits: _Splits, judged: "Backtest", label: str, measured: "polars.DataFrame | None"
) -> FittedSummary:
    import polars as pl

    from foresell.evaluation.fairness_findings import fairness_findings
    from foresell.predict.customers.leaks import suspicious_features

    threshold = judged.fitted[judged.chosen].threshold
    own = judged.differences.filter(pl.col("model") == judged.chosen)
    found = () if measured is None else fairness_findings(measured, texts=GROUP_WORDS)
    return FittedSummary(
        task=splits.task.name,
        question=splits.task.text,
        model=judged.chosen,
        version=label,
        horizon_days=splits.task.horizon_days,
        threshold=None if threshold is None else threshold.value,
        differences=tuple(own.to_dicts()),
        findings=tuple(finding.message for finding in found),
        suspicious=tuple(suspicious_features(splits.train)),
        behavior=None if splits.vectors is None else splits.vectors.label,
        first_cutoff=splits.plan.train[0].astimezone(ZoneInfo(shop.settings.store.time_zone)).date(),
    )
