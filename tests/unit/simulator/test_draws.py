"""Draws: fair, and the same for the same question, in whatever order it is asked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from foresell.simulator.draws import Draws

KEYS = st.lists(st.integers(0, 2**40), min_size=1, max_size=50, unique=True)


@given(st.integers(0, 2**60), KEYS)
def test_a_draw_does_not_depend_on_its_neighbors(seed: int, keys: list[int]) -> None:
    together = Draws(seed).uniform("any", np.array(keys), 3)
    alone = [Draws(seed).uniform("any", np.array([key]), 3)[0] for key in keys]
    assert together.tolist() == alone


@given(st.integers(0, 2**60))
def test_purposes_keys_and_seeds_give_other_draws(seed: int) -> None:
    keys = np.arange(100)
    drawn = [
        Draws(seed).uniform("one", keys),
        Draws(seed).uniform("two", keys),
        Draws(seed).uniform("one", keys, 1),
        Draws(seed + 1).uniform("one", keys),
    ]
    for first in range(4):
        for second in range(first):
            assert abs(np.corrcoef(drawn[first], drawn[second])[0, 1]) < 0.5


def test_draws_are_uniform_and_independent_along_keys() -> None:
    for seed in range(5):
        drawn = Draws(seed).uniform("fair", np.arange(20_000))
        assert drawn.min() > 0
        assert drawn.max() < 1
        assert stats.kstest(drawn, "uniform").pvalue > 1e-4
        assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.03
        assert stats.kstest(Draws(seed).normal("fair", np.arange(20_000)), "norm").pvalue > 1e-4


def test_a_choice_follows_its_weights() -> None:
    chosen = Draws(1).choice((1.0, 0.0, 3.0), "which", np.arange(40_000))
    shares = np.bincount(chosen, minlength=3) / 40_000
    assert np.allclose(shares, [0.25, 0.0, 0.75], atol=0.01)
