"""What another policy would have earned, from the log of the policy that was live.

Logged frame, a row for each decision:

    reward               what came of it (a click: 0 or 1; money)
    propensity           chance with which the live policy did what it did, in (0, 1]
    target_propensity    chance with which the policy to be judged would have done the same, in [0, 1]
    predicted, expected  for `dr` only: a reward model's value of the logged action, and of what the judged
                         policy would do; made without the row itself (`reward_model.cross_fitted`)

With w = target_propensity / propensity, at most `clip`:

    ips      mean of w · reward                                   unbiased; varies most
    snips    Σ w · reward / Σ w                                   hardly biased; moves with a shift of rewards
    dr       mean of expected + w · (reward − predicted)          unbiased if propensities or model are right

Sources: Horvitz and Thompson, 1952; Swaminathan and Joachims, NeurIPS 2015; Dudík, Langford and Li, ICML
2011; Bottou et al., JMLR 2013 (clipping); Kish, 1965 (effective sample size).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, did_you_mean
from foresell.evaluation.intervals import Interval, bootstrap_ratio
from foresell.evaluation.weighted_intervals import (
    bernstein_interval,
    gamma_interval,
    normal_interval,
    ratio_and_error,
)

Estimator = Literal["ips", "snips", "dr"]
IntervalMethod = Literal["gamma", "bootstrap", "normal", "bernstein"]
Floats = NDArray[np.float64]

# A result's warnings: code → English, Chinese.
WARNINGS: Mapping[str, tuple[str, str]] = {
    "mean_weight_not_1": (
        "Weights are not 1 on average: logged propensities are wrong, or it does what was never done.",
        "权重均值不为 1：记录的倾向概率有误，或被评估的策略会做日志中从未做过的事。",
    ),
    "few_effective_rows": (
        "So few rows carry the estimate that its interval is hardly to be trusted.",
        "支撑该估计的有效样本太少，其区间难以信赖。",
    ),
    "clipped": (
        "Weights were clipped: the estimate leans toward the live policy.",
        "权重经过截断：估计偏向当前线上策略。",
    ),
}
# Of weights whose mean is 1, one log in 370 lies further off, if few are heavy.
ERRORS_OFF = 3.0
FEW_EFFECTIVE_ROWS = 50.0


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """`value`: reward a row under the judged policy with its 95% interval, of the kind `interval`.

    `effective_rows`: (Σw)² / Σw², how many rows of equal weight would tell as much. `mean_weight` (before
    clipping, with its normal interval) should be 1. `share_clipped`: of the rows. `warnings`: of WARNINGS.
    """

    estimator: Estimator
    interval: IntervalMethod
    value: Interval
    num_rows: int
    num_units: int
    effective_rows: float
    mean_weight: Interval
    largest_weight: float
    clip: float | None
    share_clipped: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Log:
    """A log's columns; `units`: a number for each row's unit, from 0, or None where each row is one."""

    rewards: Floats
    did: Floats
    would: Floats
    predicted: Floats
    expected: Floats
    units: NDArray[np.int64] | None

    def by_unit(self, values: Floats) -> Floats:
        if self.units is None:
            return values
        return np.bincount(self.units, weights=values).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Terms:
    """A value is Σ numerators / Σ denominators, each summed by unit; `one_more`: what a paid row adds."""

    numerators: Floats
    denominators: Floats
    one_more: float
    most: float


def policy_value(
    logged: pl.DataFrame,
    estimator: Estimator = "snips",
    *,
    interval: IntervalMethod | None = None,
    clip: float | None = None,
    unit: str | None = None,
    most_reward: float | None = None,
    seed: int = 0,
) -> PolicyValue:
    """The judged policy's mean reward a row; see the module for the frame and the estimators.

    `interval`: by default `gamma` where no reward is negative, else `bootstrap` (why: `weighted_intervals`).
    `bernstein` is for `ips` without units, and as sure as the largest weight seen is the largest possible.
    `unit`: a column naming whose rows depend on each other, such as the customer; intervals then take units
    whole. `most_reward`: the most a row can pay; by default 1, or the largest seen if that is more.
    Raises InputError for missing columns or values, propensities of 0 or beyond 1, and no overlap.
    """
    _check_names(estimator, interval, clip)
    log = _checked(logged, estimator, unit)
    raw = log.would / log.did
    weights = raw if clip is None else np.minimum(raw, clip)
    can_be_negative = bool((log.rewards < 0).any())
    method: IntervalMethod = interval or ("bootstrap" if can_be_negative else "gamma")
    _check_fits(method, estimator, unit, can_be_negative)
    effective = float(weights.sum() ** 2 / (weights @ weights))
    clipped = 0.0 if clip is None else float((raw > clip).mean())
    of_units, counts = log.by_unit(raw), log.by_unit(np.ones_like(raw))
    mean, error = ratio_and_error(of_units, counts)
    found = {
        "mean_weight_not_1": abs(mean - 1) > ERRORS_OFF * error + 1e-9,
        "few_effective_rows": effective < FEW_EFFECTIVE_ROWS,
        "clipped": clipped > 0,
    }
    return PolicyValue(
        estimator=estimator,
        interval=method,
        value=_interval(_terms(log, weights, estimator, most_reward), method, seed),
        num_rows=len(raw),
        num_units=len(counts),
        effective_rows=effective,
        mean_weight=normal_interval(of_units, counts),
        largest_weight=float(raw.max()),
        clip=clip,
        share_clipped=clipped,
        warnings=tuple(code for code in WARNINGS if found[code]),
    )


def _terms(log: _Log, weights: Floats, estimator: Estimator, most_reward: float | None) -> _Terms:
    rewards = log.rewards
    num, den, guess = weights * rewards, np.ones_like(rewards), np.zeros_like(rewards)
    if estimator == "snips":
        den, guess = weights, np.full_like(rewards, num.sum() / weights.sum())
    if estimator == "dr":
        num, guess = log.expected + weights * (rewards - log.predicted), log.predicted
    most = max(1.0, float(rewards.max())) if most_reward is None else most_reward
    paid = rewards if rewards.any() else np.full_like(rewards, most)
    # A paid row that the judged policy would bring: its weight is w with a chance in proportion to w.
    one_more = max(float((paid - guess).max()), 0.0) * float(weights @ weights) / float(weights.sum())
    return _Terms(log.by_unit(num), log.by_unit(den), one_more, most * float(weights.max()))


def _interval(terms: _Terms, method: IntervalMethod, seed: int) -> Interval:
    if method == "gamma":
        return gamma_interval(terms.numerators, terms.denominators, one_more=terms.one_more)
    if method == "bootstrap":
        return bootstrap_ratio(terms.numerators, terms.denominators, seed=seed)
    if method == "normal":
        return normal_interval(terms.numerators, terms.denominators)
    return bernstein_interval(terms.numerators, most=terms.most)


def _check_names(estimator: str, interval: str | None, clip: float | None) -> None:
    for name, valid in ((estimator, get_args(Estimator)), (interval, get_args(IntervalMethod))):
        if name is not None and name not in valid:
            raise InputError(
                "There is no such estimator or interval", received=name, do=did_you_mean(name, valid)
            )
    if clip is not None and not clip > 0:
        raise InputError("Weights are clipped at a number above 0", received=clip, do="Give one, or none.")


def _checked(logged: pl.DataFrame, estimator: Estimator, unit: str | None) -> _Log:
    needed = ["reward", "propensity", "target_propensity"]
    needed += ["predicted", "expected"] if estimator == "dr" else []
    if missing := [name for name in [*needed, *([unit] if unit else [])] if name not in logged.columns]:
        raise InputError(
            f"The log lacks what '{estimator}' needs",
            received=", ".join(logged.columns),
            do=f"Add {', '.join(missing)}.",
        )
    if logged.is_empty():
        raise InputError("The log is empty", do="Give at least one decision.")
    for name in [*needed, *([unit] if unit else [])]:
        values = logged[name]
        is_bad = values.is_null() if name == unit else ~values.cast(pl.Float64).is_finite().fill_null(False)
        if is_bad.any():
            raise InputError(
                f"'{name}' must be known in every row",
                received=f"{is_bad.sum()} of {logged.height} rows without it",
                do="Leave out decisions that were not logged whole, whatever came of them.",
            )
    columns = {name: logged[name].cast(pl.Float64).to_numpy() for name in needed}
    none = np.zeros(0)
    log = _Log(
        columns["reward"],
        columns["propensity"],
        columns["target_propensity"],
        columns.get("predicted", none),
        columns.get("expected", none),
        None if unit is None else np.unique(logged[unit].to_numpy(), return_inverse=True)[1],
    )
    _check_chances(log.did, log.would)
    return log


def _check_chances(did: Floats, would: Floats) -> None:
    if bad := int(((did <= 0) | (did > 1)).sum()):
        raise InputError(
            "A logged propensity must be above 0 and at most 1: what was done had a chance",
            received=f"{bad} rows that are not; from {did.min():g} to {did.max():g}",
            do="Log the chance with which the decision was drawn, given what stood before it.",
        )
    if bad := int(((would < 0) | (would > 1)).sum()):
        raise InputError(
            "A target propensity must lie between 0 and 1",
            received=f"{bad} rows whose does not; from {would.min():g} to {would.max():g}",
            do="Give the chance with which the judged policy does what was logged.",
        )
    if not would.any():
        raise InputError(
            "No overlap: the judged policy would never have done what was logged",
            received=f"{len(would)} rows, all with a target propensity of 0",
            do="Only a log that explores can judge it; show it to some customers.",
        )


def _check_fits(
    method: IntervalMethod, estimator: Estimator, unit: str | None, can_be_negative: bool
) -> None:
    if method == "bernstein" and (estimator != "ips" or unit is not None or can_be_negative):
        raise InputError(
            "Bernstein's interval is for independent terms that are not below 0",
            received=f"{estimator}, units {unit or 'not given'}, negative rewards: {can_be_negative}",
            do="Take estimator 'ips' without units, or another interval.",
        )
    if method == "gamma" and can_be_negative:
        raise InputError(
            "The gamma interval is for rewards that are not below 0",
            received="a negative reward",
            do="Take the interval 'bootstrap'.",
        )
