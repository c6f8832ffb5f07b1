"""No forecaster of MODELS loses a series to an odd one beside it: a named error, or a reason."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.forecast import MODELS, load_model
from foresell.predict.forecast.model import FORECAST, QUANTILES, Fitted
from foresell.predict.forecast.panel import Panel

START = date(2024, 1, 1)
LENGTH, HORIZON = 60, 4
# A combination fits its members at every window: a few quick ones show the contract.
MEMBERS = ("seasonal_naive", "ets", "regression")
CONFIGS: dict[str, dict[str, object]] = {
    "choice": {"members": MEMBERS, "windows": 1},
    "combination": {"members": MEMBERS, "windows": 1},
    "boosted": {"max_rounds": 20},
    **{name: {"steps": 4, "batch_size": 16, "context": 26} for name in ("mlp", "lstm", "transformer")},
}
# Pre-trained models need a folder of weights that no test has; see test_foundation.
EVERY_MODEL = pytest.mark.parametrize("name", [name for name in MODELS if name != "foundation"])
Values = list[float | None]


def weeks(values: Values, *, ends: int = LENGTH) -> list[tuple[date, float | None]]:
    first = ends - len(values)
    return [(START + timedelta(weeks=first + i), value) for i, value in enumerate(values)]


def usual() -> list[tuple[date, float | None]]:
    return weeks([50.0 + (i * 7) % 11 for i in range(LENGTH)])


def with_a_year_missing() -> list[tuple[date, float | None]]:
    old = [(START + timedelta(weeks=i - 60), 40.0 + i % 3) for i in range(20)]
    return [*old, *weeks([45.0 + i % 5 for i in range(20)])]


ODD: dict[str, Callable[[], list[tuple[date, float | None]]]] = {
    "one point": lambda: weeks([5.0]),
    "all zeros": lambda: weeks([0.0] * LENGTH),
    "all missing": lambda: weeks([None] * LENGTH),
    "a spike": lambda: weeks([10.0 + i % 2 for i in range(LENGTH - 1)] + [1e9]),
    "a year's gap": with_a_year_missing,
    "duplicate dates": lambda: [*usual(), *usual()[:5]],
    "negative sales": lambda: weeks([(-1.0) ** i * 5 + i % 4 for i in range(LENGTH)]),
    "shorter than the horizon": lambda: weeks([3.0, 4.0]),
    "not a number": lambda: weeks([float("nan") if i % 9 == 0 else 6.0 + i % 3 for i in range(LENGTH)]),
    "ended early": lambda: weeks([9.0 + i % 4 for i in range(30)], ends=30),
}


def panel_with(odd: dict[str, list[tuple[date, float | None]]]) -> Panel:
    """The odd ones beside three usual series."""
    rows = {f"usual {i}": usual() for i in range(3)} | odd
    told = [(name, day, value) for name, series in sorted(rows.items()) for day, value in series]
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64}
    return Panel(pl.DataFrame(told, schema=schema, orient="row"), "week", season=13)


def fitted(name: str, panel: Panel) -> Fitted:
    model = load_model(name)
    return model.fit(panel, model.config(horizon=HORIZON, **CONFIGS.get(name, {})))


@EVERY_MODEL
def test_every_series_beside_odd_ones_is_forecast_and_odd_ones_have_a_forecast_or_a_reason(name: str) -> None:
    model = fitted(name, panel_with({kind: series() for kind, series in ODD.items()}))
    found = model.forecast(HORIZON)
    reasons = dict(model.fallbacks.select("series_id", "reason").iter_rows())
    told = set(found["series_id"])
    assert {f"usual {i}" for i in range(3)} <= told
    assert told | set(reasons) >= set(ODD)
    # Nothing at all is known of it.
    assert "all missing" not in told
    assert "no value of it is known" in reasons["all missing"]
    assert any("more than once" in reason for reason in _reasons(model, "duplicate dates"))
    assert found["mean"].is_finite().all()
    # Nulls are the answer where a series is too short to tell a spread.
    quantiles = found.select(QUANTILES).drop_nulls().to_numpy()
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    floor = -10 * 8.0
    assert found.filter(pl.col("series_id") != "negative sales")["mean"].min() >= 0  # type: ignore[operator]
    assert found.filter(series_id="negative sales")["mean"].min() >= floor  # type: ignore[operator]
    zeros = found.filter(series_id="all zeros")
    assert zeros["mean"].to_list() == [0.0] * HORIZON
    for kind in told:
        assert found.filter(series_id=kind)["date"].n_unique() == HORIZON


def _reasons(model: Fitted, series_id: str) -> list[str]:
    return model.fallbacks.filter(series_id=series_id)["reason"].to_list()


@EVERY_MODEL
@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "all missing"])
def test_an_odd_series_alone_is_forecast(name: str, kind: str) -> None:
    rows = [("s", day, value) for day, value in ODD[kind]()]
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64}
    panel = Panel(pl.DataFrame(rows, schema=schema, orient="row"), "week", season=13)
    found = fitted(name, panel).forecast(HORIZON)
    assert found.schema == FORECAST
    assert found.height == HORIZON
    assert found["mean"].is_finite().all()


@EVERY_MODEL
def test_a_horizon_longer_than_all_histories_is_forecast(name: str) -> None:
    rows = [("a", START + timedelta(weeks=i), 5.0 + i % 2) for i in range(3)]
    schema = {"series_id": pl.String, "date": pl.Date, "value": pl.Float64}
    panel = Panel(pl.DataFrame(rows, schema=schema, orient="row"), "week", season=52)
    model = load_model(name)
    found = model.fit(panel, model.config(horizon=20, **CONFIGS.get(name, {}))).forecast(20)
    assert found.height == 20
    assert found["mean"].is_finite().all()


@EVERY_MODEL
def test_regressors_whose_future_is_missing_are_assumed_or_not_used(name: str) -> None:
    whole = panel_with({})
    priced = whole.frame.with_columns(price=pl.lit(2.0) + pl.col("value") % 2)
    panel = Panel(priced, "week", season=13, known=("price",))
    model = fitted(name, panel)
    found = model.forecast(HORIZON)
    assert found["series_id"].n_unique() == 3
    assert found["mean"].is_finite().all()
    if name in ("regression", "boosted"):
        assert {"usual 0", "usual 1", "usual 2"} == set(model.fallbacks["series_id"])
        assert "the future of price is not known" in model.fallbacks["reason"][0]


def test_a_regressor_of_words_is_an_error_a_user_understands() -> None:
    worded = panel_with({}).frame.with_columns(weather=pl.lit("sun"))
    with pytest.raises(InputError, match="weather"):
        fitted("regression", Panel(worded, "week", known=("weather",)))
