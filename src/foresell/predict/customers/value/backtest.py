"""Models of value against each other: configs and model chosen on validation, reported on test.

For each split a model is fitted as it would have been then: trees on examples whose labels were known, the
published models on everybody's history up to the cutoff. Intervals are those that held on validation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.amounts import amount_differences, amount_score, amount_scores
from foresell.evaluation.compare import Trial
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.splits import Split
from foresell.evaluation.values import interval_scores, value_score, value_scores
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.value import BASELINES, VALUE_MODELS, load_model
from foresell.predict.customers.value.model import FittedValueModel, Measure

Floats = NDArray[np.float64]
TASK = "value"
# What validation chooses of each model, beside its defaults.
GRIDS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "trees": tuple({"num_trees": number} for number in (100, 200, 400)),
    "corrected": tuple({"num_trees": number} for number in (50, 100, 200)),
}
STEP = timedelta(days=28)
MOST_TRAIN_CUTOFFS = 6
LEAST_HISTORY = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    train: tuple[datetime, ...]
    validation: datetime
    test: datetime


@dataclass(frozen=True)
class ValueBacktest:
    """trials       of every model on both splits
    differences  on the test: model, against, score, value, lower, upper (95%, paired): model less against
    chosen, baseline   the model, and the naive one, best on validation
    configs      what validation chose of each model
    fitted       every model as it was judged on the test
    outlooks     OUTLOOK of every model for the test, in the order of its examples
    """

    trials: tuple[Trial, ...]
    differences: pl.DataFrame
    chosen: str
    baseline: str
    configs: Mapping[str, Any]
    fitted: Mapping[str, FittedValueModel]
    outlooks: Mapping[str, pl.DataFrame]


def cutoffs_for(first: datetime, until: datetime, horizon_days: float) -> Cutoffs:
    """The test's horizon ends at `until`, validation's where the test's begins, training's where validation's
    begins or STEP, 2 STEP … earlier, ascending, at least LEAST_HISTORY after `first`.

    Raises InputError where the history is too short for three horizons.
    """
    horizon = timedelta(days=horizon_days)
    test = until - horizon
    validation = test - horizon
    last = validation - horizon
    train = [last - number * STEP for number in range(MOST_TRAIN_CUTOFFS)]
    train = [cutoff for cutoff in train if cutoff - first >= LEAST_HISTORY]
    if not train:
        raise InputError(
            "The horizon is too long for the history",
            received=f"{horizon_days:g} days; the history goes from {first:%Y-%m-%d} to {until:%Y-%m-%d}",
            do="A model of value takes three horizons and 45 days: shorten it, or import earlier orders.",
        )
    return Cutoffs(tuple(reversed(train)), validation, test)


def backtest(
    train: Examples,
    validation: Examples,
    test: Examples,
    *,
    measure: Measure = "spend",
    horizon_days: float,
    models: Sequence[str] = tuple(VALUE_MODELS),
    settings: Mapping[str, Mapping[str, Any]] = {},
    seed: int = 0,
    samples: int = SAMPLES,
) -> ValueBacktest:
    """`settings`: model → fields that differ from its defaults, in the place of its grid. Configs and model
    are chosen by `best_of` on validation. Intervals are over entities.

    Raises InputError where a model cannot be fitted.
    """
    trials, tried, fitted, outlooks = [], {}, {}, {}
    for name in models:
        grid = (settings[name],) if name in settings else GRIDS.get(name, ({},))
        tried[name] = _on_validation(name, measure, horizon_days, grid, train, validation)
        start = perf_counter()
        fitted[name] = fit_for_now(name, train, validation, test.features, tried[name].config)
        fit_seconds, start = perf_counter() - start, perf_counter()
        outlooks[name] = fitted[name].outlook(test.features)
        on_test = Tried(tried[name].config, outlooks[name], (fit_seconds, perf_counter() - start))
        trials.append(_trial(name, "validation", validation, tried[name], seed, samples))
        trials.append(_trial(name, "test", test, on_test, seed, samples))
    on_validation = {name: one.outlook for name, one in tried.items()}
    naive = {name: outlook for name, outlook in on_validation.items() if name in BASELINES}
    chosen = best_of(validation.labels, on_validation)
    return ValueBacktest(
        tuple(trials),
        _differences(test, outlooks, chosen, seed, samples),
        chosen,
        best_of(validation.labels, naive) if naive else chosen,
        {name: one.config for name, one in tried.items()},
        fitted,
        outlooks,
    )


def fit_for_now(
    name: str, train: Examples, validation: Examples, current: pl.DataFrame, config: Any
) -> FittedValueModel:
    """A model for the customers of `current`: learned from train and validation, with intervals that held on
    validation when it had learned from train alone."""
    model = load_model(name)
    before = model.fit(train, config, current=validation.features, validation=validation)
    return model.fit(together([train, validation]), config, current=current).with_interval_of(before)


def best_of(labels: Floats, outlooks: Mapping[str, pl.DataFrame]) -> str:
    """The name whose ranks by normalized Gini, absolute error of the medians and error by deciles are best
    on average: an order that finds the money, near guesses, and the right level are all wanted. Equal ranks:
    the higher Gini, then the first name."""
    scores = [_three(labels, outlook) for outlook in outlooks.values()]
    ranks = [sum(sum(other[place] < one[place] for other in scores) for place in range(3)) for one in scores]
    order = sorted(zip(ranks, scores, outlooks, strict=True), key=lambda one: (one[0], one[1][0], one[2]))
    return order[0][2]


def _three(labels: Floats, outlook: pl.DataFrame) -> tuple[float, float, float]:
    """All three lower for a better model; a score that is not defined is the worst."""
    mean, median = outlook["mean"].to_numpy(), outlook["median"].to_numpy()
    gini, mae = amount_score("gini", labels, mean), amount_score("mae", labels, median)
    level = value_score("decile_error", labels, mean)
    return tuple(float(np.nan_to_num(one, nan=np.inf)) for one in (-gini, mae, level))  # type: ignore[return-value]


@dataclass(frozen=True)
class Tried:
    """A config, the OUTLOOK it gave for a split, and the seconds to fit and to predict."""

    config: Any
    outlook: pl.DataFrame
    seconds: tuple[float, float]


def _on_validation(
    name: str,
    measure: Measure,
    horizon_days: float,
    grid: Sequence[Mapping[str, Any]],
    train: Examples,
    validation: Examples,
) -> Tried:
    """The best of a model's configs."""
    tried = {}
    for place, fields in enumerate(grid):
        config = load_model(name).config(measure=measure, horizon_days=horizon_days, **fields)
        start = perf_counter()
        fitted = load_model(name).fit(train, config, current=validation.features)
        fit_seconds, start = perf_counter() - start, perf_counter()
        outlook = fitted.outlook(validation.features)
        tried[str(place)] = Tried(config, outlook, (fit_seconds, perf_counter() - start))
    return tried[best_of(validation.labels, {place: one.outlook for place, one in tried.items()})]


