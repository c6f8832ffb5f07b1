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
    frame = _checked(logged, estimator, unit)
    raw = frame["target_propensity"] / frame["propensity"]
    frame = frame.with_columns(raw=raw, weight=raw if clip is None else raw.clip(upper_bound=clip))
    can_be_negative = bool((frame["reward"] < 0).any())
    method: IntervalMethod = interval or ("bootstrap" if can_be_negative else "gamma")
    _check_fits(method, estimator, unit, can_be_negative)
    weights = frame["weight"].to_numpy()
    effective = float(weights.sum() ** 2 / (weights @ weights))
    clipped = 0.0 if clip is None else float((raw.to_numpy() > clip).mean())
    by_unit = frame.group_by("whose", maintain_order=True).agg(pl.col("raw").sum(), count=pl.len())
    raws, counts = by_unit["raw"].to_numpy(), by_unit["count"].cast(pl.Float64).to_numpy()
    mean, error = ratio_and_error(raws, counts)
    found = {
        "mean_weight_not_1": abs(mean - 1) > ERRORS_OFF * error + 1e-9,
        "few_effective_rows": effective < FEW_EFFECTIVE_ROWS,
        "clipped": clipped > 0,
    }
    return PolicyValue(
        estimator=estimator,
        interval=method,
        value=_interval(_terms(frame, estimator, most_reward), method, seed),
        num_rows=frame.height,
        num_units=by_unit.height,
        effective_rows=effective,
        mean_weight=normal_interval(raws, counts),
        largest_weight=float(raw.to_numpy().max()),
        clip=clip,
        share_clipped=clipped,
        warnings=tuple(code for code in WARNINGS if found[code]),
    )


def _terms(frame: pl.DataFrame, estimator: Estimator, most_reward: float | None) -> _Terms:
    rewards, weights = frame["reward"].to_numpy(), frame["weight"].to_numpy()
    num, den, guess = weights * rewards, np.ones(frame.height), np.zeros(frame.height)
    if estimator == "snips":
        den, guess = weights, np.full(frame.height, num.sum() / weights.sum())
    if estimator == "dr":
        guess = frame["predicted"].to_numpy()
        num = frame["expected"].to_numpy() + weights * (rewards - guess)
    most = max(1.0, float(rewards.max())) if most_reward is None else most_reward
    paid = rewards if rewards.any() else np.full(frame.height, most)
    # A paid row that the judged policy would bring: its weight is w with a chance in proportion to w.
    one_more = max(float((paid - guess).max()), 0.0) * float(weights @ weights) / float(weights.sum())
    sums = pl.DataFrame({"whose": frame["whose"], "num": num, "den": den})
    sums = sums.group_by("whose", maintain_order=True).sum()
    return _Terms(sums["num"].to_numpy(), sums["den"].to_numpy(), one_more, most * float(weights.max()))


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


def _checked(logged: pl.DataFrame, estimator: Estimator, unit: str | None) -> pl.DataFrame:
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
    whose = pl.int_range(pl.len()) if unit is None else pl.col(unit)
    frame = logged.select(pl.col(*needed).cast(pl.Float64), whose=whose)
    for name in [*needed, "whose"]:
        is_bad = frame[name].is_null()
        is_bad = is_bad if name == "whose" else is_bad | ~frame[name].is_finite().fill_null(False)
        if bad := int(is_bad.sum()):
            raise InputError(
                f"'{unit if name == 'whose' else name}' must be known in every row",
                received=f"{bad} of {frame.height} rows without it",
                do="Leave out decisions that were not logged whole, whatever came of them.",
            )
    _check_chances(frame["propensity"].to_numpy(), frame["target_propensity"].to_numpy())
    return frame


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
