"""Adjusted Rand against values worked out by hand and published, and the laws that it obeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.agreement import adjusted_rand

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


def test_the_same_groups_under_other_names_agree():
    assert adjusted_rand(["a", "a", "b", "b"], [7, 7, 1, 1]) == 1.0


def test_known_values():
    # Pairs together: one 2 of 6, other 1; both 1; expected 2 · 1 / 6.
    assert adjusted_rand([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx((1 - 2 / 6) / (1.5 - 2 / 6))
    # Hubert and Arabie's table as Yeung and Ruzzo (Bioinformatics 17, 2001) print it: 0.313.
    one = [1] * 2 + [2] * 4 + [3] * 4
    other = [1, 2, 1, 2, 2, 3, 3, 3, 3, 3]
    assert adjusted_rand(one, other) == pytest.approx(0.313, abs=5e-4)


def test_one_group_for_all_says_nothing():
    assert adjusted_rand([1, 1, 1, 1], [1, 2, 1, 2]) == 0.0
    assert adjusted_rand([1, 1, 1], [2, 2, 2]) == 1.0
    assert adjusted_rand([1, 2, 3], [6, 5, 4]) == 1.0


@given(labels)
def test_it_is_symmetric_and_at_most_one(pairs):
    one, other = zip(*pairs, strict=True)
    found = adjusted_rand(one, other)
    assert found == pytest.approx(adjusted_rand(other, one))
    assert found <= 1 + 1e-12
    assert adjusted_rand(one, one) == 1.0


def test_other_customers_are_refused():
    with pytest.raises(InputError, match="same customers"):
        adjusted_rand([1, 2], [1])
