"""Splits in time never let a window reach into another."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.evaluation.splits import TimeSplit, rolling_origins, split_at_end

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, 12, tzinfo=UTC)


def test_the_last_windows_are_held_back_and_the_newest_row_is_inside() -> None:
    split = split_at_end(FIRST, LAST, timedelta(days=28))
    validation, test = split.folds()
    assert test.cutoff <= LAST < test.until
    assert test.until - test.cutoff == validation.until - validation.cutoff == timedelta(days=28)
    assert validation.until == test.cutoff


def test_a_short_history_gives_windows_of_a_quarter() -> None:
    split = split_at_end(FIRST, FIRST + timedelta(days=8), timedelta(days=28))
    assert split.validation_from - FIRST == pytest.approx(timedelta(days=4), abs=timedelta(seconds=1))


def test_times_that_do_not_rise_and_a_moment_are_refused() -> None:
    with pytest.raises(InputError, match="rise"):
        TimeSplit(LAST, FIRST, LAST)
    with pytest.raises(InputError, match="too short"):
        split_at_end(FIRST, FIRST, timedelta(days=28))


def test_a_year_of_weeks_gives_a_test_and_three_validation_origins() -> None:
    found = [(o.split, o.num_train) for o in rolling_origins(52, 8, 3, 12)]
    assert found == [("test", 44), ("validation", 36), ("validation", 32), ("validation", 28)]


def test_a_short_history_gives_fewer_origins_and_a_shorter_one_is_refused() -> None:
    assert [o.split for o in rolling_origins(30, 8, 3, 12)] == ["test", "validation"]
    assert [o.split for o in rolling_origins(20, 8, 3, 12)] == ["test"]
    with pytest.raises(InputError, match="It takes 20"):
        list(rolling_origins(19, 8, 3, 12))


@given(st.integers(1, 200), st.integers(1, 30), st.integers(1, 6), st.integers(1, 20))
def test_no_validation_window_reaches_into_the_test(
    num_periods: int, horizon: int, folds: int, min_train: int
) -> None:
    try:
        test, *validation = rolling_origins(num_periods, horizon, folds, min_train)
    except InputError:
        assert num_periods < min_train + horizon
        return
    assert test.num_train + test.horizon == num_periods
    assert len(validation) <= folds
    for origin in validation:
        assert min_train <= origin.num_train
        assert origin.num_train + origin.horizon <= test.num_train
