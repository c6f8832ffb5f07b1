"""Effects add up to the change, whatever the factors."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.explain.effects import STEP, round_to_total, shapley_effects, to_step
from foresell.explain.unusual_days import find_unusual_days

numbers = st.fractions(-1000, 1000)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4)


@given(pairs)
def test_effects_add_up_exactly(drawn):
    before, after = zip(*drawn, strict=True)
    assert sum(shapley_effects(before, after)) == prod(after) - prod(before)


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_factors_does_not_matter(drawn, random):
    shuffled = list(enumerate(drawn))
    random.shuffle(shuffled)
    effects = shapley_effects(*zip(*drawn, strict=True))
    others = shapley_effects(*zip(*(pair for _, pair in shuffled), strict=True))
    assert [effects[i] for i, _ in shuffled] == others


def test_two_factors_share_what_they_did_together():
    # 100 × 0.1 → 200 × 0.2: +30; traffic (100 × 0.15) 15, conversion (0.1 × 150) 15
    before, after = [Fraction(100), Fraction(1, 10)], [Fraction(200), Fraction(1, 5)]
    assert shapley_effects(before, after) == [15, 15]


def test_an_undefined_factor_explains_nothing():
    assert shapley_effects([Fraction(0), None], [Fraction(10), Fraction(3)]) == [30, 0]
    assert shapley_effects([Fraction(0), None], [Fraction(0), None]) == [0, 0]


@given(st.lists(st.fractions(-100, 100), min_size=1, max_size=20))
def test_rounded_values_add_up_to_the_rounded_total(values):
    total = to_step(sum(values))
    rounded = round_to_total(values, total)
    assert sum(rounded) == total
    assert all(abs(Fraction(r) - v) <= Fraction(STEP) for r, v in zip(rounded, values, strict=True))


def test_what_rounding_leaves_over_goes_to_the_greatest_remainder():
    third = Fraction(1, 3)
    assert round_to_total([third, third, third], Decimal(1)) == [
        Decimal("0.3334"), Decimal("0.3333"), Decimal("0.3333")
    ]  # fmt: skip


def weeks(values_of_a_week, number=10, growth=0.5):
    first = date(2024, 1, 1)
    return {
        first + timedelta(days=i): values_of_a_week[i % 7] + growth * i + (i * 7919 % 11) / 10
        for i in range(7 * number)
    }


def test_a_planted_day_is_found_and_no_weekend_is():
    values = weeks([100, 100, 100, 100, 120, 200, 40])
    assert find_unusual_days(values) == []
    planted = date(2024, 2, 14)
    found = find_unusual_days({**values, planted: values[planted] + 60})
    assert [day.day for day in found] == [planted]
    assert found[0].z > 3.5
    assert found[0].expected == pytest.approx(values[planted], abs=10)


def test_a_day_without_sales_is_found_though_it_has_no_row():
    values = weeks([100] * 7)
    closed = date(2024, 2, 14)
    found = find_unusual_days({day: value for day, value in values.items() if day != closed})
    assert [(day.day, day.value) for day in found] == [(closed, 0.0)]


def test_too_few_or_equal_days_have_nothing_unusual():
    assert find_unusual_days({}) == []
    assert find_unusual_days(weeks([1, 1, 1, 1, 1, 1, 900], number=3)) == []
    assert find_unusual_days(dict.fromkeys(weeks([0] * 7), 5.0)) == []
