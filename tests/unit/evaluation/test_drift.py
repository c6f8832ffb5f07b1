"""Shifts are found when they are large and no chance, and false alarms are as rare as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.evaluation.drift import Shift, judged, shift_of_numbers, shift_of_pairs, shift_of_shares

COUNTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 1_000), min_size=2)


def test_psi_by_hand() -> None:
    """(.7 − .5) ln(.7 / .5) + (.3 − .5) ln(.3 / .5) = .1695, nearly, for counts are smoothed a little."""
    found = shift_of_shares("mix", {"a": 5_000, "b": 5_000}, {"a": 7_000, "b": 3_000}, (10_000, 10_000))
    assert found is not None
    assert found.effect == pytest.approx(0.1695, abs=2e-4)
    [told] = judged([found])
    assert told.size == "moderate"


@given(COUNTS, COUNTS)
def test_shares_are_as_far_from_others_as_others_from_them(
    one: dict[str, int], other: dict[str, int]
) -> None:
    there = shift_of_shares("mix", one, other, (500, 500))
    back = shift_of_shares("mix", other, one, (500, 500))
    assert there is not None
    assert back is not None
    assert there.effect == pytest.approx(back.effect)
    assert there.distance == pytest.approx(back.distance)
    assert 0 <= there.distance <= 1
    same = shift_of_shares("mix", one, one, (500, 500))
    assert same is not None
    assert same.effect == pytest.approx(0)


def test_a_mean_that_moves_by_half_a_deviation_is_large() -> None:
    random = np.random.default_rng(3)
    found = shift_of_numbers("value", random.normal(10, 4, 5_000), random.normal(12, 4, 5_000))
    assert found is not None
    assert found.effect == pytest.approx(0.5, abs=0.06)
    # Two normal distributions of one deviation are as far apart as their means.
    assert found.distance == pytest.approx(0.5, abs=0.06)


def test_prices_that_rise_by_a_tenth_are_seen_however_different_they_are() -> None:
    random = np.random.default_rng(4)
    prices = np.exp(random.normal(2, 2, 300))
    found = shift_of_pairs("price", prices, prices * 1.1 * np.exp(random.normal(0, 0.02, 300)))
    assert found is not None
    assert judged([found])[0].size == "moderate"
    assert found.effect == pytest.approx(0.1, abs=0.01)
    assert shift_of_pairs("price", prices, prices) is None


def test_looks_at_nothing_raise_no_alarm() -> None:
    """Small samples: effects are often above the thresholds, and by chance."""
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(120):
        shifts = [
            shift_of_numbers(str(n), random.exponential(size=60), random.exponential(size=60))
            for n in range(5)
        ]
        told = judged([one for one in shifts if one is not None])
        assert len(told) == 5
        alarms += sum(one.size != "none" for one in told)
    assert alarms == 0


def test_little_is_no_news_however_sure() -> None:
    random = np.random.default_rng(6)
    found = shift_of_numbers("value", random.normal(0, 1, 50_000), random.normal(0.1, 1, 50_000))
    assert found is not None
    assert found.p_value < 1e-6
    assert judged([found])[0].size == "none"


def test_what_is_too_little_says_nothing() -> None:
    assert shift_of_numbers("value", [1.0] * 29, [2.0] * 500) is None
    assert shift_of_numbers("value", [1.0] * 50, [1.0] * 50) is None
    assert shift_of_shares("mix", {"a": 9}, {"a": 7}, (50, 50)) is None
    assert judged([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_correcting_for_many_looks_never_makes_surer(p_values: list[float]) -> None:
    shifts = [Shift(str(n), "psi", 1.0, 0.5, p, (100, 100)) for n, p in enumerate(p_values)]
    told = judged(shifts)
    assert all(after.p_value >= before.p_value for before, after in zip(shifts, told, strict=True))
    assert [one.name for one in told] == [one.name for one in shifts]
