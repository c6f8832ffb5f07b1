"""BG/NBD: laws that any parameters obey, what is learned from a known world, and what cannot be learned."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.bg_nbd import (
    BgNbd,
    at_least,
    drawn_orders,
    expected_orders,
    fit_bg_nbd,
    order_quantile,
    probability_alive,
)
from foresell.predict.customers.value.history import History, make_history

PARAMETERS = st.tuples(st.floats(0.1, 5), st.floats(1, 100), st.floats(0.2, 5), st.floats(0.2, 10))
TRUE = (0.6, 30.0, 0.9, 2.5)


@st.composite
def customers(draw) -> History:
    x = draw(st.integers(0, 40))
    age = draw(st.floats(1, 400))
    return make_history([x], [draw(st.floats(0.01, 1)) * age if x else 0.0], [age])


@settings(max_examples=50)
@given(PARAMETERS, customers(), st.floats(0.5, 300))
def test_the_expectation_is_the_sum_of_the_chances(parameters, customer, time):
    chances = at_least(parameters, customer, time, np.arange(1, 600))
    assert (np.diff(chances) <= 1e-12).all()
    assert chances[0] <= probability_alive(parameters, customer)[0] + 1e-12
    # What the sum leaves out falls as a power.
    left_out = 600 * chances[-1]
    assume(left_out < 1e-6)
    told = expected_orders(parameters, customer, time)[0]
    assert told == pytest.approx(chances.sum(), rel=1e-6, abs=left_out + 1e-9)


@given(PARAMETERS, customers(), st.floats(1, 100))
def test_more_time_means_more_orders_and_a_longer_silence_a_smaller_chance(parameters, customer, time):
    early, late = (expected_orders(parameters, customer, t)[0] for t in (time, time * 2))
    assert 0 <= early <= late * (1 + 1e-9)
    silent = make_history(customer.frequency, customer.recency, customer.age + 30)
    assert probability_alive(parameters, silent)[0] <= probability_alive(parameters, customer)[0] + 1e-12


@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-9, 0.4])
def test_the_expectation_is_right_where_its_formula_is_not_defined(a):
    r, alpha, b = 0.5, 10.0, 0.6
    customer = make_history([0, 3], [0, 20], [30, 30])
    told = expected_orders((r, alpha, a, b), customer, 50.0)
    for place, x in enumerate((0, 3)):
        one = customer.take(slice(place, place + 1))
        chances = at_least((r, alpha, a, b), one, 50.0, np.arange(1, 2_000))
        assert told[place] == pytest.approx(chances.sum(), rel=1e-6), x
    # Who may leave orders less than who stays: E[λ] × 50 days.
    assert 0 < told[0] < r / (alpha + 30) * 50


def test_a_customer_of_thousands_of_orders_is_a_number():
    heavy = make_history([5_000, 5_000], [365, 100], [365, 365])
    told = expected_orders(TRUE, heavy, 90)
    assert told[0] == pytest.approx(at_least(TRUE, heavy.take(slice(0, 1)), 90, np.arange(1, 9_000)).sum())
    assert 0.5 * 5_000 * 90 / 395 < told[0] < 5_000 * 90 / 395
    # Thirteen orders a day, and then none for most of a year.
    assert 0 <= told[1] < 1e-100


def test_parameters_of_a_known_world_are_found_within_their_errors(world):
    found = fit_bg_nbd(world[0]).estimate
    for (name, value), true in zip(found.by_name.items(), TRUE, strict=True):
        assert abs(value - true) < 3 * found.standard_errors[name], name


def test_standard_errors_are_what_samples_differ_by(live):
    """Of 25 worlds of 400 customers; log r is nearest to normal."""
    fits = [fit_bg_nbd(live(400, seed)[0], penalty=1e-4).estimate for seed in range(100, 125)]
    spread = np.std([np.log(fit.by_name["r"]) for fit in fits])
    told = np.mean([np.sqrt(fit.covariance[0, 0]) for fit in fits])
    assert 0.65 < spread / told < 1.5


def test_the_future_of_a_known_world_is_expected(world):
    history, later, _ = world
    fitted = fit_bg_nbd(history)
    told = fitted.expected_orders(history, 90.0)
    assert told.sum() == pytest.approx(later.sum(), rel=0.08)
    alike = history.frequency >= 3
    assert told[alike].sum() == pytest.approx(later[alike].sum(), rel=0.12)


def test_draws_agree_with_the_expectation(world):
    some = world[0].take(slice(0, 300))
    random = np.random.default_rng(3)
    drawn = np.mean([drawn_orders(TRUE, some, 90.0, random) for _ in range(400)], axis=0)
    assert drawn.mean() == pytest.approx(expected_orders(TRUE, some, 90.0).mean(), rel=0.03)


@given(PARAMETERS, customers(), st.floats(1, 200), st.floats(0.05, 0.95))
def test_a_quantile_is_the_least_number_that_is_enough(parameters, customer, time, level):
    number = order_quantile(np.array([parameters]), customer, time, level)[0]
    assert at_least(parameters, customer, time, number + 1)[0] <= 1 - level + 1e-12
    if number:
        assert at_least(parameters, customer, time, number)[0] > 1 - level


def test_the_unit_of_time_does_not_matter(world):
    history = world[0]
    weeks = History(history.frequency, history.recency / 7, history.age / 7, np.empty(0))
    days, other = fit_bg_nbd(history), fit_bg_nbd(weeks)
    assert other.estimate.by_name["alpha"] * 7 == pytest.approx(days.estimate.by_name["alpha"], rel=1e-5)
    assert other.expected_orders(weeks, 10.0) == pytest.approx(days.expected_orders(history, 70.0), rel=1e-4)


@pytest.mark.parametrize(
    ("frequency", "recency", "what"),
    [
        ([0, 0, 0], [0, 0, 0], "Nobody ordered on a second day"),
        ([1, 2, 3], [5, 5, 5], "Every customer ordered on a second day"),
        ([], [], "There are no customers"),
    ],
)
def test_one_kind_of_customers_is_refused(frequency, recency, what):
    with pytest.raises(InputError, match=what):
        fit_bg_nbd(make_history(frequency, recency, [10] * len(frequency)))


def test_no_clear_maximum_is_an_error_that_a_penalty_mends():
    """Nobody ever leaves: how soon people leave cannot be learned."""
    random = np.random.default_rng(0)
    age = np.full(300, 400.0)
    x = random.poisson(random.gamma(2.0, 3.0, 300)).astype(float)
    history = make_history(x, np.where(x > 0, 400.0, 0.0), age)
    with pytest.raises(InputError, match="no clear maximum") as caught:
        fit_bg_nbd(history)
    assert "penalty" in caught.value.do
    fitted = fit_bg_nbd(history, penalty=0.001)
    assert fitted.estimate.penalty == 0.001
    assert fitted.expected_orders(history, 40.0).sum() == pytest.approx(x.sum() / 10, rel=0.1)


@pytest.mark.parametrize(
    ("columns", "received"),
    [
        (([1.0], [20.0], [10.0]), "recency 20"),
        (([0.0], [5.0], [10.0]), "frequency 0"),
        (([-1.0], [0.0], [10.0]), "frequency -1"),
    ],
)
def test_a_history_that_contradicts_itself_is_refused(columns, received):
    with pytest.raises(InputError) as caught:
        make_history(*columns)
    assert received in caught.value.message


def test_unknown_numbers_and_times_before_now_are_refused():
    with pytest.raises(InputError, match="must be known"):
        make_history([1.0], [np.nan], [10.0])
    with pytest.raises(InputError, match="0 or more"):
        expected_orders(TRUE, make_history([1], [5], [10]), -1.0)


def test_what_is_saved_is_what_was_learned(world):
    fitted = fit_bg_nbd(world[0])
    again = BgNbd.from_tables(fitted.to_tables())
    assert (again.parameters == fitted.parameters).all()
    assert again.estimate.standard_errors == fitted.estimate.standard_errors
