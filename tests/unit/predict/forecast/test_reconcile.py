"""Sums: forecasts that add up, alike those of hierarchicalforecast 1.5.3, and not biased by it."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.forecast.hierarchy import Hierarchy, aggregated, hierarchy_of, usual_levels
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.model import FORECAST, QUANTILES
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.reconcile import METHODS, Method, means, reconciled, shrunk
from foresell.predict.forecast.reconciliation import BASE, Window, choose_method

MONDAY = date(2026, 1, 5)
# A total, two groups, and series of three and two. Errors of twelve periods, and forecasts of two.
ERRORS = np.array([
    [-6.3, 4.8, -1.4, -14.3, 9.8, -10.1, -11.8, -7.8, 4.7, 8.4, 7.4, -7.6],
    [-5.9, 2.8, -1.1, -11.5, -2.7, -9.5, -5.0, -5.9, -4.0, 3.7, -0.7, -10.9],
    [-6.5, -1.3, 0.6, -7.5, 4.8, -4.6, -4.7, 1.1, 2.5, -1.5, 4.3, -1.2],
    [-3.9, -4.8, -1.9, 0.7, 3.1, -0.6, -1.9, -3.9, 3.2, 10.3, 2.0, -8.1],
    [-6.5, 10.1, 0.3, -11.4, -1.9, -8.0, -3.5, -3.7, -4.1, 7.1, 0.6, -6.7],
    [0.5, 3.0, -5.9, -1.7, -4.4, -1.6, -3.5, -0.7, 0.1, 2.9, -2.2, -4.3],
    [-2.9, -2.2, -0.5, -3.2, 0.9, 0.4, -3.7, -0.2, -2.0, 3.9, 1.0, -7.1],
    [-1.9, -0.7, 3.9, -6.9, 2.2, -6.5, -1.3, -5.0, 7.4, 6.6, 13.1, 0.1],
])  # fmt: skip
FORECASTS = np.array([[100, 70, 28, 20, 30, 18, 12, 19], [110, 66, 30, 25, 30, 20, 14, 11]], np.float64).T
# What hierarchicalforecast 1.5.3 makes of them: MinTrace(method) and TopDown("forecast_proportions").
GOLDEN: dict[Method, list[list[float]]] = {
    "ols": [
        [99.37931, 69.965517, 29.413793, 20.655172, 30.655172, 18.655172, 11.206897, 18.206897],
        [104.448276, 72.413793, 32.034483, 24.137931, 29.137931, 19.137931, 17.517241, 14.517241],
    ],
    "wls_struct": [
        [99.0, 69.3, 29.7, 20.433333, 30.433333, 18.433333, 11.35, 18.35],
        [102.0, 72.9, 29.1, 24.3, 29.3, 19.3, 16.05, 13.05],
    ],
    "mint_shrink": [
        [98.195813, 69.707494, 28.48832, 20.172271, 31.043763, 18.49146, 11.7136, 16.77472],
        [101.122423, 70.402289, 30.720134, 23.351887, 28.738252, 18.31215, 14.837115, 15.883019],
    ],
    "top_down": [
        [100.0, 71.428571, 28.571429, 21.008403, 31.512605, 18.907563, 11.059908, 17.511521],
        [110.0, 75.625, 34.375, 25.208333, 30.25, 20.166667, 19.25, 15.125],
    ],
}
EXACT = [method for method in METHODS if method != "top_down"]


def small_tree() -> Hierarchy:
    attributes = pl.DataFrame({"series_id": list("abcde"), "category": ["x", "x", "x", "y", "y"]})
    return hierarchy_of(attributes, ("product",), [("shop",), ("category",)])


def crossed() -> Hierarchy:
    products, places = ["p", "p", "q", "q", "r"], ["x", "y", "x", "y", "x"]
    ids = [f"{product}|{place}" for product, place in zip(products, places, strict=True)]
    attributes = pl.DataFrame({"series_id": ids, "product": products, "location": places})
    spec = SeriesSpec(("product", "location"))
    return hierarchy_of(attributes, spec.by, usual_levels(spec, attributes))


def frame(values: np.ndarray, hierarchy: Hierarchy, spread: float = 0.5) -> pl.DataFrame:
    rows = []
    for node, row in zip(hierarchy.nodes["node_id"], values, strict=True):
        for step, mean in enumerate(row):
            quantiles = {q: mean * (1 + spread * (float(q[1:]) - 0.5)) for q in QUANTILES}
            rows.append(
                {"series_id": node, "date": MONDAY + timedelta(weeks=step), "mean": mean, **quantiles}
            )
    return pl.DataFrame(rows, schema=FORECAST)


def test_few_errors_of_many_sums_are_the_same_as_the_whole_covariance() -> None:
    """Sums of every pair: more of them than errors."""
    random = np.random.default_rng(2)
    pairs = pl.DataFrame({"series_id": [f"s{n:02}" for n in range(40)], "half": [n // 2 for n in range(40)]})
    hierarchy = hierarchy_of(pairs, ("product",), [("shop",), ("half",)])
    errors = random.normal(size=(61, 6))
    base = random.gamma(3, 5, (61, 2))
    summing = np.vstack([hierarchy.sums.toarray(), np.eye(40)])
    inverse = np.linalg.inv(shrunk(errors).dense())
    expected = summing @ np.linalg.solve(summing.T @ inverse @ summing, summing.T @ inverse @ base)
    assert means(base, hierarchy, "mint_shrink", errors) == pytest.approx(expected)


@pytest.mark.parametrize("method", GOLDEN)
def test_alike_what_the_reference_package_makes_of_it(method: Method) -> None:
    found = means(FORECASTS, small_tree(), method, ERRORS)
    assert pytest.approx(np.array(GOLDEN[method]), rel=2e-6) == found.T


def test_the_shrunk_covariance_is_that_of_the_pairs() -> None:
    centered = ERRORS - ERRORS.mean(axis=1, keepdims=True)
    found = shrunk(ERRORS).dense()
    covariance = np.cov(ERRORS)
    assert np.diag(found) == pytest.approx(np.diag(covariance))
    scaled = centered / centered.std(axis=1, keepdims=True)
    pairs = [(i, j) for i in range(8) for j in range(8) if i != j]
    products = np.array([scaled[i] * scaled[j] for i, j in pairs])
    noise = ((products - products.mean(axis=1, keepdims=True)) ** 2).sum() / (12 * 11)
    intensity = noise / (products.mean(axis=1) ** 2).sum()
    off = ~np.eye(8, dtype=bool)
    assert found[off] == pytest.approx((1 - intensity) * covariance[off])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS), st.booleans())
def test_means_add_up_and_those_that_did_stay(seed: int, method: Method, is_crossed: bool) -> None:
    hierarchy = crossed() if is_crossed and method != "top_down" else small_tree()
    random = np.random.default_rng(seed)
    size, count = hierarchy.nodes.height, hierarchy.num_sums
    errors = random.normal(size=(size, 9)) * random.uniform(0, 3, (size, 1))
    found = means(random.gamma(2, 10, (size, 3)), hierarchy, method, errors)
    assert found[:count] == pytest.approx(hierarchy.sums @ found[count:])
    bottoms = random.gamma(2, 10, (size - count, 3))
    coherent = np.vstack([hierarchy.sums @ bottoms, bottoms])
    assert means(coherent, hierarchy, method, errors) == pytest.approx(coherent)


def test_errors_without_bias_stay_so() -> None:
    hierarchy, random = small_tree(), np.random.default_rng(3)
    bottoms = np.array([[20.0], [30], [18], [12], [19]])
    truth = np.vstack([hierarchy.sums @ bottoms, bottoms])
    base = truth + random.normal(size=(8, 4_000)) * np.array([[6, 4, 4, 3, 3, 3, 3, 3]]).T
    for method in EXACT:
        found = means(base, hierarchy, method, ERRORS)
        assert found.mean(axis=1) == pytest.approx(truth[:, 0], abs=0.25)
    variance = {method: means(base, hierarchy, method, base - truth).var(axis=1).sum() for method in EXACT}
    assert min(variance, key=lambda method: variance[method]) == "mint_shrink"


@pytest.mark.parametrize("method", METHODS)
def test_frames_keep_their_shape_order_and_sign(method: Method) -> None:
    hierarchy = small_tree()
    base = FORECASTS.copy()
    base[3] = [0.0, 0.2]
    found = reconciled(frame(base, hierarchy), hierarchy, method, ERRORS)
    assert found.schema == FORECAST
    assert (found.select(pl.min_horizontal(pl.exclude("series_id", "date")).min()).item()) >= 0
    values = found.select(QUANTILES).to_numpy()
    assert (np.diff(values, axis=1) >= -1e-9).all()
    mean = dict(found.filter(pl.col("date") == MONDAY).select("series_id", "mean").iter_rows())
    assert mean["category:x"] == pytest.approx(mean["product:a"] + mean["product:b"] + mean["product:c"])
    assert mean["shop:shop"] == pytest.approx(mean["category:x"] + mean["category:y"])
    middle = found.filter(pl.col("series_id") == "product:b")
    assert (middle["q0.5"] / middle["mean"]).to_list() == pytest.approx([1.0, 1.0])


def test_what_cannot_be_used_says_why() -> None:
    hierarchy = small_tree()
    with pytest.raises(InputError, match="mint_shrink needs"):
        means(FORECASTS, hierarchy, "mint_shrink", None)
    with pytest.raises(InputError, match="bottom_up"):
        means(FORECASTS, hierarchy, "bottomup")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cross"):
        means(np.ones((crossed().nodes.height, 1)), crossed(), "top_down")
    with pytest.raises(InputError, match="no forecast"):
        reconciled(frame(FORECASTS, hierarchy).filter(pl.col("series_id") != "product:a"), hierarchy, "ols")
    with pytest.raises(InputError, match="colour"):
        hierarchy_of(pl.DataFrame({"series_id": ["a"]}), ("product",), [("colour",)])


def test_levels_are_those_that_the_attributes_have_and_differ() -> None:
    assert crossed().nodes["level"].unique(maintain_order=True).to_list() == [
        "shop", "product", "location", "product|location",
    ]  # fmt: skip
    assert not crossed().is_tree
    attributes = pl.DataFrame(
        {
            "series_id": ["a", "b", "c"],
            "product": ["a", "b", "c"],
            "department": ["d", "d", "e"],
            "category": ["x", "y", "x"],
        }
    )
    spec = SeriesSpec(("product",))
    found = hierarchy_of(attributes, spec.by, usual_levels(spec, attributes))
    # Category by department holds one product each, as the products do.
    assert found.nodes["node_id"].to_list() == [
        "shop:shop", "department:d", "department:e", "product:a", "product:b", "product:c",
    ]  # fmt: skip
    assert found.is_tree
    part = found.only(["product:a", "product:b"])
    assert part.nodes["node_id"].to_list() == ["shop:shop", "department:d", "product:a", "product:b"]
    assert part.sums.toarray().tolist() == [[1, 1], [1, 1]]


def test_panels_of_sums() -> None:
    """Views add up, prices are means; an unknown tenth is filled up, an unknown half is not."""
    weeks = [MONDAY + timedelta(weeks=n) for n in range(3)]
    values = {"a": [90.0, 90.0, None], "b": [10.0, None, 10.0]}
    series = pl.DataFrame(
        {
            "series_id": [name for name in values for _ in weeks],
            "date": weeks * 2,
            "value": [value for known in values.values() for value in known],
            "price": [2.0] * 3 + [4.0] * 3,
            "views": [5.0] * 6,
        }
    )
    future = pl.DataFrame(
        {"series_id": ["a", "b"], "date": [MONDAY + timedelta(weeks=3)] * 2, "price": [2.0, 6.0]}
    )
    static = pl.DataFrame({"series_id": ["a", "b"], "brand": ["m", "n"]})
    panel = Panel(series, "week", 52, ("price",), ("views",), future, static)
    found = aggregated(panel, hierarchy_of(static, ("product",), [("shop",)]))
    whole = found.frame.filter(pl.col("series_id") == "shop:shop")
    assert whole["value"].to_list() == [100.0, pytest.approx(100.0), None]
    assert (whole["price"].to_list(), whole["views"].to_list()) == ([3.0] * 3, [10.0] * 3)
    assert found.future.filter(pl.col("series_id") == "shop:shop")["price"].to_list() == [4.0]
    assert found.static.sort("series_id").to_dicts() == [
        {"series_id": "product:a", "level": "product", "brand": "m"},
        {"series_id": "product:b", "level": "product", "brand": "n"},
        {"series_id": "shop:shop", "level": "shop", "brand": None},
    ]
    assert found.frame.filter(pl.col("series_id") == "product:b")["value"].to_list() == [10.0, None, 10.0]


def windows(hierarchy: Hierarchy, noise: list[float], number: int) -> list[Window]:
    """Forecasts off by `noise` a node, on windows of three weeks."""
    random, found = np.random.default_rng(1), []
    for _ in range(number):
        bottoms = random.gamma(5, 4, (hierarchy.sums.shape[1], 3))
        truth = np.vstack([hierarchy.sums @ bottoms, bottoms])
        base = truth + random.normal(size=truth.shape) * np.array(noise)[:, None]
        actual = frame(truth, hierarchy).select("series_id", "date", value="mean")
        found.append(Window(frame(base, hierarchy), actual))
    return found


def test_the_way_is_chosen_by_the_windows() -> None:
    hierarchy = small_tree()
    of_bottoms = choose_method(windows(hierarchy, [30.0, 30, 30, *[0.1] * 5], 6), hierarchy)
    assert of_bottoms.method in ("bottom_up", "mint_shrink")
    of_the_top = choose_method(windows(hierarchy, [0.1, 9, 9, *[9.0] * 5], 12), hierarchy)
    assert of_the_top.method != "bottom_up"
    losses: dict[str, Any] = dict(of_the_top.losses.group_by("method").agg(pl.col("loss").mean()).iter_rows())
    assert losses[of_the_top.method] == min(loss for method, loss in losses.items() if method != BASE)
    assert of_the_top.errors.shape == (8, 36)


def test_what_had_not_begun_is_no_error_of_a_window() -> None:
    hierarchy = small_tree()
    early, late = windows(hierarchy, [1.0] * 8, 2)
    begun = pl.col("series_id") != "product:a"
    found = choose_method(
        [Window(early.forecasts.filter(begun), early.actual.filter(begun)), late], hierarchy
    )
    assert np.isnan(found.errors[3, :3]).all()
    assert not np.isnan(found.errors[:, 3:]).any()
    assert found.losses["loss"].is_finite().all()


def test_one_window_tells_nothing_of_errors_and_none_nothing_at_all() -> None:
    hierarchy = small_tree()
    found = choose_method(windows(hierarchy, [1.0] * 8, 1), hierarchy)
    assert set(found.losses["method"]) == {BASE, "bottom_up", "top_down", "ols", "wls_struct"}
    with pytest.raises(InputError, match="no window"):
        choose_method([], hierarchy)
