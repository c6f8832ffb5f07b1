"""Hidden counts stay hidden: no small one is shown, and none follows from the totals."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.suppression import hidden_cells

tables = arrays(
    np.int64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5), elements=st.integers(0, 40)
)


def test_a_cell_that_is_hidden_alone_is_not_left_alone():
    hidden = hidden_cells(np.array([[50, 3, 20], [40, 60, 30]]))
    assert hidden.tolist() == [[False, True, True], [False, True, True]]


def test_what_is_large_or_empty_is_shown():
    assert not hidden_cells(np.array([[50, 0], [10, 12]])).any()


def test_a_table_of_few_people_is_hidden_whole():
    assert hidden_cells(np.array([[3, 0], [0, 6]])).all()


def test_two_small_cells_of_a_row_that_are_small_together_are_not_enough():
    hidden = hidden_cells(np.array([[3, 4, 50, 70], [80, 90, 60, 30]]))
    counts = np.array([[3, 4, 50, 70], [80, 90, 60, 30]])
    assert counts[0][hidden[0]].sum() >= 10


@settings(max_examples=150)
@given(tables)
def test_no_total_gives_a_hidden_count_away(counts):
    hidden = hidden_cells(counts)
    assert hidden[(counts > 0) & (counts < 10)].all()
    if hidden.all() or not hidden.any():
        return
    covered = np.where(hidden, counts, 0)
    for sums in (covered.sum(axis=0), covered.sum(axis=1)):
        assert ((sums == 0) | (sums >= 10)).all()
    assert not (hidden.sum(axis=0) == 1).any()
    assert not (hidden.sum(axis=1) == 1).any()


@settings(max_examples=40)
@given(arrays(np.int64, (3, 3), elements=st.integers(0, 12)))
def test_another_table_with_the_same_totals_differs_in_every_hidden_cell(counts):
    """By hand: around a hidden rectangle ±1 changes no total; every hidden cell lies on such a loop."""
    hidden = hidden_cells(counts)
    if hidden.all() or not hidden.any():
        return
    for row, column in np.argwhere(hidden):
        assert _is_on_a_loop(hidden, row, column)


def _is_on_a_loop(hidden, row, column):
    for other_row, other_column in product(range(3), range(3)):
        if other_row != row and other_column != column:
            corners = hidden[other_row, column], hidden[row, other_column], hidden[other_row, other_column]
            if all(corners):
                return True
    # Of a 3 × 3 table a longer loop goes through all rows and columns: two hidden cells in each.
    return bool((hidden.sum(axis=0) >= 2).all() and (hidden.sum(axis=1) >= 2).all())


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="negative"):
        hidden_cells(np.array([[-1, 20]]))
    with pytest.raises(InputError, match="at least 2"):
        hidden_cells(np.array([[1, 20]]), k=1)
