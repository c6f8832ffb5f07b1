"""Laws of A/B tests: errors are as rare as promised however often one looks."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from foresell.contracts.errors import InputError
from foresell.evaluation.experiments import (
    FEWEST,
    compare_arms,
    cuped,
    plan_test,
    sample_ratio_p,
    sequential_bound,
)

LEVEL = 0.05


def spending(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Most spend nothing, some much: the mean is 5, the deviation √(0.2 · 2 · 25² − 5²) = 15."""
    return np.where(random.random(shape) < 0.2, random.gamma(1.0, 25.0, shape), 0.0)


def looks(first: np.ndarray, second: np.ndarray, at: np.ndarray, mixture: float) -> np.ndarray:
    """(shops, looks): whether 0 lies outside of the interval at each look."""

    def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sums, squares = np.cumsum(values, axis=1)[:, at - 1], np.cumsum(values**2, axis=1)[:, at - 1]
        return sums / at, (squares - sums**2 / at) / (at - 1)

    (mean, variance), (other_mean, other_variance) = moments(first), moments(second)
    difference, error = other_mean - mean, (variance + other_variance) / at
    bounds = np.frompyfunc(lambda d, v: sequential_bound(d, v, mixture, LEVEL)[0], 2, 1)
    return np.abs(difference) > bounds(difference, error).astype(float)


def test_whoever_looks_all_the_time_errs_no_more_often_than_promised() -> None:
    """1,000 A/A tests of skewed amounts, looked at 146 times each; a fixed test errs thrice as often."""
    random = np.random.default_rng(7)
    at = np.arange(FEWEST, 3_001, 20)
    mixture = plan_test(15.0, 0.9).mixture_variance
    first, second = spending(random, 1_000, 3_000), spending(random, 1_000, 3_000)
    errs = looks(first, second, at, mixture).any(axis=1)
    assert errs.sum() <= binom.ppf(0.999, 1_000, LEVEL)
    sums = [np.cumsum(one, axis=1)[:, at - 1] / at for one in (first, second)]
    error = sqrt(2) * 15.0 / np.sqrt(at)
    assert (np.abs(sums[1] - sums[0]) > 1.96 * error).any(axis=1).mean() > 3 * LEVEL


def test_a_difference_as_planned_for_is_found_as_often_as_planned() -> None:
    random = np.random.default_rng(8)
    plan = plan_test(15.0, 1.5, power=0.8)
    each = plan.sequential // 2
    at = np.unique(np.linspace(FEWEST, each, 12).astype(int))
    found = looks(
        spending(random, 400, each), spending(random, 400, each) + 1.5, at, plan.mixture_variance
    ).any(axis=1)
    assert found.mean() > 0.78


def test_numbers_of_customers_as_the_books_have_them() -> None:
    """16 σ² / δ² an arm (Kohavi, Tang and Xu, 2020, section 15): 2 (1.96 + .8416)² = 15.7."""
    plan = plan_test(10.0, 1.0)
    assert plan.fixed == pytest.approx(2 * 2 * (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * 100, abs=1)
    assert 1.7 < plan.sequential / plan.fixed < 2.1
    assert plan_test(10.0, 1.0, shares=(0.9, 0.1)).fixed > 2.5 * plan.fixed
    with pytest.raises(InputError):
        plan_test(10.0, 0.0)


def test_few_customers_say_nothing() -> None:
    found = compare_arms(np.ones(FEWEST - 1), np.zeros(500), 1.0)
    assert found.difference.upper == np.inf
    assert found.p_value == 1.0


def test_interval_and_p_value_agree() -> None:
    for difference in np.linspace(0, 2, 41):
        half, p_value = sequential_bound(float(difference), 0.05, 0.3, LEVEL)
        assert (difference > half) == (p_value < LEVEL)


def test_shares_that_are_not_as_meant_are_found_and_others_not() -> None:
    random = np.random.default_rng(9)
    steps = np.arange(200, 20_001, 200)
    arms = random.random((300, 20_000)) < 0.5
    counts = np.cumsum(arms, axis=1)[:, steps - 1]
    wrong = [
        any(sample_ratio_p([c, n - c], [0.5, 0.5]) < 0.01 for c, n in zip(row, steps, strict=True))
        for row in counts
    ]
    assert sum(wrong) <= binom.ppf(0.999, 300, 0.01)
    assert sample_ratio_p([10_000, 10_600], [0.5, 0.5]) < 0.01
    assert sample_ratio_p([9_000, 1_000], [0.9, 0.1]) == pytest.approx(1.0, abs=0.5)
    assert sample_ratio_p([0, 0], [0.5, 0.5]) == 1.0


def test_what_was_known_before_is_taken_out_and_the_difference_stays() -> None:
    random = np.random.default_rng(10)
    before = random.gamma(1.0, 10.0, 4_000)
    arm = random.random(4_000) < 0.5
    values = before + random.normal(0, 5, 4_000) + 2.0 * arm
    found = cuped(values, before, arm)
    # Var(values) = 100 + 25, of which 100 was known.
    assert found.reduction == pytest.approx(0.8, abs=0.03)
    assert found.theta == pytest.approx(1.0, abs=0.03)
    difference = found.values[arm].mean() - found.values[~arm].mean()
    assert difference == pytest.approx(2.0, abs=0.5)
    assert found.values.mean() == pytest.approx(values.mean())


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=2, max_size=30))
def test_a_past_that_is_the_same_for_all_takes_nothing_out(rows: list[tuple[float, bool]]) -> None:
    values, arms = np.array([row[0] for row in rows]), [row[1] for row in rows]
    assert cuped(values, np.full(len(rows), 3.0), arms).values.tolist() == values.tolist()
