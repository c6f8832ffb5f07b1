"""Paired intervals cover what they should, and are as narrow as the pairs are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from foresell.evaluation.paired import paired_difference

values = st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=8)


def test_it_is_the_paired_t_interval_of_the_books() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(10, 3, 12), random.normal(11, 3, 12)
    found = paired_difference(first, second)
    book = stats.ttest_rel(second, first).confidence_interval(0.95)
    assert (found.difference.lower, found.difference.upper) == pytest.approx((book.low, book.high))
    welch = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.times_narrower == pytest.approx((welch.high - welch.low) / (book.high - book.low))


@given(values, st.floats(-1e3, 1e3))
def test_a_constant_difference_is_known_exactly(first: list[float], shift: float) -> None:
    found = paired_difference(first, np.asarray(first) + shift)
    assert found.difference.value == pytest.approx(shift, abs=1e-6)
    assert found.difference.upper - found.difference.lower == pytest.approx(0, abs=1e-6)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    people = random.normal(0, 10, (400, 10))
    covered = [
        abs(found.difference.value - 1) <= found.difference.upper - found.difference.value
        for row in people
        for found in [paired_difference(row, row + random.normal(1, 2, 10))]
    ]
    assert 0.92 < float(np.mean(covered)) < 0.98


def test_two_equal_constants_have_no_interval() -> None:
    found = paired_difference([3.0, 3.0], [3.0, 3.0])
    assert found.difference.lower == found.difference.upper == 0
    assert found.times_narrower is None


def test_one_pair_is_no_sample() -> None:
    with pytest.raises(ValueError, match="two values"):
        paired_difference([1.0], [2.0])
