"""Many tests at once, each looked at again and again while customers arrive."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from foresell.evaluation.experiments import Plan, sequential_bound

Floats = NDArray[np.float64]
AT_ONCE = 50
LEVEL = 0.05
METHODS = ("fixed_level_at_every_look", "always_valid", "always_valid_cuped")


@dataclass(frozen=True)
class Looked:
    """By method: the share of tests in which a difference was found at any look, and at the median how many
    customers it took (NaN: fewer than half found one). `reduction`: of the variance by CUPED at the end."""

    found: dict[str, float]
    customers: dict[str, float]
    reduction: float


def look(
    pairs: Floats, plan: Plan, cuped_plan: Plan, *, effect: float, tests: int, most: int, step: int, seed: int
) -> Looked:
    """`pairs`: before, after of those to draw from; `effect`: a share by which the variant spends more;
    `most`: customers of a test, in equal arms; `step`: customers between looks."""
    random = np.random.default_rng(seed)
    at = np.arange(max(step, 200), most + 1, step) // 2
    firsts: dict[str, list[Floats]] = {method: [] for method in METHODS}
    reductions = []
    for start in range(0, tests, AT_ONCE):
        number = min(AT_ONCE, tests - start)
        arms = []
        for times in (1.0, 1.0 + effect):
            drawn = pairs[random.integers(len(pairs), size=(number, most // 2))]
            arms.append(_moments(drawn[..., 0], drawn[..., 1] * times, at))
        for method, is_found in _found(arms, at, plan, cuped_plan, reductions).items():
            first = np.where(is_found.any(axis=1), 2.0 * at[is_found.argmax(axis=1)], np.inf)
            firsts[method].append(first)
    told = {method: np.concatenate(parts) for method, parts in firsts.items()}
    return Looked(
        {method: float(np.isfinite(first).mean()) for method, first in told.items()},
        {method: _median(first) for method, first in told.items()},
        float(np.mean(reductions)),
    )


def _median(first: Floats) -> float:
    found = float(np.median(first))
    return found if np.isfinite(found) else float("nan")


@dataclass(frozen=True)
class _Moments:
    """At each look: means, variances and covariance of before (x) and after (y); (tests, looks)."""

    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats


def _moments(before: Floats, after: Floats, at: NDArray[np.int64]) -> _Moments:
    def sums(values: Floats) -> Floats:
        return np.asarray(np.cumsum(values, axis=1)[:, at - 1])

    x, y = sums(before) / at, sums(after) / at
    return _Moments(
        x,
        y,
        (sums(before**2) - at * x**2) / (at - 1),
        (sums(after**2) - at * y**2) / (at - 1),
        (sums(before * after) - at * x * y) / (at - 1),
    )


def _found(
    arms: list[_Moments], at: NDArray[np.int64], plan: Plan, cuped_plan: Plan, reductions: list[float]
) -> dict[str, NDArray[np.bool_]]:
    first, second = arms
    difference, error = second.y - first.y, (first.yy + second.yy) / at
    theta = (first.xy + second.xy) / (first.xx + second.xx)
    left = [one.yy - 2 * theta * one.xy + theta**2 * one.xx for one in arms]
    adjusted, adjusted_error = difference - theta * (second.x - first.x), (left[0] + left[1]) / at
    reductions.append(float((1 - (left[0] + left[1]) / (first.yy + second.yy))[:, -1].mean()))
    return {
        "fixed_level_at_every_look": np.abs(difference) > float(ndtri(1 - LEVEL / 2)) * np.sqrt(error),
        "always_valid": np.abs(difference) > _bounds(difference, error, plan.mixture_variance),
        "always_valid_cuped": np.abs(adjusted)
        > _bounds(adjusted, adjusted_error, cuped_plan.mixture_variance),
    }


def _bounds(difference: Floats, error: Floats, mixture: float) -> Floats:
    half = np.frompyfunc(lambda d, v: sequential_bound(d, v, mixture, LEVEL)[0], 2, 1)
    return np.asarray(half(difference, error), dtype=np.float64)
