"""Learning as if group and outcome were independent: weights, and what they gain in fairness and cost.

Source: Kamiran and Calders, Knowledge and Information Systems 33, 2012 (reweighing, and sampling by it).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from foresell.contracts.errors import InputError
from foresell.evaluation.classification import score_differences
from foresell.evaluation.fairness import (
    FEWEST,
    RATIOS,
    Decisions,
    Floats,
    Split,
    split_groups,
    together_level,
)
from foresell.evaluation.groups import SMALL
from foresell.evaluation.intervals import SAMPLES, Interval
from foresell.evaluation.money import Costs, money_of
from foresell.evaluation.resampled import differences_of


def fair_weights(groups: pl.Series, labels: Floats, *, least_rows: int = SMALL) -> Floats:
    """(n,) P(group) · P(label) / P(group, label): with them, group and label are independent.

    Their mean is 1. Groups of fewer than `least_rows` rows count as one, since their shares are mostly
    chance; null is a group. Raises InputError for labels other than 0 and 1, or parts of other lengths.
    """
    if len(groups) != len(labels) or not np.isin(labels, (0.0, 1.0)).all():
        raise InputError(
            "Weights need a group and a label of 0 or 1 for each row",
            received=f"{len(groups)} groups, {len(labels)} labels",
        )
    rows = pl.DataFrame({"group": groups.cast(pl.String), "label": labels})
    rows = rows.with_columns(size=pl.len().over("group"))
    is_pooled = pl.col("size") < least_rows
    rows = rows.with_columns(group=pl.when(is_pooled).then(None).otherwise(pl.col("group")), pooled=is_pooled)
    of_group, of_label = pl.len().over("group", "pooled"), pl.len().over("label")
    weight = of_group * of_label / (pl.len().over("group", "pooled", "label") * pl.len())
    return rows.select(weight=weight.cast(pl.Float64))["weight"].to_numpy()


def drawn_by_weight(weights: Floats, *, seed: int = 0) -> NDArray[np.int64]:
    """(n,) positions of rows, ascending, each as often as its weight says, rounded up or down by chance:
    what a model that takes no weights learns from instead. Systematic sampling; the weights' sum is n."""
    steps = np.cumsum(weights) * (len(weights) / weights.sum())
    points = np.arange(len(weights)) + np.random.default_rng(seed).random()
    return np.minimum(np.searchsorted(steps, points, side="right"), len(weights) - 1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """What a fairer model gains and costs, on the same rows.

    gaps    a row an attribute, group and measure: gap_before, gap_after, and `closes` (|before| − |after|,
            above 0: fairer) with its interval; intervals hold together over an attribute's groups
    costs   score → after less before, with its interval: those of `evaluation.classification`, and `money`
            (mean per row) where costs of errors are given
    """

    gaps: pl.DataFrame
    costs: dict[str, Interval]


def trade(
    before: Decisions,
    after: Decisions,
    *,
    costs: Costs | None = None,
    least_people: int = SMALL,
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Traded:
    """Two models judged on the same people, so that what both get wrong cancels.

    Gaps: ratios linearized by person, normal intervals (Woodruff, JASA 66, 1971); scores: bootstrap over
    people. Groups of fewer than `least_people` people and gaps to so small a rest are left out; a rate among
    fewer than FEWEST people is null.
    Raises InputError where the two are not of the same rows.
    """
    is_same = (
        np.array_equal(before.labels, after.labels)
        and before.entities.equals(after.entities)
        and before.groups.equals(after.groups)
    )
    if not is_same:
        raise InputError(
            "Two models are compared on the same rows",
            do="Give the decisions of both in the same order, with the same labels and groups.",
        )
    frames = [_gap_changes(before, after, name, least_people, level) for name in before.attributes]
    entities = before.entities
    found = score_differences(
        before.labels, before.predicted, after.predicted, entities, seed=seed, samples=samples
    )
    if costs is not None:
        first, second = (
            {"money": money_of(d.labels, d.is_chosen.astype(np.float64), 0.5, costs)} for d in (before, after)
        )
        found |= differences_of(first, second, entities, seed=seed, samples=samples)
    return Traded(pl.concat(frames), found)


def _gap_changes(
    before: Decisions, after: Decisions, attribute: str, least_people: int, level: float
) -> pl.DataFrame:
    split = split_groups(before, attribute, least_people)
    z = float(ndtri((1 + together_level(len(split.judged), level)) / 2))
    rows = []
    for group in split.judged:
        if not split.has_enough(split.rest(group), least_people):
            continue
        for measure in RATIOS:
            (first, of_first), (second, of_second) = (_gap(d, split, group, measure) for d in (before, after))
            closes = abs(first) - abs(second)
            by_person = np.sign(first) * of_first - np.sign(second) * of_second
            half = z * float(np.sqrt(by_person @ by_person * len(by_person) / (len(by_person) - 1)))
            numbers = (first, second, closes, closes - half, closes + half)
            rows.append([attribute, group, measure, *(None if np.isnan(n) else n for n in numbers)])
    names = ("gap_before", "gap_after", "closes", "closes_lower", "closes_upper")
    texts = dict.fromkeys(("attribute", "group", "measure"), pl.String())
    return pl.DataFrame(rows, schema={**texts, **dict.fromkeys(names, pl.Float64())}, orient="row")


def _gap(decisions: Decisions, split: Split, group: str | None, measure: str) -> tuple[float, Floats]:
    """The gap to the rest, and (people,) what each person adds to its error; NaN among too few people."""
    top, bottom = RATIOS[measure](decisions)
    number = int(split.entities.max()) + 1
    gap, by_person = 0.0, np.zeros(number)
    for sign, rows in ((1, split.own(group)), (-1, split.rest(group))):
        if not split.has_enough(rows & (bottom > 0), FEWEST):
            return np.nan, by_person
        total = float(bottom[rows].sum())
        ratio = float(top[rows].sum()) / total
        residual = np.where(rows, top - ratio * bottom, 0.0)
        gap += sign * ratio
        by_person += sign * np.bincount(split.entities, residual, number) / total
    return gap, by_person
