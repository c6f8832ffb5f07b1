"""Both models together: intervals that hold in a world that they describe, and value at a discount."""

import numpy as np
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.customers.value.history import make_history
from foresell.predict.customers.value.nested import held_level
from foresell.predict.customers.value.spending import (
    fit_spending,
    lifetime_value,
    order_quantiles,
    order_ranks,
    spend_quantiles,
    spend_ranks,
)


def test_money_intervals_hold_as_often_as_they_say(world, spending):
    """Of those likely to order: the others' intervals are mostly the point 0."""
    history, _, money = world
    lower, upper = spend_quantiles(spending, history, 90.0, (0.1, 0.9), draws=200, seed=0)
    likely = spending.orders.expected_orders(history, 90.0) > 2.0
    held = (money >= lower) & (money <= upper)
    assert likely.sum() > 150
    assert 0.72 < held[likely].mean() < 0.88
    assert 0.78 < held.mean() < 0.97


def test_order_intervals_hold_as_often_as_they_say(world, spending):
    history, later, _ = world
    lower, upper = order_quantiles(spending, history, 90.0, (0.1, 0.9), seed=0)
    held = (later >= lower) & (later <= upper)
    assert 0.78 < held.mean() < 0.97


def test_ranks_of_what_came_are_even(world, spending):
    """P(Y ≤ actual), drawn within its step where Y jumps, is uniform if the model is right."""
    history, later, money = world
    random = np.random.default_rng(0)
    for below, until in (
        order_ranks(spending, history, 90.0, later, seed=0),
        spend_ranks(spending, history, 90.0, money, draws=100, seed=0),
    ):
        assert (below <= until + 1e-9).all()
        even = below + random.random(len(below)) * (until - below)
        assert np.histogram(even, 5, (0, 1))[0] / len(even) == pytest.approx(np.full(5, 0.2), abs=0.03)


def test_the_same_seed_gives_the_same_interval(world, spending):
    some = world[0].take(slice(0, 50))
    one, other, third = (
        spend_quantiles(spending, some, 90.0, (0.1, 0.9), draws=50, seed=seed) for seed in (0, 0, 1)
    )
    assert (one[1] == other[1]).all()
    assert (one[1] != third[1]).any()


def test_value_without_a_discount_is_what_will_be_spent(world, spending):
    some = world[0].take(slice(0, 50))
    plain = lifetime_value(spending, some, 365.0, yearly_discount=0.0)
    assert plain == pytest.approx(spending.expected_spend(some, 365.0), rel=1e-9)
    half = lifetime_value(spending, some, 365.0, yearly_discount=0.0, margin=0.5)
    assert half == pytest.approx(plain / 2)
    less = lifetime_value(spending, some, 365.0, yearly_discount=0.1)
    assert (less < plain).all()
    assert (less > plain / 1.1).all()


def test_customers_whose_orders_were_all_refunded_teach_how_often_only(world):
    history, *_ = world
    money = history.money.copy()
    refunded = np.flatnonzero(history.frequency > 0)[:5]
    money[refunded] = [0.0, -1.0, 0.0, -5.0, 0.0]
    fitted = fit_spending(make_history(history.frequency, history.recency, history.age, money))
    assert fitted.worth.estimate.num_customers == int((history.frequency > 0).sum()) - 5
    assert fitted.orders.estimate.num_customers == len(history)
    assert np.isfinite(fitted.expected_spend(history, 30.0)).all()


def test_a_model_without_money_says_so(world):
    fitted = fit_spending(world[0], with_money=False)
    with pytest.raises(InputError, match="without money"):
        fitted.expected_spend(world[0], 10.0)


def test_the_level_that_held():
    below, until = np.array([0.0, 0.2, 0.5, 0.95]), np.array([0.3, 0.4, 0.6, 0.99])
    # Central intervals with the amount in them: 40%, 20%, 0% and 90% wide.
    assert held_level(below, until, 0.2) == pytest.approx(0.2)
    assert held_level(below, until, 0.75) == pytest.approx(0.9)
    assert held_level(np.empty(0), np.empty(0), 0.8) == 0.8
    # Zeros that are in any interval make none narrower than the model says.
    assert held_level(np.zeros(50), np.full(50, 0.9), 0.8) == 0.8
