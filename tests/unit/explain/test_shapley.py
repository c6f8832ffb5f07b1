"""The laws of Shapley values, by property and by full enumeration; and LightGBM's own as a reference."""

import time
from itertools import combinations
from math import factorial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foresell.contracts.errors import InputError
from foresell.explain.contributions import tree_contributions
from foresell.explain.feature_groups import each_alone, group_features
from foresell.explain.mixtures import background_sample
from foresell.explain.shapley import shapley_values
from foresell.features.feature import Feature

numbers = st.floats(-10, 10, allow_nan=False, width=16)


def described(number: int) -> tuple[Feature, ...]:
    return tuple(Feature(f"x{i}", f"x{i}", f"x{i}", "") for i in range(number))


def frame(values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"x{i}": values[:, i] for i in range(values.shape[1])})


@st.composite
def quadratic_models(draw, number=4):
    """Models in which at most two features interact, with customers."""
    weights = draw(arrays(np.float64, (number,), elements=numbers))
    pairs = draw(arrays(np.float64, (number, number), elements=numbers))
    background = draw(arrays(np.float64, (5, number), elements=numbers))
    row = draw(arrays(np.float64, (1, number), elements=numbers))
    return weights, pairs, background, row


def quadratic(weights: np.ndarray, pairs: np.ndarray):
    def predict(rows: pl.DataFrame) -> np.ndarray:
        x = rows.to_numpy()
        return x @ weights + np.einsum("ni,ij,nj->n", x, pairs, x)

    return predict


def enumerated(predict, row: np.ndarray, background: np.ndarray, members: list[list[int]]) -> np.ndarray:
    """By the definition: over every set of groups, weighted."""

    def worth(known: tuple[int, ...]) -> float:
        rows = background.copy()
        columns = [c for group in known for c in members[group]]
        rows[:, columns] = row[0, columns]
        return float(predict(frame(rows)).mean())

    number = len(members)
    found = np.zeros(number)
    for i in range(number):
        for size in range(number):
            weight = factorial(size) * factorial(number - size - 1) / factorial(number)
            for known in combinations([j for j in range(number) if j != i], size):
                found[i] += weight * (worth((*known, i)) - worth(known))
    return found


@given(quadratic_models(), st.integers(0, 5))
def test_efficiency_and_exactness_where_two_features_interact_at_most(model, seed):
    weights, pairs, background, row = model
    predict = quadratic(weights, pairs)
    found = shapley_values(predict, frame(row), frame(background), each_alone(described(4)), seed=seed)
    assert found.base[0] == pytest.approx(predict(frame(background)).mean())
    assert found.predictions == pytest.approx(predict(frame(row)), abs=1e-8)
    wanted = enumerated(predict, row, background, [[i] for i in range(4)])
    assert found.values[0] == pytest.approx(wanted, abs=1e-7)


@given(quadratic_models(), st.integers(0, 5))
def test_a_feature_that_is_not_used_adds_nothing(model, seed):
    weights, pairs, background, row = model
    weights[1] = pairs[1, :] = pairs[:, 1] = 0
    predict = quadratic(weights, pairs)

    def blind(rows: pl.DataFrame) -> np.ndarray:
        return np.tanh(predict(rows)) * rows["x0"].to_numpy() * rows["x2"].to_numpy()

    found = shapley_values(blind, frame(row), frame(background), each_alone(described(4)), seed=seed)
    assert found.values[0, 1] == pytest.approx(0, abs=1e-9)


@given(quadratic_models(), st.integers(0, 5))
def test_features_that_do_the_same_add_the_same(model, seed):
    weights, pairs, background, row = model
    pairs = pairs + pairs.T
    weights[1], row[0, 1], background[:, 1] = weights[0], row[0, 0], background[:, 0]
    pairs[1, 1] = pairs[0, 0]
    pairs[1, 2:] = pairs[2:, 1] = pairs[0, 2:]
    found = shapley_values(
        quadratic(weights, pairs), frame(row), frame(background), each_alone(described(4)), seed=seed
    )
    assert found.values[0, 0] == pytest.approx(found.values[0, 1], abs=1e-7)


@given(quadratic_models())
def test_a_linear_model_gives_weight_times_distance_from_the_mean(model):
    weights, _, background, row = model
    predict = quadratic(weights, np.zeros((4, 4)))
    found = shapley_values(predict, frame(row), frame(background), each_alone(described(4)))
    assert found.values[0] == pytest.approx(weights * (row[0] - background.mean(axis=0)), abs=1e-9)


