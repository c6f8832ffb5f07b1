"""Customers who live by the models' own rules, event by event, so that what is to be expected is known."""

import numpy as np
import pytest

from foresell.predict.customers.value.history import make_history
from foresell.predict.customers.value.spending import fit_spending

BUYING = (0.6, 30.0, 0.9, 2.5)
WORTH = (6.0, 4.0, 15.0)
AHEAD = 90.0


def lived(number, seed, ages=(20.0, 200.0)):
    """A history of each customer, and the orders and money of the AHEAD days after it."""
    random = np.random.default_rng(seed)
    (r, alpha, a, b), (p, q, v) = BUYING, WORTH
    x, last, mean, later, money = (np.zeros(number) for _ in range(5))
    age = random.uniform(*ages, number)
    for who in range(number):
        rate, leaves, scale = random.gamma(r, 1 / alpha), random.beta(a, b), 1 / random.gamma(q, 1 / v)
        clock, values = 0.0, []
        while (clock := clock + random.exponential(1 / rate)) <= age[who] + AHEAD:
            value = random.gamma(p, scale)
            if clock <= age[who]:
                x[who], last[who] = x[who] + 1, clock
                values.append(value)
            else:
                later[who], money[who] = later[who] + 1, money[who] + value
            if random.random() < leaves:
                break
        mean[who] = np.mean(values) if values else np.nan
    return make_history(x, last, age, mean), later, money


@pytest.fixture(scope="session")
def live():
    return lived


@pytest.fixture(scope="session")
def world():
    return lived(4_000, 1)


@pytest.fixture(scope="session")
def spending(world):
    return fit_spending(world[0])
