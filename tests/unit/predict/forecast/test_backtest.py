"""The leaderboard of series whose trend only one model can follow."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.contracts.results import forecasts as contract
from foresell.evaluation.compare import choose
from foresell.evaluation.splits import Origin, rolling_origins
from foresell.predict.forecast import COMPETING, LIGHT, MODELS, ONE_BY_ONE, competing, load_model
from foresell.predict.forecast.backtest import MAIN_SCORE, Backtest, backtest
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.results import as_results

MONDAY = date(2025, 1, 6)
HORIZON = 4


def sold(week: int) -> dict[str, float]:
    return {"tea": 100 + 10 * week + (week * 7) % 5, "rice": 500 + 20 * week + (week * 3) % 7}


def growing(num_weeks: int) -> pl.DataFrame:
    rows = [
        (kind, MONDAY + timedelta(weeks=week), float(sold(week)[kind]))
        for kind in ("rice", "tea")
        for week in range(num_weeks)
    ]
    return pl.DataFrame(rows, schema=["series_id", "date", "value"], orient="row")


def judged(num_weeks: int, models: tuple[str, ...], folds: int = 2) -> Backtest:
    whole = growing(num_weeks)

    def history_at(origin: Origin) -> Panel:
        end = MONDAY + timedelta(weeks=origin.num_train)
        return Panel(whole.filter(pl.col("date") < end), "week", season=52)

    origins = list(rolling_origins(num_weeks, HORIZON, folds, min_train=12))
    return backtest(
        history_at, whole, origins, task="forecast", models=models, horizon=HORIZON, note="net_sales, weekly"
    )


def test_a_mixture_serves_only_where_it_is_surely_better() -> None:
    """In noise a mean of models has the lowest error by a hair, and takes as long as all of them."""
    random = np.random.default_rng(1)
    rows = [
        (f"s{number}", MONDAY + timedelta(weeks=week), 100 + float(random.normal(0, 20)))
        for number in range(6)
        for week in range(40)
    ]
    whole = pl.DataFrame(rows, schema=["series_id", "date", "value"], orient="row")

    def history_at(origin: Origin) -> Panel:
        end = MONDAY + timedelta(weeks=origin.num_train)
        return Panel(whole.filter(pl.col("date") < end), "week", season=52)

    origins = list(rolling_origins(40, HORIZON, 2, min_train=12))
    models = ("moving_average", "theta", "combination")
    found = backtest(history_at, whole, origins, task="forecast", models=models, horizon=HORIZON)
    assert choose(found.board, MAIN_SCORE, higher_is_better=False) == "combination"
    assert found.best == "moving_average"


def test_the_model_that_sees_the_trend_wins_on_both_splits() -> None:
    found = judged(40, ("seasonal_naive", "ets", "croston"))
    assert found.best == "ets"
    assert choose(found.board, MAIN_SCORE, higher_is_better=False, split="test") == "ets"
    assert set(found.board.filter(model="ets")["score"]) == {
        "wape_less_naive", "crps_less_naive",
        "mase", "rmsse", "rmse", "wape", "smape", "bias", "crps",
        "coverage_80", "coverage_95", "pit_80", "pit_95", "width_80", "width_95",
    }  # fmt: skip
    better = found.board.filter(model="ets", split="test", score="wape_less_naive").row(0, named=True)
    assert better["value"] < 0
    assert better["upper"] < 0
    notes = found.board.filter(model="ets").select("split", "note").unique().sort("split").rows()
    assert notes == [
        ("test", "net_sales, weekly; horizon 4; 1 origin; season 1; 0 fallbacks"),
        ("validation", "net_sales, weekly; horizon 4; 2 origins; season 1; 0 fallbacks"),
    ]


def test_what_was_foretold_stands_beside_what_came() -> None:
    """Tea grows by 10 a week and 1 to 4 in a pattern of five: the naive is short by 10 h on average."""
    found = judged(40, ("seasonal_naive",))
    bias = found.board.filter(split="test", score="bias")["value"].item()
    before, came = sold(35), [sold(week) for week in range(36, 40)]
    missed = sum(before[kind] - one[kind] for kind in before for one in came)
    assert bias == pytest.approx(missed / sum(one[kind] for kind in before for one in came))
    test = found.forecasts.filter(split="test", series_id="tea").sort("date")
    assert test["num_train"].unique().to_list() == [36]
    assert test["value"].to_list() == [one["tea"] for one in came]
    assert test["mean"].to_list() == [before["tea"]] * HORIZON


def test_a_short_history_has_a_test_only_and_chooses_nothing() -> None:
    found = judged(18, ("seasonal_naive",))
    assert set(found.board["split"]) == {"test"}
    assert found.best is None


def test_a_period_that_is_unknown_is_judged_nowhere() -> None:
    whole = growing(20)
    last = whole["date"].max()
    holed = whole.with_columns(value=pl.when(pl.col("date") < last).then("value"))
    origin = Origin("test", 16, HORIZON)
    panel = Panel(whole.filter(pl.col("date") < MONDAY + timedelta(weeks=16)), "week")
    kept, all_of_them = (
        backtest(lambda _: panel, actuals, [origin], task="t", models=["seasonal_naive"], horizon=HORIZON)
        for actuals in (holed, whole)
    )
    assert kept.forecasts["value"].null_count() == 2
    score = [one.board.filter(score="rmse")["value"].item() for one in (kept, all_of_them)]
    assert score[0] < score[1]


def test_of_very_many_series_no_model_that_takes_them_one_by_one_competes() -> None:
    assert set(competing(10)) <= set(COMPETING) <= set(MODELS)
    assert not set(competing(10_000)) & set(ONE_BY_ONE)
    assert competing(1_000_000) == LIGHT


def test_results_are_the_contracts_table() -> None:
    model = load_model("ets")
    fitted = model.fit(Panel(growing(20), "week"), model.config(horizon=HORIZON))
    cutoff = MONDAY + timedelta(weeks=20) - timedelta(days=1)
    rows = as_results(fitted.forecast(HORIZON), SeriesSpec(("category",)), "forecast/0001", cutoff)
    assert rows.columns == [column.name for column in contract.columns]
    assert rows["date"].min() == cutoff + timedelta(days=1)
    assert rows["median"].null_count() == 0
