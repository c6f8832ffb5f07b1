"""Intervals that broke their promise in the past are as wide as they must be, around medians that stay."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.evaluation.splits import Origin, rolling_origins
from foresell.predict.forecast.backtest import Backtest, backtest
from foresell.predict.forecast.model import FORECAST, LEVELS, QUANTILES
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import normal_paths
from foresell.predict.forecast.served import WIDTHS, fit_longer, fit_served, load_served
from foresell.predict.forecast.widths import Widths, learn_widths

MONDAY = date(2025, 1, 6)
HORIZON, NUM_SERIES, NUM_WEEKS = 4, 40, 60


def told(center: float, spread: float, rows: int) -> pl.DataFrame:
    paths = normal_paths(np.full((rows, 1), center), np.full((rows, 1), spread))[:, 0]
    keys = {"series_id": [f"s{row}" for row in range(rows)], "date": [MONDAY] * rows}
    return pl.DataFrame(keys | dict(zip(FORECAST.names()[2:], paths.T, strict=True)), schema=FORECAST)


def coverage(forecasts: pl.DataFrame, came: pl.Series, lower: str, upper: str) -> float:
    both = forecasts.with_columns(came=came)
    return float(np.mean(both.select(pl.col("came").is_between(lower, upper)).to_series().to_numpy()))


def test_what_was_too_narrow_becomes_wide_enough() -> None:
    """Normal forecasts of half the true deviation, set to what 2,000 errors held."""
    random, forecasts = np.random.default_rng(5), told(100, 5, 2_000)
    widths = learn_widths(forecasts.with_columns(value=random.normal(100, 10, 2_000)))
    assert widths.factors == pytest.approx([2.0] * 5, rel=0.15)
    new, found = pl.Series(random.normal(100, 10, 2_000)), widths.applied(forecasts)
    assert coverage(forecasts, new, "q0.1", "q0.9") < 0.6
    assert coverage(found, new, "q0.1", "q0.9") == pytest.approx(0.8, abs=0.03)
    assert coverage(found, new, "q0.025", "q0.975") == pytest.approx(0.95, abs=0.02)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.0, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)),
    st.lists(st.floats(0.0, 50.0), min_size=5, max_size=5),
)
def test_medians_stay_and_quantiles_keep_their_order(values: list[float], factors: list[float]) -> None:
    row = {"series_id": ["a"], "date": [MONDAY], "mean": [1.0]}
    row |= {name: [value] for name, value in zip(QUANTILES, sorted(values), strict=True)}
    forecast = pl.DataFrame(row, schema=FORECAST)
    found = Widths(np.array(factors)).applied(forecast)
    quantiles = found.select(QUANTILES).to_numpy()[0]
    assert found["q0.5"].item() == forecast["q0.5"].item()
    assert found["mean"].item() == 1.0
    assert (np.diff(quantiles) >= 0).all()
    assert quantiles[0] >= 0
    as_it_is = Widths(np.ones(5)).applied(forecast).select(QUANTILES).to_numpy()[0]
    assert as_it_is == pytest.approx(forecast.select(QUANTILES).to_numpy()[0], abs=1e-6)


def test_what_tells_no_width_tells_nothing_of_widths() -> None:
    flat = told(10, 0, 3)
    assert (learn_widths(flat.with_columns(value=pl.lit(12.0))).factors == 1).all()
    unknown = flat.with_columns(pl.lit(None, dtype=pl.Float64).alias("q0.9"))
    assert Widths(np.full(5, 3.0)).applied(unknown).equals(unknown)
    assert Widths(np.full(5, 3.0)).applied(flat.clear()).is_empty()


def walks() -> pl.DataFrame:
    """Random walks that a mean of the last weeks follows too slowly, and is too sure of."""
    random = np.random.default_rng(3)
    values = 1_000 + np.cumsum(random.normal(0, 10, (NUM_SERIES, NUM_WEEKS)), axis=1)
    weeks = [MONDAY + timedelta(weeks=week) for week in range(NUM_WEEKS)]
    names = [f"s{row:02}" for row in range(NUM_SERIES)]
    columns = {"series_id": np.repeat(names, NUM_WEEKS), "date": weeks * NUM_SERIES, "value": values.ravel()}
    return pl.DataFrame(columns)


def judged(whole: pl.DataFrame, model: str) -> Backtest:
    def history_at(origin: Origin) -> Panel:
        return Panel(whole.filter(pl.col("date") < MONDAY + timedelta(weeks=origin.num_train)), "week")

    last = whole["date"].n_unique()
    origins = list(rolling_origins(last, HORIZON, 3, min_train=12))
    return backtest(history_at, whole, origins, task="forecast", models=(model,), horizon=HORIZON)


def test_a_model_that_broke_its_promise_serves_with_other_widths() -> None:
    whole, model = walks(), "moving_average"
    before = whole.filter(pl.col("date") < MONDAY + timedelta(weeks=NUM_WEEKS - HORIZON))
    widths = judged(before, model).widths
    assert widths is not None
    assert widths.factor(0.8) > 1.2
    plain, fitted = (fit_served(model, Panel(before, "week"), HORIZON, one) for one in (None, widths))
    key = ["series_id", "date"]
    came = whole.join(before, on=key, how="anti").sort(key)["value"]
    held = [coverage(one.forecast(HORIZON).sort(key), came, "q0.1", "q0.9") for one in (plain, fitted)]
    assert held[0] < 0.7
    assert abs(held[1] - 0.8) < 0.12
    again = load_served(
        model, {"horizon": HORIZON}, fitted.to_tables() | {"ended": whole}, fitted.to_weights()
    )
    assert again.forecast(HORIZON).equals(fitted.forecast(HORIZON))
    assert WIDTHS in again.to_tables()
    longer = fit_longer(model, fitted, Panel(before, "week"), HORIZON + 2)
    steps = longer.forecast(HORIZON + 2).group_by("series_id").len()["len"]
    assert steps.to_list() == [HORIZON + 2] * NUM_SERIES
    assert WIDTHS in longer.to_tables()


def test_a_model_that_kept_its_promise_serves_as_it_is() -> None:
    random = np.random.default_rng(4)
    noise = walks().with_columns(value=pl.Series(random.normal(1_000, 10, NUM_SERIES * NUM_WEEKS)))
    assert judged(noise, "moving_average").widths is None


def test_series_that_sell_nothing_narrow_no_others() -> None:
    """Nine of ten sell nothing, as was foretold: what one in ten misses is still missed."""
    random = np.random.default_rng(6)
    still = told(0, 1, 900).with_columns(value=pl.lit(0.0))
    selling = told(100, 10, 100).with_columns(value=random.normal(100, 10, 100))
    assert (learn_widths(pl.concat([still, selling])).factors == 1).all()
    quiet = walks().with_columns(value=pl.when(pl.col("series_id") < "s36").then(0.0).otherwise("value"))
    assert judged(quiet, "moving_average").widths is None


def test_few_series_break_no_promise() -> None:
    few = walks().filter(pl.col("series_id") < "s05")
    assert judged(few, "moving_average").widths is None
