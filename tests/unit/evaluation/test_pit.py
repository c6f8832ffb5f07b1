"""The randomized PIT: uniform where forecasts are right, not where they are too sure."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from foresell.evaluation.pit import LEVELS, column_of, grid_bounds, pit, pit_shares, randomized, uniformity

NUM_PERIODS = 10


def counts(means: np.ndarray, size: float, seed: int) -> pl.DataFrame:
    """Negative binomial counts, NUM_PERIODS of each mean, with the true distribution's levels and cdf."""
    each = np.repeat(means, NUM_PERIODS)
    chance = size / (size + each)
    drawn = nbinom.rvs(size, chance, random_state=np.random.default_rng(seed))
    levels = {column_of(level): nbinom.ppf(level, size, chance) for level in LEVELS}
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(NUM_PERIODS)]
    of_model = {"cdf_below": nbinom.cdf(drawn - 1, size, chance), "cdf": nbinom.cdf(drawn, size, chance)}
    keys = {"series_id": [f"s{i:04}" for i in range(len(means)) for _ in days], "date": days * len(means)}
    return pl.DataFrame({**keys, "value": drawn.astype(float), **levels, **of_model})


MEANS = np.random.default_rng(5).gamma(0.7, 1.5, size=600)


@pytest.mark.parametrize("with_cdf", [True, False], ids=["cdf", "levels"])
def test_the_true_distribution_of_counts_is_found_uniform(with_cdf: bool) -> None:
    shop = counts(MEANS, 0.6, seed=1)
    forecasts = shop.drop("value") if with_cdf else shop.drop("value", "cdf_below", "cdf")
    found = uniformity(pit(forecasts, shop, seed=0), seed=0)
    assert (found.num_series, found.num_values) == (600, 6000)
    assert found.p_value > 0.05
    assert found.distance < 0.02
    assert found.histogram == pytest.approx([0.1] * 10, abs=0.02)


def test_a_distribution_that_is_too_sure_is_found_out() -> None:
    truth, sure = counts(MEANS, 0.6, seed=1), counts(MEANS, 50.0, seed=1)
    found = uniformity(pit(sure.drop("value", "cdf_below", "cdf"), truth, seed=0), seed=0)
    assert found.p_value < 0.01
    assert found.distance > 0.05


def test_what_all_series_share_in_a_period_is_chance_too() -> None:
    """Sales of every month are as many times more or less, which the distribution of each series allows for:
    by series alone such forecasts are mostly refused, with the periods mostly not."""
    refused = np.zeros(2)
    for seed in range(20):
        random = np.random.default_rng(seed)
        months = np.exp(random.normal(0.0, 0.5, NUM_PERIODS))
        rate = MEANS[:300, None] * months
        drawn = random.poisson(rate).ravel()
        possible = np.exp(np.random.default_rng(99).normal(0.0, 0.5, 300))
        chances = poisson.cdf(
            np.stack([drawn - 1, drawn])[:, :, None], np.repeat(MEANS[:300], NUM_PERIODS)[:, None] * possible
        ).mean(axis=2)
        days = [date(2026, 1, 1) + timedelta(days=i) for i in range(NUM_PERIODS)] * 300
        keys = {"series_id": np.repeat(np.arange(300), NUM_PERIODS).astype(str), "date": days}
        u = randomized(*chances, seed=seed)
        found = uniformity(pl.DataFrame({**keys, "u": u}), seed=seed)
        refused += [found.p_value < 0.05, found.p_value_shared < 0.05]
    assert refused[0] > 10, refused
    assert refused[1] < 5, refused


def test_intervals_of_sparse_counts_cover_too_much_and_their_pit_does_not() -> None:
    shop = counts(np.full(400, 0.3), 0.6, seed=2)
    covered = shop["value"].is_between(shop["q0.1"], shop["q0.9"]).mean()
    assert covered is not None
    assert covered > 0.85
    assert float(pit_shares(shop)["80"].mean()) == pytest.approx(0.8, abs=0.03)


def test_between_which_levels_an_actual_lies() -> None:
    levels = np.array([[0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 5]] * 4, dtype=float)
    below, upto = grid_bounds(levels, [0, 1, 4, 6])
    assert below == pytest.approx([0.0, 0.55, 0.9, 0.975])
    assert upto == pytest.approx([0.55, 0.75, 0.975, 1.0])


@settings(deadline=None, max_examples=50)
@given(
    levels=st.lists(st.floats(0, 9), min_size=11, max_size=11).map(sorted),
    actual=st.floats(0, 10),
    seed=st.integers(0, 9),
)
def test_u_lies_between_its_bounds(levels: list[float], actual: float, seed: int) -> None:
    below, upto = grid_bounds([levels], [actual])
    assert 0 <= below[0] < upto[0] <= 1
    assert below[0] <= randomized(below, upto, seed=seed)[0] <= upto[0]


def test_null_levels_and_no_values_at_all() -> None:
    shop = counts(np.ones(2), 0.6, seed=3).drop("cdf_below", "cdf")
    unknown = shop.drop("value").with_columns(pl.lit(None, dtype=pl.Float64).alias("q0.5"))
    found = uniformity(pit(unknown, shop, seed=0), seed=0)
    assert found.num_values == 0
    assert np.isnan(found.p_value)
