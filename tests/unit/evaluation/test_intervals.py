"""Bootstrap intervals: seeded, sensible, and as wide as theory says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.evaluation import intervals
from foresell.evaluation.intervals import bootstrap_mean, bootstrap_ratio


def test_the_interval_of_a_mean_is_about_two_standard_errors_each_way() -> None:
    values = np.random.default_rng(7).normal(10, 2, 400)
    found = bootstrap_mean(values, seed=1)
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.upper - found.value == pytest.approx(half, rel=0.15)
    assert found.value - found.lower == pytest.approx(half, rel=0.15)


def test_the_same_seed_gives_the_same_interval_however_it_is_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(50.0)
    at_once = bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) == at_once
    assert bootstrap_mean(values, seed=4) != at_once
    monkeypatch.setattr(intervals, "DRAWS_AT_ONCE", 120)
    assert bootstrap_mean(values, seed=3) == at_once


def test_a_ratio_is_of_sums_and_units_without_a_value_are_left_out() -> None:
    found = bootstrap_ratio([1, 9, np.nan], [2, 2, 5], seed=0)
    assert found.value == 10 / 4
    assert 0.5 <= found.lower <= found.upper <= 4.5
    assert bootstrap_ratio([1, 7], [1, 1], seed=0, root=True).value == 2.0


def test_nothing_and_zero_denominators_are_not_a_number() -> None:
    assert math.isnan(bootstrap_mean([], seed=0).value)
    assert math.isnan(bootstrap_ratio([1, 2], [0, 0], seed=0).value)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_the_interval_lies_within_the_values(values: list[float]) -> None:
    found = bootstrap_mean(values, seed=0)
    slack = 1e-9 * (1 + max(abs(v) for v in values))
    assert min(values) - slack <= found.lower <= found.upper <= max(values) + slack
