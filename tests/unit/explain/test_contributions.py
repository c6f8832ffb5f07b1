"""Contributions add up in every unit, keep their signs, and are read largest first."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions, averaged, linear_contributions, tree_contributions
from foresell.explain.feature_groups import each_alone, group_features
from foresell.features.feature import Feature

NAMES = ("a", "b", "c", "d")
margins = arrays(np.float64, (3, 4), elements=st.floats(-8, 8, allow_nan=False, width=32))
bases = arrays(np.float64, (3,), elements=st.floats(-4, 4, allow_nan=False, width=32))


def features(*names: str) -> tuple[Feature, ...]:
    return tuple(Feature(name, name, name, "") for name in names)


def sigmoid(margin: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-margin))


def isotonic(margin: np.ndarray) -> np.ndarray:
    return np.select([margin < -1, margin < 0.5], [0.1, 0.3], 0.9)


@pytest.mark.parametrize("link", [sigmoid, isotonic])
@given(margins, bases)
def test_in_probabilities_they_still_add_up_keep_their_signs_and_stay_below_one(link, values, base):
    found = Contributions(NAMES, base, values).through(link)
    assert found.base == pytest.approx(link(base))
    assert found.predictions == pytest.approx(link(base + values.sum(axis=1)), abs=1e-12)
    assert (found.values * values >= -1e-12).all()
    assert (np.abs(found.values) <= 1 + 1e-12).all()


def test_two_large_contributions_that_cancel_stay_readable():
    found = Contributions(NAMES, np.zeros(1), np.array([[3.0, -3.0, 0.0, 0.0]])).through(isotonic)
    # +3 alone: .3 → .9; -3 alone: .3 → .1; after the other: .1 → .3 and .9 → .3
    assert found.values[0].tolist() == pytest.approx([0.4, -0.4, 0, 0])


@given(margins, bases)
def test_groups_lose_nothing(values, base):
    found = Contributions(NAMES, base, values)
    groups = group_features(features(*NAMES), {"both": ("b", "d")})
    grouped = found.grouped(groups)
    assert grouped.names == ("a", "both", "c")
    assert grouped.predictions == pytest.approx(found.predictions)
    assert grouped.values[:, 1] == pytest.approx(values[:, 1] + values[:, 3])


def test_features_that_differ_by_their_window_are_one_thing():
    described = features("orders_7d", "recency_days", "orders_ever", "views_last_30_days", "views_total")
    groups = {group.name: group.columns for group in group_features(described)}
    assert groups == {
        "orders": ("orders_7d", "orders_ever"),
        "recency_days": ("recency_days",),
        "views": ("views_last_30_days",),
        "views_total": ("views_total",),
    }


def test_a_group_of_windows_is_called_by_none_of_them():
    week = Feature("lines_7d_tea", "lines of tea in the last 7 days", "最近 7 天购买“茶”的行数", "lines")
    ever = Feature("lines_ever_tea", "lines of tea ever", "历史上购买“茶”的行数", "lines")
    (both,) = group_features((ever, week))
    (alone,) = group_features((week,))
    assert (both.text, both.text_zh) == ("lines of tea", "购买“茶”的行数")
    assert alone.text == "lines of tea in the last 7 days"


def test_of_several_models_the_mean_is_told():
    parts = [
        Contributions(("a",), np.array([base]), np.array([[adds]])) for base, adds in ((0.2, 0.4), (0.4, 0.0))
    ]
    found = averaged(parts)
    assert (found.base[0], found.values[0, 0]) == pytest.approx((0.3, 0.2))
    with pytest.raises(InputError, match="averaged"):
        averaged([])


def test_a_group_of_unknown_or_doubly_named_features_is_refused():
    with pytest.raises(InputError, match="recency"):
        group_features(features("recency"), {"g": ("recencies",)})
    with pytest.raises(InputError, match="two groups"):
        group_features(features("a", "b"), {"g": ("a",), "h": ("a", "b")})
    with pytest.raises(InputError, match="'b'"):
        Contributions(("a",), np.zeros(1), np.zeros((1, 1))).grouped(each_alone(features("b")))


def test_reasons_are_json_with_the_largest_first_and_nothing_that_rounds_to_zero():
    values = np.array([[0.1, -0.4, 0.00001, 0.1], [0.0, 0.0, 0.0, 0.0]])
    texts = Contributions(NAMES, np.zeros(2), values).reasons(most=3)
    assert texts.dtype == pl.String
    first = [{"feature": "b", "adds": -0.4}, {"feature": "a", "adds": 0.1}, {"feature": "d", "adds": 0.1}]
    assert [json.loads(text) for text in texts] == [first, []]


def test_a_record_holds_base_prediction_and_parts():
    record = Contributions(("a", "b"), np.array([0.5]), np.array([[0.25, -0.5]])).as_record(0)
    assert record == {
        "base": 0.5,
        "prediction": 0.25,
        "contributions": [{"name": "b", "adds": -0.5}, {"name": "a", "adds": 0.25}],
    }


def test_arrays_of_another_width_or_with_nan_are_refused():
    with pytest.raises(InputError, match="2 features"):
        tree_contributions(np.zeros((3, 2)), ("a", "b"))
    with pytest.raises(InputError, match="finite"):
        tree_contributions([[0.0, np.nan, 1.0]], ("a", "b"))


def test_linear_contributions_start_at_the_mean_customer():
    found = linear_contributions([2.0, -1.0], 0.5, [[3.0, 4.0]], [1.0, 1.0], ("a", "b"))
    assert (found.base.tolist(), found.values.tolist()) == ([1.5], [[4.0, -3.0]])


def test_a_batch_is_vectorized():
    random = np.random.default_rng(0)
    found = tree_contributions(random.normal(size=(50_000, 61)), [f"f{i}" for i in range(60)])
    reasons = found.through(sigmoid).reasons()
    assert len(json.loads(reasons[49_999])) == 3
