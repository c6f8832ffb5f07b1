"""Quantiles of counts are those of their distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from foresell.predict.forecast.boosting.classes import classes_of
from foresell.predict.forecast.counts import (
    dispersions_of,
    negative_binomial,
    whole_quantiles_of_sorted,
    zero_inflated,
)
from foresell.predict.forecast.model import LEVELS_ARRAY


@settings(max_examples=40, deadline=None)
@given(mean=st.floats(0.01, 200), dispersion=st.floats(1.1, 15))
def test_a_negative_binomial_quantile_is_the_least_count_of_that_probability(
    mean: float, dispersion: float
) -> None:
    found = negative_binomial(np.array([mean]), np.array([dispersion]))[0]
    assert (found % 1 == 0).all()
    size, chance = mean / (dispersion - 1), 1 / dispersion
    assert (nbinom.cdf(found, size, chance) >= LEVELS_ARRAY - 1e-9).all()
    below = nbinom.cdf(found - 1, size, chance)
    assert (below[found > 0] < LEVELS_ARRAY[found > 0] + 1e-9).all()


def test_a_mean_of_nothing_is_nothing() -> None:
    assert (negative_binomial(np.zeros(2), np.full(2, 3.0)) == 0).all()


def test_the_dispersion_of_a_long_poisson_and_of_a_wild_series_are_told_apart() -> None:
    random = np.random.default_rng(0)
    calm, wild = random.poisson(5, 500), random.negative_binomial(1, 1 / 6, 500)
    found = dispersions_of(np.stack([calm, wild]).astype(float))
    assert found[0] < 2.5 < found[1]


def test_zero_inflated_quantiles_are_zero_up_to_the_chance_of_nothing() -> None:
    values = np.array([[0.0, 0.0, 0.0, 4.0, 8.0, np.nan]])
    found = zero_inflated(values, np.array([2.4]), np.array([0.4]))[0]
    assert (found[LEVELS_ARRAY <= 0.6] == 0).all()
    # At .8 half of what is sold lies below: 6, of sizes 4 to 8.
    assert found[list(LEVELS_ARRAY).index(0.8)] == pytest.approx(6.0)


def test_whole_quantiles_are_values_of_the_row() -> None:
    rows = np.sort(np.array([[3.0, 0.0, 7.0, 0.0, np.nan], [np.nan] * 5]), axis=1)
    found = whole_quantiles_of_sorted(rows, np.array([4, 0]))
    assert set(found[0]) == {0.0, 3.0, 7.0}
    assert found[0, list(LEVELS_ARRAY).index(0.5)] == 0.0
    assert (found[1] == 0).all()


def test_classes_tell_the_distribution_that_they_were_learned_from() -> None:
    random = np.random.default_rng(1)
    actuals = random.negative_binomial(0.5, 0.2, 20_000).astype(float)
    classes = classes_of(actuals)
    chances = np.bincount(classes.labels(actuals), minlength=classes.number) / len(actuals)
    told = classes.paths(chances[None, :])[0]
    assert told[0] == pytest.approx(actuals.mean())
    assert told[1:] == pytest.approx(np.quantile(actuals, LEVELS_ARRAY, method="inverted_cdf"))
