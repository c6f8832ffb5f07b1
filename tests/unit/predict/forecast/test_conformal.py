"""Conformal quantiles cover what they promise, whatever the errors are distributed like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.predict.forecast.conformal import conformal_quantiles, offsets_of
from foresell.predict.forecast.model import LEVELS

DRAWS = {
    "normal": lambda random, size: random.normal(size=size),
    "skewed": lambda random, size: random.lognormal(sigma=1.5, size=size),
    "heavy": lambda random, size: random.standard_t(1.5, size=size),
}


@pytest.mark.parametrize("number", [19, 60, 300])
@pytest.mark.parametrize("kind", DRAWS)
def test_the_next_error_stays_below_a_level_as_often_as_promised(kind: str, number: int) -> None:
    """Exactly: with probability ceil((n + 1) l) / (n + 1) for levels above one half."""
    random = np.random.default_rng(7)
    draws = DRAWS[kind](random, (3_000, number + 1))
    for level in (0.7, 0.9):
        bounds = np.array([conformal_quantiles(row[:-1], (level,))[0] for row in draws])
        covered = float((draws[:, -1] <= bounds).mean())
        promised = np.ceil((number + 1) * level - 1e-9) / (number + 1)
        assert covered == pytest.approx(promised, abs=0.025)
        assert promised >= level
    for level in (0.1, 0.3):
        bounds = np.array([conformal_quantiles(row[:-1], (level,))[0] for row in draws])
        assert float((draws[:, -1] < bounds).mean()) <= level + 0.025


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80))
def test_quantiles_are_errors_that_were_seen_in_order(errors: list[float]) -> None:
    found = conformal_quantiles(np.array([*errors, np.nan]))
    assert (np.diff(found) >= 0).all() or len(errors) < 3
    middle = LEVELS.index(0.5)
    assert all(value in errors for value in np.delete(found, middle))
    assert found[middle] == pytest.approx(np.median(errors))


def test_nothing_known_tells_nothing() -> None:
    assert np.isnan(conformal_quantiles(np.array([np.nan]))).all()


def test_groups_with_few_errors_take_in_their_neighbors() -> None:
    errors = np.concatenate([np.zeros(50), np.full(3, 10.0), np.full(50, 1.0)])
    groups = np.repeat([0, 1, 2], [50, 3, 50])
    found = offsets_of(errors, groups, 3, fewest=40)
    assert found.means[0] == 0.0
    assert found.means[2] == 1.0
    # The middle group has 3 of its own and 100 of its neighbors: the 52nd is 1, the 101st is 10.
    assert found.table[1, LEVELS.index(0.5)] == 1.0
    assert found.table[1, LEVELS.index(0.975)] == 10.0
