"""What each forecaster is meant to see, and what stands in where one fails."""

import warnings
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import NotFoundError
from foresell.predict.forecast import load_model
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.paths import Floats, Path, fit_paths, season_of

START = date(2024, 1, 1)


def series(values: list[float]) -> pl.DataFrame:
    dates = [START + timedelta(weeks=i) for i in range(len(values))]
    return pl.DataFrame({"series_id": ["s"] * len(values), "date": dates, "value": values})


def means(name: str, values: list[float], horizon: int = 4) -> list[float]:
    model = load_model(name)
    found: list[float] = (
        model.fit(series(values), model.config(horizon=horizon)).forecast(horizon)["mean"].to_list()
    )
    return found


def test_one_year_has_no_season_and_two_years_have() -> None:
    assert season_of(np.zeros(103), 52) == 1
    assert season_of(np.zeros(104), 52) == 52


def test_seasonal_naive_repeats_last_year_or_the_last_week() -> None:
    year = [float(week) for week in range(52)]
    assert means("seasonal_naive", year + year) == [0.0, 1.0, 2.0, 3.0]
    assert means("seasonal_naive", year) == [51.0] * 4


def test_ets_follows_a_trend_and_a_season_of_two_years() -> None:
    noise = np.random.default_rng(1).normal(0, 0.5, 104)
    trend = [100 + 2 * i + noise[i] for i in range(52)]
    assert means("ets", trend) == pytest.approx([204, 206, 208, 210], rel=0.02)
    season = [100 + 50 * np.sin(2 * np.pi * i / 52) + noise[i] for i in range(104)]
    peak = means("ets", season, horizon=13)[-1]
    assert peak == pytest.approx(150, rel=0.05)


def test_croston_tells_the_rate_of_what_sells_now_and_then_and_forgets_what_stopped() -> None:
    rare = [0.0, 0.0, 0.0, 8.0] * 12
    assert means("croston", rare)[0] == pytest.approx(2.0, rel=0.5)
    assert means("croston", rare + [0.0] * 26)[0] < 0.1
    model = load_model("croston")
    row = model.fit(series(rare), model.config()).forecast(1).row(0, named=True)
    assert (row["lower_80"], row["lower_95"]) == (0.0, 0.0)
    assert row["upper_95"] == pytest.approx(8.0)


def run(model: object, values: list[float], horizon: int = 3) -> tuple[pl.DataFrame, list[str]]:
    found = fit_paths(series(values), SimpleNamespace(horizon=horizon), model, fallback=naive)  # type: ignore[arg-type]
    return found.forecast(horizon), found.fallbacks["reason"].to_list()


def constant(mean: float, bound: float) -> object:
    def forecast(values: Floats, horizon: int) -> Path:
        return np.tile([mean, mean - bound, mean + bound, mean - 2 * bound, mean + 2 * bound], (horizon, 1))

    return forecast


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (constant(float("nan"), 1), "not a number"),
        (constant(1e9, 1), "exceeds 3 times"),
        (constant(10, 1e9), "interval exceeds 10 times"),
        (constant(10, float("inf")), "interval is not a number"),
    ],
)
def test_nonsense_is_replaced_by_the_last_value_and_recorded(model: object, reason: str) -> None:
    found, reasons = run(model, [8.0, 12.0, 9.0, 11.0])
    assert found["mean"].to_list() == [11.0] * 3
    assert found["upper_95"].max() < 100  # type: ignore[operator]
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_a_model_that_fails_or_warns_does_not_take_the_others_with_it() -> None:
    def fails(values: Floats, horizon: int) -> Path:
        raise ZeroDivisionError("division by zero")

    def warns(values: Floats, horizon: int) -> Path:
        warnings.warn("the fit did not converge", RuntimeWarning, stacklevel=1)
        return naive(values, horizon)

    assert run(fails, [1.0, 2.0, 3.0])[1] == ["failed: division by zero"]
    assert run(warns, [1.0, 2.0, 3.0])[1] == []


def test_bounds_stop_at_zero_unless_the_history_went_below() -> None:
    found, _ = run(constant(2, 3), [1.0, 3.0, 2.0])
    assert found.select("lower_80", "lower_95").row(0) == (0.0, 0.0)
    found, _ = run(constant(2, 3), [1.0, -2.0, 3.0])
    assert found.select("lower_80", "lower_95").row(0) == (-1.0, -2.0)


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(NotFoundError, match="croston"):
        load_model("crosten")
