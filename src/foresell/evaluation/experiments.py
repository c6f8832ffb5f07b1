"""A/B tests: how many customers are needed, whether they were divided as meant, and what the variant did.

Whoever looks at a test every day and stops when it looks good finds a difference where there is none several
times as often as a fixed test allows. Intervals here form a confidence sequence instead: all of them
together, however often one looks and whenever one stops, miss the truth with a chance of `level` at most (for
as many customers as make means nearly normal; FEWEST at least).

Sources: Robbins, 1970 (mixtures); Johari, Koomen, Pekelis and Walsh, Peeking at A/B tests, KDD 2017 (mSPRT);
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, 2021 (asymptotic confidence sequences); Lindon and Malek,
NeurIPS 2022 (sample ratio, anytime); Deng, Xu, Kohavi and Walker, WSDM 2013 (CUPED).
"""

from dataclasses import dataclass
from math import ceil, exp, inf, log, nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtri

from foresell.contracts.errors import InputError
from foresell.evaluation.intervals import Interval

Floats = NDArray[np.float64]
# Of each arm; below, means of skewed amounts are not normal enough for any interval.
FEWEST = 100
# How sure the sample-ratio check is of the shares that were meant, in customers: it finds deviations of
# some 1.6 points soonest.
RATIO_CONCENTRATION = 1_000.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`fixed`: customers in both arms for one look at the end; `sequential`: at most, where one looks as
    often as one likes. `mixture_variance`: what the sequential test is tuned by, fixed before it begins."""

    effect: float
    deviation: float
    fixed: int
    sequential: int
    mixture_variance: float


@dataclass(frozen=True, slots=True)
class Cuped:
    """`values`: with what was known before taken out, the same mean over all; `reduction`: the share of the
    variance within arms that went (0–1); `theta`: what was taken out a unit of `before`."""

    values: Floats
    theta: float
    reduction: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Variant less control, a customer: `difference` at the always-valid level, `p_value` as valid at every
    look. NaN and infinite bounds below FEWEST customers in an arm."""

    num_control: int
    num_variant: int
    control: float
    variant: float
    difference: Interval
    p_value: float

    @property
    def relative(self) -> float:
        """The difference as a share of the control's mean; NaN where that is 0."""
        return self.difference.value / self.control if self.control else nan


def plan_test(
    deviation: float,
    effect: float,
    *,
    shares: tuple[float, float] = (0.5, 0.5),
    level: float = 0.05,
    power: float = 0.8,
) -> Plan:
    """How many customers show a difference of `effect` with a chance of `power`.

    `deviation`: of one customer's value. Two-sided, by the normal distribution. InputError for an effect or
    deviation that is not above 0, and for a level or power outside (0, 1).
    """
    if not (effect > 0 and deviation > 0 and 0 < level < 1 and level < power < 1 and min(shares) > 0):
        raise InputError(
            "That difference cannot be planned for",
            received=f"effect {effect:g}, deviation {deviation:g}, level {level:g}, power {power:g}",
            do="Give an effect above 0, a level between 0 and 1 and a power above it; values must vary.",
        )
    per_customer = deviation**2 * (1 / shares[0] + 1 / shares[1]) * sum(shares)
    found = float(ndtri(power))
    times = _tuning(level)
    half_widths = sqrt((1 + times) / times * (2 * log(1 / level) + log(1 + times)))
    variance = (effect / (half_widths + found)) ** 2
    fixed = per_customer * ((float(ndtri(1 - level / 2)) + found) / effect) ** 2
    return Plan(effect, deviation, ceil(fixed), ceil(per_customer / variance), times * variance)


def _tuning(level: float) -> float:
    """How many times the variance, at the size planned for, the mixture's must be for the narrowest interval
    there (Waudby-Smith et al., section B.2)."""
    nats = 2 * log(1 / level)
    return nats + log(nats + 1)


def compare_arms(
    control: ArrayLike, variant: ArrayLike, mixture_variance: float, *, level: float = 0.05
) -> Compared:
    """Means of two arms, a value a customer. `mixture_variance`: of `plan_test`, never of these values."""
    first, second = np.asarray(control, np.float64), np.asarray(variant, np.float64)
    before, after = (float(one.mean()) if len(one) else nan for one in (first, second))
    middle = after - before
    if min(len(first), len(second)) < FEWEST:
        return Compared(len(first), len(second), before, after, Interval(middle, -inf, inf), 1.0)
    variance = float(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
    half, p_value = sequential_bound(middle, variance, mixture_variance, level)
    interval = Interval(middle, middle - half, middle + half)
    return Compared(len(first), len(second), before, after, interval, p_value)


def sequential_bound(
    difference: float, variance: float, mixture_variance: float, level: float
) -> tuple[float, float]:
    """Half the width of the confidence sequence at this look, and the p-value, which is valid at every look.

    `variance`: of the difference. The likelihood ratio against 0 is mixed over effects from a normal
    distribution of `mixture_variance` (mSPRT). Without variance the difference is certain.
    """
    if variance <= 0:
        return 0.0, 1.0 if difference == 0 else 0.0
    total = variance + mixture_variance
    half = sqrt(variance * total / mixture_variance * (2 * log(1 / level) + log(total / variance)))
    evidence = mixture_variance * difference**2 / (2 * variance * total) - 0.5 * log(total / variance)
    return half, exp(-max(evidence, 0.0))


def sample_ratio_p(counts: ArrayLike, shares: ArrayLike) -> float:
    """How well the customers of each arm agree with the shares meant: a p-value that is valid however often
    one looks. Below 0.01 something is wrong with how they are divided or counted, and no result is to be
    trusted."""
    found, meant = np.asarray(counts, np.float64), np.asarray(shares, np.float64)
    meant = meant / meant.sum()
    prior = RATIO_CONCENTRATION * meant
    marginal = gammaln(prior.sum()) - gammaln(prior.sum() + found.sum())
    marginal += (gammaln(prior + found) - gammaln(prior)).sum()
    return exp(-max(float(marginal - found @ np.log(meant)), 0.0))


def cuped(values: ArrayLike, before: ArrayLike, arms: ArrayLike) -> Cuped:
    """Take out of each customer's value what their time before the test foretells of it.

    `before`: what was measured before they were first shown anything; `arms`: a number for each customer's
    arm. What is taken out is learned within arms, the same for all, so the difference stays unbiased. Where
    `before` is the same for all nothing is taken out.
    """
    after, past = np.asarray(values, np.float64), np.asarray(before, np.float64)
    arm = np.unique(np.asarray(arms), return_inverse=True)[1]
    inside_after, inside_past = _less_arm_means(after, arm), _less_arm_means(past, arm)
    spread = float(inside_past @ inside_past)
    whole = float(inside_after @ inside_after)
    if spread <= 0 or whole <= 0:
        return Cuped(after, 0.0, 0.0)
    theta = float(inside_past @ inside_after) / spread
    left = inside_after - theta * inside_past
    return Cuped(after - theta * (past - past.mean()), theta, 1 - float(left @ left) / whole)


def _less_arm_means(values: Floats, arm: NDArray[np.int64]) -> Floats:
    sizes = np.bincount(arm)
    return values - (np.bincount(arm, weights=values) / sizes)[arm]
