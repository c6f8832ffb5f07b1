"""What is ordered in the 39 weeks after the 39th: BG/NBD, the last period's count, and the corrected model.

Chosen on weeks 27 to 39 by what was learned in weeks 1 to 26; then learned again from weeks 1 to 39.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from benchmarks.quality.cdnow.transactions import MASTER, examples_at, features_at, order_days
from numpy.typing import NDArray
from scipy.special import xlogy

from foresell.evaluation.amounts import amount_differences, amount_score, amount_scores
from foresell.evaluation.intervals import Interval
from foresell.evaluation.values import interval_scores, value_scores
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.value import load_model
from foresell.predict.customers.value.history import FREQUENCY

Floats = NDArray[np.float64]
SHORT, LONG = 13, 39
TREES = (25, 50, 100, 200, 400)
# Times the share of customers that is expected to order nothing: so many, from the lowest expectation on, are
# not told apart by a ranking.
TIES = (0.0, 0.7, 0.8, 0.9, 1.0, 1.1)
FORMS = ("mean", "median", "whole", "tied")
SCORES = ("mae", "rank_correlation", "gini", "rmse")


@dataclass(frozen=True)
class Data:
    """Examples at weeks 13, 26 (13 weeks ahead) and 39 (39 weeks ahead)."""

    first: Examples
    second: Examples
    test: Examples
    current: pl.DataFrame


def read(folder: Path) -> Data:
    days = order_days(folder / MASTER)
    return Data(
        examples_at(days, SHORT, SHORT),
        examples_at(days, 2 * SHORT, SHORT),
        examples_at(days, LONG, LONG),
        features_at(days, LONG, SHORT),
    )


def forms_of(outlook: pl.DataFrame, ties: float) -> dict[str, Floats]:
    """The ways to say a number of orders: the mean; the median; the mean rounded to whole orders; the mean,
    with the lowest customers not told apart, by one of TIES."""
    mean = outlook["mean"].to_numpy()
    return {
        "mean": mean,
        "median": outlook["median"].to_numpy(),
        "whole": np.round(mean),
        "tied": tied(outlook, ties),
    }


def tied(outlook: pl.DataFrame, ties: float) -> Floats:
    mean = outlook["mean"].to_numpy()
    share = min(1.0, ties * float(1 - outlook["probability_any"].to_numpy().mean()))
    return np.asarray(np.maximum(mean, np.quantile(mean, share)))


def best_ties(labels: Floats, outlook: pl.DataFrame) -> float:
    """The first of TIES with the highest rank correlation."""
    return max(TIES, key=lambda ties: amount_score("rank_correlation", labels, tied(outlook, ties)))


def deviance(labels: Floats, mean: Floats) -> float:
    """Poisson's, of a customer: what the trees make small."""
    return float(2 * (xlogy(labels, labels / mean) - labels + mean).mean())


def choose_trees(data: Data, seed: int) -> tuple[int, dict[str, float]]:
    """By the deviance on validation; what each number of trees had there."""
    model = load_model("corrected")
    tried = {}
    for number in TREES:
        config = model.config(measure="orders", horizon_days=7 * SHORT, num_trees=number, seed=seed)
        fitted = model.fit(data.first, config, current=data.second.features)
        tried[number] = deviance(data.second.labels, fitted.predict(data.second.features))
    return min(tried, key=lambda number: tried[number]), {str(number): one for number, one in tried.items()}


