"""Gamma-Gamma: what is learned from a known world, and whose values teach nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.gamma_gamma import (
    GammaGamma,
    drawn_value,
    expected_value,
    fit_gamma_gamma,
)
from foresell.predict.customers.value.history import History, make_history

TRUE = (6.0, 4.0, 15.0)


def worth(values, frequency=2.0):
    number = len(values)
    return make_history(
        np.broadcast_to(frequency, number), np.full(number, 5.0), np.full(number, 9.0), values
    )


def test_parameters_of_a_known_world_are_found_within_their_errors(world):
    found = fit_gamma_gamma(world[0])
    for (name, value), true in zip(found.estimate.by_name.items(), TRUE, strict=True):
        assert abs(value - true) < 3 * found.estimate.standard_errors[name], name
    assert found.mean_value == pytest.approx(6 * 15 / 3, rel=0.1)
    assert abs(found.correlation) < 0.1


@given(st.integers(1, 50), st.floats(0.5, 500))
def test_a_customer_is_expected_between_their_own_mean_and_that_of_all(x, mean):
    told = expected_value(TRUE, make_history([x], [5], [9], [mean]))[0]
    of_all = 6 * 15 / 3
    assert min(mean, of_all) - 1e-9 <= told <= max(mean, of_all) + 1e-9


def test_more_orders_weigh_more_and_no_orders_are_like_all():
    told = expected_value(TRUE, make_history([0, 1, 10], [0, 5, 5], [9, 9, 9], [np.nan, 90, 90]))
    assert told[0] == pytest.approx(30)
    assert 30 < told[1] < told[2] < 90


def test_draws_agree_with_the_expectation(world):
    some = world[0].take(slice(0, 300))
    random = np.random.default_rng(0)
    orders = np.full(300, 2.0)
    drawn = np.mean([drawn_value(TRUE, some, orders, random) for _ in range(400)], axis=0)
    assert drawn.mean() == pytest.approx(2 * expected_value(TRUE, some).mean(), rel=0.03)
    assert not drawn_value(TRUE, some, np.zeros(300), random).any()


def test_the_currency_does_not_matter(world):
    history = world[0]
    cents = History(history.frequency, history.recency, history.age, history.money * 100)
    one, other = fit_gamma_gamma(history), fit_gamma_gamma(cents)
    assert other.estimate.by_name["v"] == pytest.approx(100 * one.estimate.by_name["v"], rel=1e-4)
    assert other.estimate.by_name["q"] == pytest.approx(one.estimate.by_name["q"], rel=1e-4)


@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan])
def test_values_that_are_no_values_are_refused_and_counted(bad):
    values = np.linspace(1, 50, 20)
    values[7] = bad
    with pytest.raises(InputError, match="above 0") as caught:
        fit_gamma_gamma(worth(values))
    assert "1 of 20" in caught.value.message


def test_what_cannot_teach_is_refused():
    with pytest.raises(InputError, match="Too few customers came back"):
        fit_gamma_gamma(worth(np.linspace(1, 50, 5)))
    with pytest.raises(InputError, match="worth the same"):
        fit_gamma_gamma(worth(np.full(20, 9.0)))
    with pytest.raises(InputError, match="no money"):
        fit_gamma_gamma(make_history([1] * 20, [1] * 20, [2] * 20))


def test_values_without_a_mean_are_refused():
    """By the model itself with q = 0.7, whose mean is infinite."""
    random = np.random.default_rng(0)
    x = random.integers(1, 6, 2_000).astype(float)
    values = random.gamma(2 * x) / x / random.gamma(0.7, 1 / 15, 2_000)
    with pytest.raises(InputError, match="no mean"):
        fit_gamma_gamma(worth(values, x))


def test_what_is_saved_is_what_was_learned(world):
    fitted = fit_gamma_gamma(world[0])
    again = GammaGamma.from_tables(fitted.to_tables())
    assert (again.parameters == fitted.parameters).all()
    assert again.correlation == fitted.correlation
