"""The estimate finds the weights that made the data."""

import numpy as np
import pytest

from foresell.matching.weights import UNKNOWN, Field, estimate

FIELDS = (
    Field("name", ("other", "same"), (0.5, 0.5)),
    Field("city", ("other", "same"), (0.5, 0.5)),
    Field("year", ("other", "same"), (0.5, 0.5)),
)
TRUE_M, TRUE_U = (0.9, 0.8, 0.95), (0.01, 0.1, 0.02)


def made(chance: np.random.Generator, agrees: tuple[float, ...], num_pairs: int) -> np.ndarray:
    return (chance.random((num_pairs, len(agrees))) < np.array(agrees)).astype(np.int64)


def test_expectation_maximization_finds_what_made_the_pairs() -> None:
    chance = np.random.default_rng(1)
    same, others = made(chance, TRUE_M, 3_000), made(chance, TRUE_U, 97_000)
    found = estimate(
        FIELDS, made(chance, TRUE_U, 100_000), np.empty((0, 3), int), np.concatenate([same, others]), 100_000
    )
    for field, m, u in zip(FIELDS, TRUE_M, TRUE_U, strict=True):
        assert found.m[field.name][1] == pytest.approx(m, abs=0.02)
        assert found.u[field.name][1] == pytest.approx(u, abs=0.005)
    assert found.share == pytest.approx(0.03, rel=0.05)
    # Probabilities mean what they say: as many are one person as they sum up to.
    assert found.probability(same).sum() + found.probability(others).sum() == pytest.approx(3_000, rel=0.05)


def test_a_field_that_is_unknown_says_nothing_and_a_difference_never_speaks_for_one_person() -> None:
    chance = np.random.default_rng(2)
    levels = made(chance, (1.0, 0.5, 0.5), 500)
    weights = estimate(FIELDS, levels, levels[:50], levels, 10_000)
    nothing = np.full((1, 3), UNKNOWN)
    assert weights.bits(nothing)[0] == 0
    assert weights.probability(nothing)[0] == pytest.approx(weights.share)
    assert weights.bits(np.array([[0, UNKNOWN, UNKNOWN]]))[0] <= 0
