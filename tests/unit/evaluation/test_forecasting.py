"""Forecast scores: by hand, and against figures published for public series."""

import math
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.evaluation.forecasting import SCORES, forecast_scores, judge, mean_of, scales

START = date(2026, 1, 5)
BOUNDS = ("mean", "lower_80", "upper_80", "lower_95", "upper_95")


def series(values: dict[str, list[float | None]], start: date = START) -> pl.DataFrame:
    rows = [(key, start + timedelta(weeks=i), v) for key, vs in values.items() for i, v in enumerate(vs)]
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def forecasts(values: dict[str, list[tuple[float | None, ...]]], start: date = START) -> pl.DataFrame:
    rows = [(key, start + timedelta(weeks=i), *v) for key, vs in values.items() for i, v in enumerate(vs)]
    schema = {"series_id": pl.String, "date": pl.Date, **dict.fromkeys(BOUNDS, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_by_hand() -> None:
    """History 10 12 9 13, so steps 2 3 4; forecast 11 in [9, 13] and [8, 14], actual 14 and 10."""
    scale = scales(series({"a": [10, 12, 9, 13]}), season=1)
    assert scale.row(0) == ("a", 3.0, (4 + 9 + 16) / 3)
    judged = judge(forecasts({"a": [(11, 9, 13, 8, 14), (11, 9, 13, 8, 14)]}), series({"a": [14, 10]}), scale)
    found = {name: interval.value for name, interval in forecast_scores(judged, seed=1).items()}
    assert found["mase"] == pytest.approx((3 + 1) / 2 / 3)
    assert found["rmsse"] == pytest.approx(math.sqrt(((9 + 1) / 2) / (29 / 3)))
    assert found["rmse"] == pytest.approx(math.sqrt(5))
    assert found["wape"] == pytest.approx(4 / 24)
    assert found["bias"] == pytest.approx((-3 + 1) / 24)
    assert found["coverage_80"] == pytest.approx(1 / 2)
    assert found["coverage_95"] == 1.0
    first = 0.025 * 6 + 0.1 * 5 + 0.5 * 3 + 0.9 * 1 + 0.975 * 0
    second = 0.025 * 2 + 0.1 * 1 + 0.5 * 1 + 0.1 * 3 + 0.025 * 4
    assert found["quantile_loss"] == pytest.approx(2 * (first + second) / 5 / 24)
    assert set(found) == set(SCORES)


def test_a_series_that_cannot_be_scaled_counts_elsewhere_only() -> None:
    scale = scales(series({"flat": [5, 5, 5], "new": [5], "a": [1, 3, 1]}), season=1)
    exact = [(4.0, 4.0, 4.0, 4.0, 4.0)]
    judged = judge(
        forecasts({"flat": exact, "new": exact, "a": exact}),
        series({"flat": [5], "new": [5], "a": [8]}),
        scale,
    )
    assert mean_of(judged, "mase") == 2.0
    assert mean_of(judged, "wape") == pytest.approx(6 / 18)


def test_missing_actuals_and_missing_intervals_are_left_out() -> None:
    judged = judge(
        forecasts({"a": [(1, 0, 2, 0, 3), (9, 0, 9, 0, 9)], "b": [(2, None, None, None, None)]}),
        series({"a": [2, None], "b": [3]}),
        scales(series({"a": [1, 2], "b": [1, 2]}), season=1),
    )
    assert mean_of(judged, "wape") == pytest.approx(2 / 5)
    assert mean_of(judged, "coverage_80") == 1.0
    assert judged.filter(series_id="b")["pinball"].to_list() == [None]


def test_nothing_to_judge_is_not_a_number() -> None:
    empty = judge(forecasts({}), series({}), scales(series({}), season=1))
    assert all(math.isnan(interval.value) for interval in forecast_scores(empty, seed=0).values())
    assert math.isnan(mean_of(empty, "wape"))


@settings(deadline=None, max_examples=40)
@given(
    actual=st.lists(st.floats(0, 1e6), min_size=2, max_size=6).filter(lambda v: sum(v) > 1),
    factor=st.floats(0.01, 100),
)
def test_scores_without_a_unit_do_not_depend_on_it(actual: list[float], factor: float) -> None:
    history = [3.0, 1.0, 4.0, 1.0, 5.0]

    def found(by: float) -> dict[str, float]:
        scale = scales(series({"a": [by * v for v in history]}), season=1)
        path = [tuple(by * v for v in (3.0, 2.0, 4.0, 1.0, 5.0))] * len(actual)
        judged = judge(forecasts({"a": path}), series({"a": [by * v for v in actual]}), scale)
        return {name: mean_of(judged, name) for name in SCORES}

    one, other = found(1.0), found(factor)
    assert other["rmse"] == pytest.approx(one["rmse"] * factor, rel=1e-6)
    for name in set(SCORES) - {"rmse", "coverage_80", "coverage_95"}:  # edges of intervals may round
        assert other[name] == pytest.approx(one[name], rel=1e-6, abs=1e-9)


Lists = dict[str, list[float | None]]


def naive_mase(history: Lists, actual: Lists, season: int) -> tuple[int, float]:
    """How many series can be scored, and the MASE of repeating the last season of each history."""
    path: dict[str, list[tuple[float | None, ...]]] = {
        key: [(history[key][-season + i % season], *[None] * 4) for i in range(len(values))]
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
