"""Forecast scores: by hand, by the laws they obey, and against figures published for public series."""

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.evaluation.forecasting import (
    SCORES,
    forecast_scores,
    judge,
    mean_of,
    scales,
    score_difference,
    scores_by,
)
from foresell.evaluation.pit import LEVELS, column_of

START = date(2026, 1, 5)
NAMES = ("mean", *(column_of(level) for level in LEVELS))


def series(values: dict[str, list[float | None]], start: date = START) -> pl.DataFrame:
    rows = [(key, start + timedelta(weeks=i), v) for key, vs in values.items() for i, v in enumerate(vs)]
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def forecasts(values: dict[str, list[tuple[float | None, ...]]], start: date = START) -> pl.DataFrame:
    """Of each period the mean and the eleven levels; of one number: all of them the same."""
    rows = [
        (key, start + timedelta(weeks=i), *(v if len(v) > 1 else v * len(NAMES)))
        for key, vs in values.items()
        for i, v in enumerate(vs)
    ]
    schema = {"series_id": pl.String, "date": pl.Date, **dict.fromkeys(NAMES, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


# Mean, then .025, .1 … .9, .975.
PATH = (11.5, 8.0, 9.0, 9.5, 10.0, 10.5, 11.0, 11.5, 12.0, 12.5, 13.0, 14.0)


def test_by_hand() -> None:
    """History 10 12 9 13, so steps 2 3 4; median 11, mean 11.5, in [9, 13] and [8, 14]; actual 14 and 10."""
    scale = scales(series({"a": [10, 12, 9, 13]}), season=1)
    assert scale.row(0) == ("a", 3.0, (4 + 9 + 16) / 3)
    judged = judge(forecasts({"a": [PATH, PATH]}), series({"a": [14, 10]}), scale)
    found = {name: interval.value for name, interval in forecast_scores(judged, seed=1).items()}
    assert found["mase"] == pytest.approx((3 + 1) / 2 / 3)
    assert found["rmsse"] == pytest.approx(math.sqrt(((2.5**2 + 1.5**2) / 2) / (29 / 3)))
    assert found["rmse"] == pytest.approx(math.sqrt((2.5**2 + 1.5**2) / 2))
    assert found["wape"] == pytest.approx(4 / 24)
    assert found["smape"] == pytest.approx((2 * 3 / 25 + 2 * 1 / 21) / 2)
    assert found["bias"] == pytest.approx((-2.5 + 1.5) / 24)
    assert found["coverage_80"] == pytest.approx(1 / 2)
    assert found["coverage_95"] == 1.0
    assert found["width_80"] == pytest.approx(8 / 24)
    assert found["width_95"] == pytest.approx(12 / 24)
    first = sum(level * (14 - q) for level, q in zip(LEVELS[1:-1], PATH[2:-1], strict=True))
    second = sum(
        level * (10 - q) if q <= 10 else (1 - level) * (q - 10)
        for level, q in zip(LEVELS[1:-1], PATH[2:-1], strict=True)
    )
    assert found["crps"] == pytest.approx(2 * (first + second) / 9 / 24)
    assert set(found) == set(SCORES)


def test_a_series_that_cannot_be_scaled_counts_elsewhere_only() -> None:
    scale = scales(series({"flat": [5, 5, 5], "new": [5], "a": [1, 3, 1]}), season=1)
    judged = judge(
        forecasts({"flat": [(4.0,)], "new": [(4.0,)], "a": [(4.0,)]}),
        series({"flat": [5], "new": [5], "a": [8]}),
        scale,
    )
    assert mean_of(judged, "mase") == 2.0
    assert mean_of(judged, "wape") == pytest.approx(6 / 18)


def test_missing_actuals_and_missing_levels_are_left_out() -> None:
    only_median = (2.0, *[None] * 5, 2.0, *[None] * 5)
    judged = judge(
        forecasts({"a": [(1.0,), (9.0,)], "b": [only_median]}),
        series({"a": [2, None], "b": [3]}),
        scales(series({"a": [1, 2], "b": [1, 2]}), season=1),
    )
    assert mean_of(judged, "wape") == pytest.approx(2 / 5)
    assert mean_of(judged, "crps") == pytest.approx(2 * 0.5 / 2)
    assert mean_of(judged, "coverage_80") == 0.0
    assert judged.filter(series_id="b").select("pinball", "inside_80", "pit_80").row(0) == (None,) * 3


def test_a_level_that_is_not_there_counts_as_null() -> None:
    given_levels = forecasts({"a": [PATH]}).select("series_id", "date", "mean", "q0.5", "q0.1", "q0.9")
    judged = judge(given_levels, series({"a": [10]}), scales(series({"a": [1, 2]}), season=1))
    assert mean_of(judged, "coverage_80") == 1.0
    assert math.isnan(mean_of(judged, "crps"))


def test_nothing_to_judge_is_not_a_number() -> None:
    empty = judge(forecasts({}), series({}), scales(series({}), season=1))
    assert all(math.isnan(interval.value) for interval in forecast_scores(empty, seed=0).values())
    assert math.isnan(mean_of(empty, "wape"))


def test_scores_within_groups_and_a_paired_difference() -> None:
    scale = scales(series({key: [1, 2] for key in "abc"}), season=1)
    actual = series({"a": [2], "b": [2], "c": [4]})
    near = judge(forecasts({"a": [(1.0,)], "b": [(2.0,)], "c": [(4.0,)]}), actual, scale)
    far = judge(forecasts({"a": [(0.0,)], "b": [(1.0,)], "c": [(3.0,)]}), actual, scale)
    groups = pl.DataFrame({"series_id": ["a", "b", "c"], "abc": ["B", "B", "A"]})
    found = scores_by(near, groups, "abc", seed=0).filter(score="wape")
    assert found.select("abc", "num_series", "value").rows() == [("A", 1, 0.0), ("B", 2, 0.25)]
    difference = score_difference(near, far, "wape", seed=0)
    assert difference.value == pytest.approx(-3 / 8)
    assert difference.upper < 0


Actuals = st.lists(st.floats(0, 1e6), min_size=2, max_size=6).filter(lambda v: sum(v) > 1)


@settings(deadline=None, max_examples=40)
@given(actual=Actuals, factor=st.floats(0.01, 100))
def test_scores_without_a_unit_do_not_depend_on_it(actual: list[float], factor: float) -> None:
    history = [3.0, 1.0, 4.0, 1.0, 5.0]

    def found(by: float) -> dict[str, float]:
        scale = scales(series({"a": [by * v for v in history]}), season=1)
        path = [tuple(by * v for v in PATH)] * len(actual)
        judged = judge(forecasts({"a": path}), series({"a": [by * v for v in actual]}), scale)
        return {name: mean_of(judged, name) for name in SCORES}

    one, other = found(1.0), found(factor)
    assert other["rmse"] == pytest.approx(one["rmse"] * factor, rel=1e-6)
    # Edges of intervals may round.
    for name in set(SCORES) - {"rmse", "coverage_80", "coverage_95", "pit_80", "pit_95"}:
        assert other[name] == pytest.approx(one[name], rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(actual=Actuals)
def test_the_forecast_of_the_truth_has_no_error_and_that_of_nothing_errs_by_all(actual: list[float]) -> None:
    scale = scales(series({"a": [3.0, 1.0, 4.0]}), season=1)
    truth = judge(forecasts({"a": [(v,) for v in actual]}), series({"a": list(actual)}), scale)
    zero = judge(forecasts({"a": [(0.0,)] * len(actual)}), series({"a": list(actual)}), scale)
    for name in ("mase", "rmsse", "rmse", "wape", "smape", "bias", "crps", "width_80", "width_95"):
        assert mean_of(truth, name) == 0.0
    assert mean_of(truth, "coverage_80") == mean_of(truth, "coverage_95") == 1.0
    assert mean_of(zero, "wape") == pytest.approx(1.0)
    assert mean_of(zero, "crps") == pytest.approx(1.0)
    assert mean_of(zero, "bias") == pytest.approx(-1.0)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), factor=st.floats(0.5, 2.0))
def test_no_other_quantiles_score_below_those_of_the_sample(seed: int, factor: float) -> None:
    """The crps is proper: the sample's own quantiles are not beaten by moved ones."""
    sample = np.random.default_rng(seed).gamma(2.0, 3.0, size=101)
    own = np.quantile(sample, LEVELS, method="inverted_cdf")
    scale = scales(series({"a": [1.0, 2.0]}), season=1)

    def crps(levels: np.ndarray) -> float:
        path = [(0.0, *(float(q) for q in levels))] * len(sample)
        return mean_of(judge(forecasts({"a": path}), series({"a": [*sample.tolist()]}), scale), "crps")

    assert crps(own) <= crps(own * factor) + 1e-12


Lists = dict[str, list[float | None]]


def naive_mase(history: Lists, actual: Lists, season: int) -> tuple[int, float]:
    """How many series can be scored, and the MASE of repeating the last season of each history."""
    path: dict[str, list[tuple[float | None, ...]]] = {
        key: [(history[key][-season + i % season],) for i in range(len(values))]
        for key, values in actual.items()
    }
    judged = judge(forecasts(path), series(actual), scales(series(history), season))
    scored = judged.filter(pl.col("abs_scale") > 0, pl.col("abs_error").is_not_null())
    return scored.height, mean_of(scored, "mase")


@pytest.mark.shared
def test_seasonal_naive_on_car_parts_has_its_published_mase(shared_data: Path) -> None:
    """GIFT-Eval: horizon 12, season 12, 2,493 of 2,674 series can be scored, MASE 1.201."""
    wide = pl.read_csv(shared_data / "forecast" / "car_parts_wide.csv.gz", infer_schema_length=None)
    parts = {name: wide[name].cast(pl.Float64, strict=False).to_list() for name in wide.columns[1:]}
    history = {name: values[:-12] for name, values in parts.items()}
    actual = {name: values[-12:] for name, values in parts.items()}
    assert len(parts) == 2674
    assert naive_mase(history, actual, season=12) == (2493, pytest.approx(1.201, abs=0.0005))


@pytest.mark.shared
def test_the_last_value_on_m4_weekly_has_its_published_mase(shared_data: Path) -> None:
    """M4: 359 series, horizon 13, season 1, MASE 2.777."""
    known, held_out = (
        dict(pl.read_parquet(shared_data / "forecast" / f"m4_weekly_{part}.parquet").iter_rows())
        for part in ("train", "test")
    )
    assert naive_mase(known, held_out, season=1) == (359, pytest.approx(2.777, abs=0.0005))
