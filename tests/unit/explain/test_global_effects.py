"""Importance and effects of models whose truth is known, told only where customers were seen."""

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import each_alone, group_features
from foresell.explain.global_effects import accumulated_effects, partial_dependence, permutation_importance
from foresell.features.feature import Feature

DESCRIBED = tuple(Feature(name, name, name, "") for name in ("a", "b", "c"))
CHANNEL = Feature("channel", "channel", "渠道", "category", "category")


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    random = np.random.default_rng(0)
    a = random.normal(size=2000)
    return pl.DataFrame(
        {
            "a": a,
            # Hardly ever far from a: what the model says of a = 3, b = -3 nobody has seen.
            "b": a + random.normal(scale=0.1, size=2000),
            "c": random.normal(size=2000),
            "channel": random.choice(["web", "shop"], size=2000),
        }
    )


def less_error(labels: np.ndarray, said: np.ndarray) -> float:
    return -float(((labels - said) ** 2).mean())


def test_what_is_lost_is_twice_the_variance_that_a_feature_brings(features):
    """Of a linear model the squared error grows by 2 · weight² · variance when a feature is shuffled."""
    labels = 2 * features["a"].to_numpy() + features["c"].to_numpy()

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return 2 * rows["a"].to_numpy() + rows["c"].to_numpy()

    found = permutation_importance(predict, features, labels, less_error, each_alone(DESCRIBED))
    assert found["name"].to_list() == ["a", "c", "b"]
    assert found["value"].to_list() == pytest.approx(
        [8 * features["a"].var(), 2 * features["c"].var(), 0], rel=0.05
    )
    assert (found["lower"] <= found["value"]).all()
    assert (found["upper"] - found["lower"]).to_list()[:2] > [0.0, 0.0]


def test_features_that_tell_the_same_are_shuffled_together(features):
    labels = features["a"].to_numpy()

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return np.where(np.abs(rows["a"] - rows["b"]) < 0.5, rows["a"], labels.mean())

    groups = group_features(DESCRIBED, {"both": ("a", "b")})
    found = permutation_importance(predict, features, labels, less_error, groups)
    assert found["name"][0] == "both"
    assert found["value"][0] == pytest.approx(2 * features["a"].var(), rel=0.1)


def test_accumulated_effects_follow_the_model_where_customers_are(features):
    """a + b: partial dependence of a would be of slope 1, which it is; a · b where b ≈ a: of slope b = a."""

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return rows["a"].to_numpy() * rows["b"].to_numpy()

    found = accumulated_effects(predict, features, DESCRIBED[0], least_rows=100)
    value, effect = found["value"].to_numpy(), found["effect"].to_numpy()
    wanted = value**2 / 2
    inner = np.abs(value) < 2
    assert np.corrcoef(effect[inner], wanted[inner])[0, 1] > 0.99
    assert found["num_rows"].min() >= 100
    assert ((found["lower"] <= found["effect"]) & (found["effect"] <= found["upper"])).all()


def test_accumulated_effects_of_a_linear_model_are_its_slope_with_no_doubt(features):
    found = accumulated_effects(lambda rows: 3 * rows["c"].to_numpy(), features, DESCRIBED[2])
    slopes = np.diff(found["effect"].to_numpy()) / np.diff(found["value"].to_numpy())
    assert slopes == pytest.approx(3)
    middles = (found["effect"].to_numpy()[1:] + found["effect"].to_numpy()[:-1]) / 2
    assert np.average(middles, weights=found["num_rows"].to_numpy()[1:]) == pytest.approx(0, abs=1e-9)


def test_partial_dependence_of_a_category_leaves_rare_ones_out(features):
    frame = features.with_columns(
        channel=pl.when(pl.int_range(pl.len()) < 20)
        .then(pl.lit("fax"))
        .when(pl.int_range(pl.len()) < 100)
        .then(pl.lit(None, pl.String))
        .otherwise("channel")
    )

    def predict(rows: pl.DataFrame) -> np.ndarray:
        worth = rows["channel"].replace_strict({"web": 0.5, "shop": 0.1, "fax": 9.0}, default=0.3)
        return worth.to_numpy()

    found = partial_dependence(predict, frame, CHANNEL)
    assert found["value"].to_list() == ["shop", "web", None]
    effect = found["effect"].to_numpy()
    assert effect[1] - effect[0] == pytest.approx(0.4)
    assert effect[2] - effect[0] == pytest.approx(0.2)
    assert np.average(effect, weights=found["num_rows"].to_numpy()) == pytest.approx(0, abs=1e-12)


def test_partial_dependence_of_a_number_is_told_at_means_of_bins(features):
    found = partial_dependence(lambda rows: 2 * rows["c"].to_numpy(), features, DESCRIBED[2], bins=4)
    assert found["num_rows"].to_list() == [500, 500, 500, 500]
    lowest = np.sort(features["c"].to_numpy())[:500].mean()
    assert found["value"][0] == pytest.approx(lowest)
    assert np.diff(found["effect"].to_numpy()) == pytest.approx(2 * np.diff(found["value"].to_numpy()))


def test_too_few_customers_are_said_to_be_too_few(features):
    few = features.head(20)
    with pytest.raises(InputError, match="too few"):
        accumulated_effects(lambda rows: rows["a"].to_numpy(), few, DESCRIBED[0])
    with pytest.raises(InputError, match="too few"):
        partial_dependence(lambda rows: rows["a"].to_numpy(), few, DESCRIBED[0])
    same = features.with_columns(a=pl.lit(1.0))
    with pytest.raises(InputError, match="1 different"):
        accumulated_effects(lambda rows: rows["a"].to_numpy(), same, DESCRIBED[0])
    with pytest.raises(InputError, match="partial dependence"):
        accumulated_effects(lambda rows: rows["a"].to_numpy(), features, CHANNEL)
    with pytest.raises(InputError, match="not defined"):
        permutation_importance(
            lambda rows: rows["a"].to_numpy(),
            features,
            np.zeros(2000),
            lambda *_: np.nan,
            each_alone(DESCRIBED),
        )


def test_unknown_values_are_left_out_of_what_runs_along_a_number(features):
    frame = features.with_columns(c=pl.when(pl.int_range(pl.len()) % 2 == 0).then("c"))

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return rows["c"].fill_null(0.0).to_numpy()

    assert accumulated_effects(predict, frame, DESCRIBED[2])["num_rows"][1:].sum() == 1000
    assert partial_dependence(predict, frame, DESCRIBED[2])["value"].to_list()[-1] is None