def judged(data: Data, name: str, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """A model's share of ties (by validation), its forms on the test, and how its intervals hold."""
    model = load_model(name)
    config = model.config(measure="orders", horizon_days=7 * SHORT, seed=seed, **settings)
    before = model.fit(data.first, config, current=data.second.features)
    ties = best_ties(data.second.labels, before.outlook(data.second.features))
    start = perf_counter()
    fitted = model.fit(
        together([data.first, data.second]), config, current=data.current, validation=data.second
    )
    fit_seconds = perf_counter() - start
    start = perf_counter()
    outlook = fitted.outlook(data.current, horizon_days=7 * LONG)
    return {
        "ties": ties,
        "level": fitted.level,
        "fit_seconds": fit_seconds,
        "predict_seconds": perf_counter() - start,
        "outlook": outlook,
        "forms": forms_of(outlook, ties),
    }


def scored(labels: Floats, predicted: Floats, entities: pl.Series, seed: int, samples: int) -> dict[str, Any]:
    found = amount_scores(labels, predicted, entities, seed=seed, samples=samples)
    found |= value_scores(labels, predicted, entities, seed=seed, samples=samples)
    return {name: triple(one) for name, one in found.items()}


def triple(one: Interval) -> list[float]:
    return [round(number, 5) for number in (one.value, one.lower, one.upper)]


def compared(folder: Path, seeds: int, samples: int) -> dict[str, Any]:
    data = read(folder)
    labels, entities = data.test.labels, data.test.keys["entity_id"]
    trees, tried = choose_trees(data, 0)
    rival = judged(data, "bg_nbd", {}, 0)
    ours = [judged(data, "corrected", {"num_trees": trees}, seed) for seed in range(seeds)]
    counts = {"last_period_repeats": data.current[FREQUENCY].to_numpy()}
    counts["last_period_orders"] = counts["last_period_repeats"] + 1
    counts["nobody_orders"] = np.zeros(len(labels))
    score = {form: scored(labels, rival["forms"][form], entities, 0, samples) for form in FORMS}
    own = {form: scored(labels, ours[0]["forms"][form], entities, 0, samples) for form in FORMS}
    plain = {name: scored(labels, count, entities, 0, samples) for name, count in counts.items()}
    return {
        "customers": len(labels),
        "mean_orders": float(labels.mean()),
        "chosen": {"num_trees": trees, "validation_deviance": tried, "ties": ours[0]["ties"]},
        "rival_ties": rival["ties"],
        "test": {"bg_nbd": score, "corrected": own, **plain},
        "by_seed": _by_seed(labels, [one["forms"] for one in ours]),
        "differences": _differences(data.test, rival["forms"], ours[0]["forms"], counts, samples),
        "intervals": {
            name: _interval(data.test, one, samples)
            for name, one in (("bg_nbd", rival), ("corrected", ours[0]))
        },
        "seconds": {
            name: [one["fit_seconds"], one["predict_seconds"]]
            for name, one in (("bg_nbd", rival), ("corrected", ours[0]))
        },
    }


def _by_seed(labels: Floats, forms: list[dict[str, Floats]]) -> dict[str, Any]:
    return {
        form: {
            name: [round(amount_score(name, labels, one[form]), 5) for one in forms]
            for name in ("mae", "rank_correlation", "gini")
        }
        for form in FORMS
    }


def _differences(
    test: Examples, rival: dict[str, Floats], ours: dict[str, Floats], counts: dict[str, Floats], samples: int
) -> dict[str, Any]:
    """Ours less the rival's, each form against the same form, and against the last period's count."""
    pairs = {f"{form} less bg_nbd {form}": (rival[form], ours[form]) for form in FORMS}
    pairs |= {f"{form} less bg_nbd mean": (rival["mean"], ours[form]) for form in ("median", "whole", "tied")}
    count = counts["last_period_repeats"]
    pairs |= {f"{form} less last_period_repeats": (count, ours[form]) for form in FORMS}
    return {
        name: {
            score: triple(found)
            for score, found in amount_differences(
                test.labels, first, second, test.keys["entity_id"], seed=0, samples=samples
            ).items()
        }
        for name, (first, second) in pairs.items()
    }


def _interval(test: Examples, model: dict[str, Any], samples: int) -> dict[str, Any]:
    """Of everybody, and of those who rather order than not: zeros alone fill most intervals of the others."""
    outlook = model["outlook"]
    likely = (outlook["probability_any"] >= 0.5).to_numpy()
    found: dict[str, Any] = {"level": model["level"], "likely_customers": int(likely.sum())}
    for name, rows in (("everybody", np.ones(len(likely), bool)), ("likely", likely)):
        scores = interval_scores(
            test.labels[rows],
            outlook["lower_80"].to_numpy()[rows],
            outlook["upper_80"].to_numpy()[rows],
            test.keys["entity_id"].filter(rows),
            seed=0,
            samples=samples,
        )
        found[name] = {score: triple(one) for score, one in scores.items()}
    return found
