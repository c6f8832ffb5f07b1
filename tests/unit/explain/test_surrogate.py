"""A surrogate is right where the model adds up, and refuses to be read where it does not."""

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import each_alone, group_features
from foresell.explain.surrogate import SurrogateConfig, local_surrogate
from foresell.features.feature import Feature

DESCRIBED = tuple(Feature(f"x{i}", f"x{i}", f"x{i}", "") for i in range(8))
NAMES = [feature.name for feature in DESCRIBED]


@pytest.fixture(scope="module")
def background() -> pl.DataFrame:
    return pl.DataFrame(np.random.default_rng(0).normal(size=(300, 8)), schema=NAMES)


ROW = pl.DataFrame([[2.0, -1.0, 0.5, 0.0, 1.0, 0.0, 0.0, 3.0]], schema=NAMES, orient="row")


def test_a_model_that_adds_up_is_found_again(background):
    weights = np.array([1.0, 2.0, 0, 0, 0, 0, 0, -1.0])
    found = local_surrogate(lambda rows: rows.to_numpy() @ weights, ROW, background, each_alone(DESCRIBED))
    assert found.is_readable
    assert found.effects[[0, 1, 7]] == pytest.approx([2.0, -2.0, -3.0], abs=0.2)
    assert np.abs(found.effects[[2, 3, 4, 5, 6]]).max() < 0.15
    assert found.prediction == pytest.approx(found.model_prediction, abs=0.3)
    assert found.contributions().names[0] == "x0"


def test_a_model_that_does_not_add_up_is_not_told(background):
    random = np.random.default_rng(1)
    signs = random.choice([-1.0, 1.0], size=997)

    def scattered(rows: pl.DataFrame) -> np.ndarray:
        return signs[(np.abs(rows.to_numpy()).sum(axis=1) * 1e4).astype(int) % 997]

    found = local_surrogate(scattered, ROW, background, each_alone(DESCRIBED))
    assert not found.is_readable
    with pytest.raises(InputError, match="Shapley"):
        found.contributions()


def test_a_model_that_always_says_the_same_has_nothing_to_tell(background):
    found = local_surrogate(lambda rows: np.full(rows.height, 0.3), ROW, background, each_alone(DESCRIBED))
    assert np.isnan(found.fit)
    assert not found.is_readable
    assert found.effects.tolist() == [0.0] * 8


def test_it_names_few_things_and_the_same_ones_each_time(background):
    groups = group_features(DESCRIBED, {"pair": ("x0", "x1")})
    weights = np.arange(1.0, 9.0)
    config = SurrogateConfig(most=2, num_near=300)
    twice = [
        local_surrogate(lambda rows: rows.to_numpy() @ weights, ROW, background, groups, config)
        for _ in range(2)
    ]
    assert (twice[0].effects == twice[1].effects).all()
    assert np.count_nonzero(twice[0].effects) == 2
    with pytest.raises(InputError, match="one customer"):
        local_surrogate(lambda rows: np.zeros(rows.height), background, background, groups)
