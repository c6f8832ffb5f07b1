"""Forecasters against each other on the shop's own past, each with what was known then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError
from foresell.services.forecasting.indicators import left_out_note, without_useless
from foresell.services.forecasting.request import STORES_OWN, ForecastRequest
from foresell.services.leaderboards import Leaderboard, board_of
from foresell.services.shop import Progress, Shop, counting, silent

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.evaluation.splits import Origin
    from foresell.predict.forecast.backtest import Backtest
    from foresell.predict.forecast.panel import Panel
    from foresell.predict.forecast.series import BuiltPanel

# Fewer periods than this tell too little to be worth a judgment.
LEAST_TRAINED = 12


@dataclass(frozen=True)
class Judged:
    """`board`: every model on validation and test; `notes`: how the series were made."""

    board: Leaderboard
    notes: tuple[str, ...]

    def as_record(self) -> dict[str, object]:
        return self.board.as_record() | {"notes": list(self.notes)}


def backtest(
    shop: Shop,
    request: ForecastRequest = STORES_OWN,
    *,
    windows: int | None = None,
    models: Sequence[str] = (),
    progress: Progress = silent,
) -> Judged:
    """Every model (or `models`) from rolling origins, as `fit_forecast` judges them; nothing is kept.

    InputError where the history is too short for one window and the horizon; NotFoundError for a model that
    is none.
    """
    from foresell.predict.forecast.backtest import MAIN_SCORE

    horizon = request.horizon_of(shop)
    with shop.reading_matched() as tables:
        built = request.panel(shop, tables, horizon)
        request, built = without_useless(request, built, horizon, progress)
        found = judge(shop, tables, request, built, windows=windows, models=models, progress=progress)
    board = board_of(found.board, request.name(shop), MAIN_SCORE, is_higher_better=False)
    return Judged(board, (*built.notes, *left_out_note(request)))


def judge(
    shop: Shop,
    tables: "Tables",
    request: ForecastRequest,
    built: "BuiltPanel",
    *,
    windows: int | None = None,
    models: Sequence[str] = (),
    progress: Progress = silent,
) -> "Backtest":
    """As `backtest`, of a panel that is built."""
    from foresell.predict.forecast import competing, load_model
    from foresell.predict.forecast.backtest import backtest as judge_models

    for name in models:
        load_model(name)
    horizon = request.horizon_of(shop)
    panels = history_of(shop, tables, request, built, windows=windows)
    chosen = tuple(models) or competing(built.panel.frame["series_id"].n_unique())
    return judge_models(
        panels.__getitem__,
        built.panel.frame,
        list(panels),
        task=request.name(shop),
        models=chosen,
        horizon=horizon,
        note=f"{request.measure} by {', '.join(built.spec.by)}, a {request.period} at a time",
        say=counting(progress, len(chosen) * len(panels)),
    )


def history_of(
    shop: Shop,
    tables: "Tables",
    request: ForecastRequest,
    built: "BuiltPanel",
    *,
    windows: int | None = None,
) -> "dict[Origin, Panel]":
    """Of each rolling origin, the panel as it was built then. InputError where the history is too short."""
    from foresell.evaluation.splits import rolling_origins

    horizon, dates = request.horizon_of(shop), built.span.dates().to_list()
    folds = shop.settings.forecast.folds if windows is None else windows
    origins = list(rolling_origins(len(dates), horizon, folds, LEAST_TRAINED))
    if not origins:
        raise InputError(
            "The history is too short to hold any of it back",
            received=f"{len(dates)} full {request.period}s",
            do=f"Import more, or ask for a horizon below {horizon}.",
        )
    return {origin: _known_at(shop, tables, request, dates[origin.num_train], horizon) for origin in origins}


def _known_at(
    shop: Shop, tables: "Tables", request: ForecastRequest, first_day: date, horizon: int
) -> "Panel":
    """The panel as it was built the night before `first_day`."""
    from foresell.features.asof import asof

    midnight = datetime.combine(first_day, time(), ZoneInfo(shop.settings.store.time_zone))
    known = asof(tables, shop.settings, midnight)
    return request.panel(shop, known, horizon, complete_through=first_day - timedelta(days=1)).panel
