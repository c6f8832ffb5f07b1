"""The forecasters against each other from rolling origins, through the interfaces that serve them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.compare import Trial, leaderboard
from foresell.evaluation.forecasting import forecast_scores, judge, scales
from foresell.evaluation.splits import Origin, Split, rolling_origins
from foresell.features.asof import asof
from foresell.predict.forecast import COMPETING, load_model
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.series import DAY, WEEK, Measure, WeeklySeries, weekly_series

TASK = "forecast"
# Lower is better. It weighs by what is sold; means of mase and rmsse hang on series that hardly ever change.
MAIN_SCORE = "wape"
# Fewer weeks than this tell too little to be worth a judgment.
MIN_TRAIN_WEEKS = 12
YEAR_OF_WEEKS = 52
SEED = 0
Say = Callable[[str], None]


def weekly_panel(frame: pl.DataFrame) -> Panel:
    """Weekly series, as `series.WeeklySeries` has them, for the models."""
    return Panel(frame, "week", season=YEAR_OF_WEEKS)


def config_of(model: str, settings: Settings) -> Any:
    """The model's config under the store's settings."""
    return load_model(model).config(horizon=settings.forecast.horizon_weeks)


def backtest(
    tables: Tables,
    settings: Settings,
    measure: Measure = "net_sales",
    *,
    models: Sequence[str] = COMPETING,
    say: Say = lambda step: None,
) -> pl.DataFrame:
    """The `leaderboard` of the contracts: each model from the test origin and the validation origins.

    The test is the last horizon of full weeks; up to `settings.forecast.folds` validation origins lie
    before it (`evaluation.splits.rolling_origins`). At each, a model learns from what was known then
    (`features.asof`). Seconds are those of one origin, on average. MASE and RMSSE scale by the season of a
    year where every judged history holds two, else by the last week. Intervals: bootstrap over series.
    `say` is told each step. Raises InputError where the history is too short.
    """
    series = weekly_series(tables, settings, measure)
    num_weeks = (series.last_week - series.first_week) // WEEK + 1
    forecasting = settings.forecast
    origins = list(rolling_origins(num_weeks, forecasting.horizon_weeks, forecasting.folds, MIN_TRAIN_WEEKS))
    histories = {origin: _known_at(tables, settings, measure, series, origin) for origin in origins}
    trials = []
    for split in ("validation", "test"):
        chosen = [origin for origin in origins if origin.split == split]
        if chosen:
            trials += list(_trials(settings, split, chosen, histories, series, models, measure, say))
    return leaderboard(trials, datetime.now(UTC))


def _known_at(
    tables: Tables, settings: Settings, measure: Measure, series: WeeklySeries, origin: Origin
) -> WeeklySeries:
    last_week = _last_week(series, origin)
    midnight = datetime.combine(last_week + WEEK, time(), ZoneInfo(settings.store.time_zone))
    known = asof(tables, settings, midnight)
    return weekly_series(known, settings, measure, complete_through=last_week + WEEK - DAY)


def _last_week(series: WeeklySeries, origin: Origin) -> date:
    return series.first_week + (origin.num_train - 1) * WEEK


def _trials(
    settings: Settings,
    split: Split,
    origins: Sequence[Origin],
    histories: dict[Origin, WeeklySeries],
    series: WeeklySeries,
    models: Sequence[str],
    measure: Measure,
    say: Say,
) -> Iterator[Trial]:
    fewest = min(origin.num_train for origin in origins)
    season = YEAR_OF_WEEKS if fewest >= 2 * YEAR_OF_WEEKS else 1
    for name in models:
        judged, fit_seconds, predict_seconds, num_fallbacks = [], 0.0, 0.0, 0
        for origin in origins:
            say(f"{split}: {name}, {origin.num_train} weeks known")
            history = histories[origin].frame
            model, config = load_model(name), config_of(name, settings)
            started = perf_counter()
            fitted = model.fit(weekly_panel(history), config)
            fitted_at = perf_counter()
            forecasts = fitted.forecast(origin.horizon)
            fit_seconds += fitted_at - started
            predict_seconds += perf_counter() - fitted_at
            num_fallbacks += fitted.fallbacks.height
            judged.append(judge(forecasts, series.frame, scales(history, season)))
        scores = forecast_scores(pl.concat(judged), seed=SEED)
        num = len(origins)
        note = (
            f"{measure} by {settings.forecast.series_by}, weekly; horizon {origins[0].horizon}; "
            f"{num} {'origin' if num == 1 else 'origins'}; season {season}; {num_fallbacks} fallbacks"
        )
        yield Trial(TASK, name, split, scores, fit_seconds / num, predict_seconds / num, note)
