"""What is named as the reason is what the model reads: it moves the prediction more than chance does."""

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.evaluation.paired import paired_difference
from foresell.explain.contributions import Contributions, tree_contributions
from foresell.explain.faithfulness import removed
from foresell.explain.feature_groups import each_alone
from foresell.explain.mixtures import background_sample
from foresell.explain.shapley import shapley_values
from foresell.features.feature import Feature

DESCRIBED = tuple(Feature(f"x{i}", f"x{i}", f"x{i}", "") for i in range(12))
NAMES = [feature.name for feature in DESCRIBED]
GROUPS = each_alone(DESCRIBED)


@pytest.fixture(scope="module")
def trees():
    lightgbm = pytest.importorskip("lightgbm")
    random = np.random.default_rng(11)
    x = random.normal(size=(2000, 12))
    margin = 2 * x[:, 0] - 1.5 * x[:, 1] + x[:, 2] * x[:, 3]
    y = (random.random(2000) < 1 / (1 + np.exp(-margin))).astype(float)
    given = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbose": -1}
    return lightgbm.train(given, lightgbm.Dataset(x, y), num_boost_round=60), pl.DataFrame(x, schema=NAMES)


def test_top_features_move_the_prediction_more_than_features_at_random(trees):
    booster, frame = trees
    rows, background = frame[:60], background_sample(frame[60:], 100)

    def predict(asked: pl.DataFrame) -> np.ndarray:
        return booster.predict(asked.to_numpy())

    exact = tree_contributions(booster.predict(rows.to_numpy(), pred_contrib=True), NAMES)
    sampled = shapley_values(predict, rows, background, GROUPS)
    for contributions in (exact, exact.through(lambda margin: 1 / (1 + np.exp(-margin))), sampled):
        for number in (1, 3):
            moved = removed(predict, rows, contributions, background, GROUPS, number=number)
            assert paired_difference(moved.random, moved.top).difference.lower > 0.02


def test_reasons_that_say_nothing_are_no_better_than_chance(trees):
    booster, frame = trees
    rows = frame[:200]
    made_up = Contributions(tuple(NAMES), np.zeros(200), np.random.default_rng(1).normal(size=(200, 12)))
    moved = removed(lambda asked: booster.predict(asked.to_numpy()), rows, made_up, frame, GROUPS)
    difference = paired_difference(moved.random, moved.top).difference
    assert difference.lower < 0 < difference.upper


def test_contributions_of_others_are_refused(trees):
    _, frame = trees
    made_up = Contributions(tuple(NAMES), np.zeros(2), np.zeros((2, 12)))
    with pytest.raises(InputError, match="not of these"):
        removed(lambda rows: np.zeros(rows.height), frame[:3], made_up, frame, GROUPS)
    with pytest.raises(InputError, match="not all"):
        removed(lambda rows: np.zeros(rows.height), frame[:2], made_up, frame, GROUPS, number=12)
