"""What is said of segments: plain, true to the means, distinct."""

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.features.feature import Feature
from foresell.predict.customers.segments.describing import describe
from foresell.predict.customers.segments.space import FeatureSpace, fit_space

DESCRIBED = (
    Feature("recency_days", "days since the last order", "距上次下单的天数", "days"),
    Feature("orders", "orders", "订单数", "orders"),
    Feature("discounted_line_share_ever", "share of lines bought on discount", "折扣购买占比", "share"),
)


def frame(num=200, seed=0):
    random = np.random.default_rng(seed)
    half = num // 2
    features = pl.DataFrame(
        {
            "recency_days": random.exponential(20, num),
            "orders": np.concatenate([random.poisson(20, half), random.poisson(4, half)]).astype(float),
            "discounted_line_share_ever": random.uniform(0, 1, num),
        }
    )
    return features, np.repeat([0, 1], half)


def test_names_and_sentences_come_from_the_largest_difference():
    features, labels = frame()
    found = describe(labels, 2, features, DESCRIBED)
    assert found["segment"].to_list() == ["many orders", "few orders"]
    assert found["name_zh"].to_list() == ["订单多", "订单少"]
    means = features["orders"].to_numpy()[:100].mean(), features["orders"].to_numpy()[100:].mean()
    assert (
        f"100 customers (50%): orders {means[0]:.1f} (everyone else {means[1]:.1f})" in found["sentence"][0]
    )
    assert f"订单数 {means[0]:.1f}（其余顾客 {means[1]:.1f}）" in found["sentence_zh"][0]


def test_segments_without_differences_say_so_and_still_differ_by_name():
    features, _ = frame()
    labels = np.tile([0, 1], 100)
    found = describe(labels, 2, features, DESCRIBED)
    assert found["segment"].to_list() == ["like most", "like most 2"]
    assert found["sentence"][0] == "100 customers (50%): much like everyone else."
    assert "相近" in found["sentence_zh"][0]


def test_features_without_words_are_said_as_they_are_called():
    described = tuple(Feature(f"own_{i}", f"my number {i}", f"我的指标{i}", "times") for i in range(2))
    features = pl.DataFrame({"own_0": [0.0] * 30 + [9.0] * 30, "own_1": [1.0, 2.0] * 30})
    found = describe(np.repeat([0, 1], 30), 2, features, described)
    assert found["segment"].to_list() == ["low my number 0", "high my number 0"]


def test_the_scale_is_robust_and_what_is_unknown_is_filled_by_its_meaning():
    features = pl.DataFrame(
        {"recency_days": [1.0, 2.0, 3.0, None, 1e6], "orders": [1.0, 2.0, 3.0, None, 4.0]}
    )
    space = fit_space(features, DESCRIBED[:2], ("recency_days", "orders"))
    points = space.points(features)
    assert np.abs(points).max() <= 4
    assert points[3, 0] == points[4, 0]
    assert points[3, 1] == pytest.approx(space.points(features.fill_null(2.5))[3, 1])
    again = FeatureSpace.from_table(space.to_table())
    np.testing.assert_array_equal(again.points(features), points)


def test_columns_that_say_nothing_or_the_same_again_are_left_out():
    random = np.random.default_rng(0)
    values = random.normal(size=100)
    features = pl.DataFrame(
        {"a": values, "b": 2 * values + 1, "c": [0.0] * 95 + [1.0] * 5, "d": random.normal(size=100)}
    )
    described = tuple(Feature(name, name, name, "times") for name in "abcd")
    assert fit_space(features, described).columns == ("a", "d")
    with pytest.raises(InputError, match="No feature tells customers apart"):
        fit_space(features.select("c"), described[2:3])