@settings(max_examples=20)
@given(quadratic_models())
def test_groups_become_known_together(model):
    weights, pairs, background, row = model
    predict = quadratic(weights, pairs)
    groups = group_features(described(4), {"both": ("x1", "x3")})
    found = shapley_values(predict, frame(row), frame(background), groups)
    wanted = enumerated(predict, row, background, [[0], [1, 3], [2]])
    assert found.values[0] == pytest.approx(wanted, abs=1e-7)


def test_many_interactions_lie_within_the_standard_errors():
    random = np.random.default_rng(3)
    background, row = random.normal(size=(400, 5)), np.array([[1.0, -1.0, 2.0, 0.5, 1.0]])

    def predict(rows: pl.DataFrame) -> np.ndarray:
        x = rows.to_numpy()
        return np.tanh(x[:, 0] * x[:, 1] * x[:, 2]) + np.exp(0.3 * x.sum(axis=1))

    groups = each_alone(described(5))
    found = shapley_values(predict, frame(row), frame(background), groups, rounds=2)
    wanted = enumerated(predict, row, background, [[i] for i in range(5)])
    assert found.errors is not None
    assert (np.abs(found.values[0] - wanted) < 4 * found.errors[0]).all()
    again = shapley_values(predict, frame(np.vstack([row, row])), frame(background), groups, rounds=2)
    assert (again.values == found.values).all(), "the same seed, whatever is explained beside"


def test_categories_and_unknown_values_take_part():
    described_ = (Feature("channel", "channel", "渠道", "category", "category"), Feature("n", "n", "n", ""))
    background = pl.DataFrame({"channel": ["web", None, "shop"], "n": [1.0, 2.0, None]})
    row = pl.DataFrame({"channel": ["web"], "n": [4.0]})

    def predict(rows: pl.DataFrame) -> np.ndarray:
        part = rows.select(
            (pl.col("channel") == "web").fill_null(False).cast(pl.Float64) + pl.col("n").fill_null(0.0)
        )
        return part.to_series().to_numpy()

    found = shapley_values(predict, row, background, each_alone(described_))
    assert found.values[0].tolist() == pytest.approx([1 - 1 / 3, 4 - 1])


def test_what_cannot_be_explained_is_refused():
    groups = each_alone(described(2))
    row = pl.DataFrame({"x0": [1.0], "x1": [1.0]})

    def predict(rows: pl.DataFrame) -> np.ndarray:
        return np.zeros(rows.height)

    with pytest.raises(InputError, match="no customers"):
        shapley_values(predict, row, row.clear(), groups)
    with pytest.raises(InputError, match="x1"):
        shapley_values(predict, row.select("x0"), row, groups)
    with pytest.raises(ValueError, match="predict gave"):
        shapley_values(lambda rows: np.zeros((rows.height, 2)), row, row, groups)
    with pytest.raises(InputError, match="no customers"):
        background_sample(row.clear(), 3)


@pytest.fixture(scope="module")
def trees():
    lightgbm = pytest.importorskip("lightgbm")
    random = np.random.default_rng(7)
    x = random.normal(size=(3000, 60))
    y = (x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=3000) > 0).astype(float)
    settings_ = {"objective": "binary", "num_leaves": 15, "num_threads": 1, "verbose": -1, "seed": 1}
    booster = lightgbm.train(settings_, lightgbm.Dataset(x, y), num_boost_round=100)
    return booster, x


def test_on_trees_it_agrees_with_lightgbm(trees):
    booster, x = trees
    names = [f"x{i}" for i in range(60)]
    exact = tree_contributions(booster.predict(x[:20], pred_contrib=True), names)
    assert exact.predictions == pytest.approx(booster.predict(x[:20], raw_score=True))
    background = background_sample(frame(x), 100)
    sampled = shapley_values(
        lambda rows: booster.predict(rows.to_numpy(), raw_score=True),
        frame(x[:20]),
        background,
        each_alone(described(60)),
    )
    # The two differ in what they take for absent features, so they agree in kind, not to the digit.
    for place in range(20):
        assert np.corrcoef(exact.values[place], sampled.values[place])[0, 1] > 0.85
        assert set(exact.top(3)[place, :1]) <= set(sampled.top(3)[place])


def test_one_customer_with_sixty_features_takes_less_than_a_second(trees):
    booster, x = trees
    background = background_sample(frame(x), 100)
    start = time.perf_counter()
    shapley_values(
        lambda rows: booster.predict(rows.to_numpy()), frame(x[:1]), background, each_alone(described(60))
    )
    assert time.perf_counter() - start < 1
