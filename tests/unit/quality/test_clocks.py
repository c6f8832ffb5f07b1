"""Clocks: blocks written by another one are found where they are, and sound weeks raise no alarm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.quality.clocks import DAY, HOURS, exchange_day_and_month, find_clock_faults

LEAST = 8.0
FIRST = int(np.datetime64("2024-01-01", "us").astype(np.int64))


def week_of_sales(weeks: int = 20, a_day: int = 40, seed: int = 0) -> np.ndarray:
    """Open from 9 to 18 o'clock, closed on Sundays; in order."""
    chance = np.random.default_rng(seed)
    days = [day for day in range(7 * weeks) if day % 7 != 6]
    hours = 9 + 9 * chance.beta(2, 2, size=(len(days), a_day))
    times = FIRST + np.array(days)[:, None] * DAY + (hours * HOURS).astype(np.int64)
    return np.sort(times.ravel())


def faults(times: np.ndarray, *, numbered: bool = True):
    return find_clock_faults(times, times, np.arange(len(times)) if numbered else None, LEAST)


@pytest.mark.parametrize("numbered", [True, False])
def test_a_sound_clock_raises_no_alarm(numbered: bool) -> None:
    found = faults(week_of_sales(), numbered=numbered)
    assert not found.hours_ahead.any()
    assert not found.is_exchanged.any()


@pytest.mark.parametrize("hours", [8, -5, 1, 24])
def test_a_block_on_another_clock_is_found_with_its_hours(hours: int) -> None:
    times = week_of_sales()
    block = slice(1200, 1500)
    times[block] += hours * HOURS
    found = faults(times).hours_ahead
    assert (found[block] == hours).mean() > 0.8
    assert (found[: block.start - 40] == 0).all()
    assert (found[block.stop + 40 :] == 0).all()


def test_days_of_a_shop_without_numbers_are_compared_with_its_week() -> None:
    times = week_of_sales()
    block = slice(1200, 1600)
    times[block] += 8 * HOURS
    found = faults(times, numbered=False).hours_ahead
    assert (found[block] == 8).mean() > 0.9


def test_a_day_read_as_a_month_is_found_by_its_neighbors() -> None:
    times = week_of_sales()
    months = np.array([str(time)[5:7] for time in times.astype("datetime64[us]")])
    wrong = np.flatnonzero(exchange_day_and_month(times) != times)[::50]
    wrong = wrong[months[wrong] != "00"]
    spoiled = times.copy()
    spoiled[wrong] = exchange_day_and_month(times)[wrong]
    far = np.abs(spoiled - times) > 3 * DAY
    assert (faults(spoiled).is_exchanged == far).all()


@given(st.integers(0, 40_000), st.integers(0, DAY - 1))
def test_exchanging_twice_changes_nothing(day: int, in_day: int) -> None:
    time = np.array([day * DAY + in_day], dtype=np.int64)
    assert exchange_day_and_month(exchange_day_and_month(time)) == time


def test_no_times_have_no_faults() -> None:
    assert faults(np.array([], dtype=np.int64)).hours_ahead.size == 0
