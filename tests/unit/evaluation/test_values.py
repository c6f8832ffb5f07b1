"""Scores of values, by numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.values import deciles, interval_scores, value_score, value_scores


def test_decile_error_and_bias_by_hand() -> None:
    """Two groups of equal prediction: (0, 2 → mean 1) told 2, (4, 10 → mean 7) told 6."""
    labels, told = [0.0, 2.0, 4.0, 10.0], [2.0, 2.0, 6.0, 6.0]
    assert value_score("decile_error", labels, told) == pytest.approx((2 * 1 + 2 * 1) / 16)
    assert value_score("bias", labels, told) == 0
    assert value_score("bias", labels, [4.0] * 4) == 0
    assert value_score("bias", labels, [8.0] * 4) == pytest.approx(1.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda values: sum(values) > 0))
def test_what_is_told_exactly_has_no_error(amounts: list[float]) -> None:
    assert value_score("decile_error", amounts, amounts) == pytest.approx(0, abs=1e-9)


def test_intervals_are_over_customers_and_nothing_is_nan() -> None:
    random = np.random.default_rng(0)
    labels = random.gamma(1, 10, 300)
    found = value_scores(labels, labels * 1.2, np.arange(300), seed=0, samples=50)
    assert found["bias"].lower == pytest.approx(0.2)
    assert found["bias"].upper == pytest.approx(0.2)
    nothing = value_scores([0.0, 0.0], [1.0, 2.0], ["a", "b"], seed=0, samples=5)
    assert np.isnan(nothing["decile_error"].value)


def test_coverage_counts_the_ends() -> None:
    found = interval_scores([1, 2, 3, 4], [1, 0, 4, 0], [1, 2, 9, 3], list("abcd"), seed=0, samples=20)
    assert found["coverage"].value == 0.5
    assert found["width"].value == pytest.approx((0 + 2 + 5 + 3) / 10)


def test_deciles_hold_everybody_and_all_money() -> None:
    random = np.random.default_rng(0)
    labels = random.gamma(1, 10, 95)
    table = deciles(labels, np.round(labels / 20))
    assert table["num_customers"].sum() == 95
    assert table["share_of_actual"].sum() == pytest.approx(1)
    assert table["predicted"].is_sorted()


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="must be known"):
        interval_scores([1.0], [np.nan], [2.0], ["a"], seed=0)
    with pytest.raises(InputError, match="for each label"):
        value_score("bias", [1.0, 2.0], [1.0])