def _trial(name: str, split: Split, rows: Examples, tried: Tried, seed: int, samples: int) -> Trial:
    scores = outlook_scores(rows.labels, tried.outlook, rows.keys["entity_id"], seed=seed, samples=samples)
    return Trial(TASK, name, split, scores, *tried.seconds, note="mae of medians, the rest of means")


def outlook_scores(
    labels: Floats, outlook: pl.DataFrame, entities: pl.Series, *, seed: int, samples: int = SAMPLES
) -> dict[str, Interval]:
    """gini, rank_correlation, rmse, mae_of_mean, decile_error and bias of the means; mae of the medians;
    coverage_80 and width_80 of the intervals, where there are any. All with 95% intervals over entities."""
    mean, median = outlook["mean"].to_numpy(), outlook["median"].to_numpy()
    found = amount_scores(labels, mean, entities, seed=seed, samples=samples)
    found["mae_of_mean"] = found["mae"]
    found["mae"] = amount_scores(labels, median, entities, seed=seed, samples=samples)["mae"]
    found |= value_scores(labels, mean, entities, seed=seed, samples=samples)
    if not outlook["lower_80"].null_count():
        lower, upper = outlook["lower_80"].to_numpy(), outlook["upper_80"].to_numpy()
        held = interval_scores(labels, lower, upper, entities, seed=seed, samples=samples)
        found |= {f"{name}_80": one for name, one in held.items()}
    return found


def _differences(
    test: Examples, outlooks: Mapping[str, pl.DataFrame], chosen: str, seed: int, samples: int
) -> pl.DataFrame:
    """Of the chosen model and every other; mae of medians."""
    rows = []
    for name, outlook in outlooks.items():
        if name == chosen:
            continue
        for told in ("mean", "median"):
            first, second = outlook[told].to_numpy(), outlooks[chosen][told].to_numpy()
            found = amount_differences(
                test.labels, first, second, test.keys["entity_id"], seed=seed, samples=samples
            )
            kept = ("mae",) if told == "median" else ("gini", "rank_correlation", "rmse")
            for score in kept:
                one = found[score]
                rows.append((chosen, name, score, one.value, one.lower, one.upper))
    schema = {"model": pl.String, "against": pl.String, "score": pl.String}
    numbers = {"value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
    return pl.DataFrame(rows, {**schema, **numbers}, orient="row")
