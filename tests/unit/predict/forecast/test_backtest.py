"""The leaderboard of a shop whose trend only one model can follow."""

from datetime import date, timedelta
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.results import forecasts as contract
from foresell.contracts.settings import Settings
from foresell.evaluation.compare import choose
from foresell.predict.forecast import COMPETING, load_model
from foresell.predict.forecast.backtest import MAIN_SCORE, backtest, config_of, weekly_panel
from foresell.predict.forecast.results import as_results
from foresell.predict.forecast.series import weekly_series

MONDAY = date(2025, 1, 6)
SETTINGS = Settings.model_validate({"forecast": {"series_by": "category", "horizon_weeks": 4, "folds": 2}})


def growing_shop(num_weeks: int) -> dict[str, list[dict[str, object]]]:
    orders: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for week in range(num_weeks):
        for kind in ("tea", "rice"):
            day = MONDAY + timedelta(weeks=week, days=week % 2)
            key = f"{kind}{week:03}"
            amount = 100 + 10 * week + (week * 7) % 5 if kind == "tea" else 500 + 20 * week + (week * 3) % 7
            orders.append(
                {"order_id": key, "created_at": f"{day}T12:00Z", "local_date": day, "currency": "USD"}
            )
            lines.append(
                {
                    "order_line_id": key,
                    "order_id": key,
                    "product_id": kind,
                    "quantity": 1,
                    "line_amount": amount,
                }
            )
    products = [{"product_id": kind, "category": kind} for kind in ("tea", "rice")]
    return {"orders": orders, "order_lines": lines, "products": products}


def test_the_model_that_sees_the_trend_wins_on_both_splits(make_tables: Any) -> None:
    steps: list[str] = []
    board = backtest(make_tables(growing_shop(40)), SETTINGS, say=steps.append)
    assert choose(board, MAIN_SCORE, higher_is_better=False) == "ets"
    assert choose(board, MAIN_SCORE, higher_is_better=False, split="test") == "ets"
    assert len(steps) == 3 * len(COMPETING)
    assert set(board["score"]) == {
        "mase", "rmsse", "rmse", "wape", "smape", "bias", "crps",
        "coverage_80", "coverage_95", "pit_80", "pit_95", "width_80", "width_95",
    }  # fmt: skip
    notes = board.filter(model="ets").select("split", "note").unique().sort("split").rows()
    assert notes == [
        ("test", "net_sales by category, weekly; horizon 4; 1 origin; season 1; 0 fallbacks"),
        ("validation", "net_sales by category, weekly; horizon 4; 2 origins; season 1; 0 fallbacks"),
    ]


def test_the_naive_forecast_of_a_straight_line_has_the_error_it_must(make_tables: Any) -> None:
    """Tea grows by 10 a week and 1 to 4 in a pattern of five: the naive is short by 10 h on average."""
    board = backtest(make_tables(growing_shop(40)), SETTINGS, models=["seasonal_naive"])
    bias = board.filter(split="test", score="bias")["value"].item()
    weeks = range(36, 40)
    tea = [100 + 10 * w + (w * 7) % 5 for w in (35, *weeks)]
    rice = [500 + 20 * w + (w * 3) % 7 for w in (35, *weeks)]
    missed = sum(tea[0] - t for t in tea[1:]) + sum(rice[0] - r for r in rice[1:])
    assert bias == pytest.approx(missed / (sum(tea[1:]) + sum(rice[1:])))


def test_a_short_history_has_a_test_only_and_a_shorter_one_is_refused(make_tables: Any) -> None:
    board = backtest(make_tables(growing_shop(18)), SETTINGS, models=["seasonal_naive"])
    assert set(board["split"]) == {"test"}
    with pytest.raises(InputError, match="too short"):
        backtest(make_tables(growing_shop(12)), SETTINGS)


def test_results_are_the_contracts_table(make_tables: Any) -> None:
    series = weekly_series(make_tables(growing_shop(20)), SETTINGS)
    fitted = load_model("ets").fit(weekly_panel(series.frame), config_of("ets", SETTINGS))
    rows = as_results(fitted.forecast(4), "ets/0001", series.cutoff_date)
    assert rows.columns == [column.name for column in contract.columns]
    assert rows["date"].min() == series.cutoff_date + timedelta(days=1)
