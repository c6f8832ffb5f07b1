"""Fit, choose and serve: recommendations and forecasts through artifacts and result tables."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.production import PRODUCTION, Task, load_production, put_to_work, scores_of
from foresell.services.recommender import recommend_to_all
from foresell.services.results import read_results, write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

    from foresell.predict.forecast.model import Fitted

TASKS: tuple[Task, ...] = ("recommend", "forecast")
# What serves while the history is too short to judge models.
SIMPLEST: dict[Task, str] = {"recommend": "popularity", "forecast": "seasonal_naive"}
VALUE = "value"
VALUE_IS_CHOSEN_BY = "ranks of gini, mae and decile_error together"
SCORE_LEVELS = ("mean", "lower_80", "upper_80", "lower_95", "upper_95")


@dataclass(frozen=True)
class Leaderboard:
    """How the models of a task did: a row a model and split; the score they are shown by, and in words what
    chooses."""

    task: str
    metric: str
    chosen_by: str
    rows: tuple[dict[str, object], ...]

    def as_record(self) -> dict[str, object]:
        return {
            "task": self.task,
            "metric": self.metric,
            "chosen_by": self.chosen_by,
            "rows": list(self.rows),
        }


def fit(shop: Shop, task: Task, progress: Progress = silent) -> None:
    """Judge every model on held-out time, fit the best on everything, and put it in production.

    The leaderboard, and what the chosen model says now, are written to the result tables. The choice
    is by validation; the test scores are only reported. A history too short to hold weeks out is
    learned by the simplest model, unjudged. InputError where there is nothing to learn from.
    """
    with writing(shop, f"fit {task}", progress):
        if task == "recommend":
            _fit_recommender(shop, progress)
        else:
            _fit_forecaster(shop, progress)


def leaderboard(shop: Shop, task: str, progress: Progress = silent) -> Leaderboard:
    """The leaderboard of the last fit; recommend and forecast are fitted now where they never were."""
    if known := [fitted for fitted in TASKS if fitted == task]:
        ensure_fitted(shop, known[0], progress)
    return read_leaderboard(shop, task)


def ensure_fitted(shop: Shop, task: Task, progress: Progress) -> None:
    from foresell.store.model_versions import pointers

    if PRODUCTION not in pointers(shop.folder.models, task):
        progress(f"no model of '{task}' yet: fitting", 0, None)
        fit(shop, task, progress)


def read_leaderboard(shop: Shop, task: str) -> Leaderboard:
    """The leaderboard of the last fit.

    NotFoundError where the task was not fitted, or the history was too short to judge models.
    """
    import polars as pl

    metric, is_higher_better = _main_score(shop, task)
    chosen_by = VALUE_IS_CHOSEN_BY if task == VALUE else metric
    rows = read_results(shop, "leaderboard").filter(pl.col("task") == task)
    if rows.is_empty():
        raise NotFoundError(
            f"No model of '{task}' has been judged",
            do=f"The history was too short to hold weeks out. Import more, then run: foresell fit {task}",
        )
    grouped = [_board_row(frame) for _, frame in rows.group_by("model", "split", maintain_order=True)]
    best_first = sorted(
        grouped, key=lambda row: (row["split"] != "test", _order(row, metric, is_higher_better))
    )
    return Leaderboard(task, metric, chosen_by, tuple(best_first))


def _board_row(frame: "polars.DataFrame") -> dict[str, object]:
    first = frame.row(0, named=True)
    intervals = {
        row["score"]: [row["lower"], row["upper"]] for row in frame.to_dicts() if row["lower"] is not None
    }
    return {
        "model": first["model"],
        "split": first["split"],
        "scores": dict(zip(frame["score"], frame["value"], strict=True)),
        "intervals_95": intervals,
        "fit_seconds": first["fit_seconds"],
        "predict_seconds": first["predict_seconds"],
        "note": first["note"],
    }


def _order(row: dict[str, object], metric: str, higher_is_better: bool) -> float:
    scores = row["scores"]
    value = float(scores.get(metric, 0.0)) if isinstance(scores, dict) else 0.0
    return -value if higher_is_better else value


def _main_score(shop: Shop, task: str) -> tuple[str, bool]:
    """The score that chooses, and whether higher is better."""
    if task == "recommend":
        from foresell.predict.recommend.backtest import main_score

        return main_score(shop.settings), True
    if task == "forecast":
        from foresell.predict.forecast.backtest import MAIN_SCORE

        return MAIN_SCORE, False
    if task == VALUE:
        return "gini", True
    from foresell.predict.customers.backtest import HIGHER_IS_BETTER
    from foresell.services.customers.tasks import load_task

    metric = load_task(shop, task)[1].metric
    return metric, metric in HIGHER_IS_BETTER


def _fit_recommender(shop: Shop, progress: Progress) -> None:
    from foresell.evaluation.compare import choose
    from foresell.predict.recommend import competing, load_model
    from foresell.predict.recommend.backtest import backtest, config_of, main_score
    from foresell.predict.recommend.interactions import described_products, interactions

    say = _counting(progress, num_steps=2 * len(competing()))
    with shop.reading_matched() as tables:
        learned = interactions(tables)
        try:
            board = backtest(tables, shop.settings, say=say)
            best = choose(board, main_score(shop.settings), higher_is_better=True)
        except (InputError, NotFoundError):
            if learned.is_empty():
                raise
            board, best = _empty_board(), SIMPLEST["recommend"]
        progress(f"fitting {best} on everything", 0, None)
        config = config_of(best, shop.settings)
        fitted = load_model(best).fit(learned, config, described_products(tables))
        weights: dict[str, NDArray[Any]] = getattr(fitted, "to_weights", dict)()
        label = _save(shop, "recommend", best, fitted.config, fitted.to_tables(), board, weights)
        write_results(shop, "leaderboard", board, replaces={"task": "recommend"})
        progress("recommending to every customer", 0, None)
        rows = recommend_to_all(shop, tables, (fitted, label), learned)
    write_results(shop, "recommendations", rows, replaces={})


def _fit_forecaster(shop: Shop, progress: Progress) -> None:
    from foresell.evaluation.compare import choose
    from foresell.predict.forecast import competing, load_model
    from foresell.predict.forecast.backtest import MAIN_SCORE, backtest, config_of, weekly_panel
    from foresell.predict.forecast.series import weekly_series

    say = _counting(progress, num_steps=len(competing()) * (shop.settings.forecast.folds + 1))
    with shop.reading_matched() as tables:
        series = weekly_series(tables, shop.settings)
        try:
            board = backtest(tables, shop.settings, models=competing(), say=say)
            best = choose(board, MAIN_SCORE, higher_is_better=False)
        except (InputError, NotFoundError):
            board, best = _empty_board(), SIMPLEST["forecast"]
        progress(f"fitting {best} on everything", 0, None)
        fitted = load_model(best).fit(weekly_panel(series.frame), config_of(best, shop.settings))
    weights = fitted.to_weights()
    label = _save(shop, "forecast", best, fitted.config, fitted.to_tables(), board, weights)
    write_results(shop, "leaderboard", board, replaces={"task": "forecast"})
    rows = _forecast_rows(fitted, label, shop.settings.forecast.horizon_weeks)
    write_results(shop, "forecasts", rows, replaces={})


def _empty_board() -> "polars.DataFrame":
    from foresell.evaluation.compare import leaderboard as make_leaderboard

    return make_leaderboard([], datetime.now(UTC))


def _save(
    shop: Shop,
    task: Task,
    kind: str,
    config: Any,
    tables: "dict[str, polars.DataFrame]",
    board: "polars.DataFrame",
    weights: "Mapping[str, NDArray[Any]] | None" = None,
) -> str:
    """Save a fitted model as the production version of its task; returns name/version."""
    from foresell.store.models import Origin

    scores = scores_of(board, kind)
    card = (
        "Chosen by its validation scores; test scores are reported, not used to choose."
        if scores
        else "Not judged: the history was too short to hold weeks out. The simplest model serves."
    )
    return put_to_work(
        shop,
        task,
        kind,
        asdict(config),
        tables,
        origin=Origin(),
        weights=weights,
        scores=scores,
        card=card,
    )


def forecast(shop: Shop, horizon: int | None = None, progress: Progress = silent) -> "polars.DataFrame":
    """Forecasts of every series, as the `forecasts` table has them, `horizon` weeks ahead.

    None: as far as the settings say. The production model answers; one fitted for a shorter horizon
    is fitted again, on what the store has now, for this answer.
    """
    from foresell.predict.forecast import load_model
    from foresell.predict.forecast.backtest import config_of, weekly_panel
    from foresell.predict.forecast.series import weekly_series

    weeks = shop.settings.forecast.horizon_weeks if horizon is None else horizon
    if not 1 <= weeks <= 104:
        raise InputError("A horizon is from 1 to 104 weeks", received=weeks)
    ensure_fitted(shop, "forecast", progress)
    artifact = load_production(shop, "forecast")
    model = load_model(artifact.kind)
    fitted = model.load(artifact.config, artifact.tables, artifact.weights)
    if weeks > fitted.config.horizon:
        with shop.reading_matched() as tables:
            series = weekly_series(tables, shop.settings)
        config = replace(config_of(artifact.kind, shop.settings), horizon=weeks)
        fitted = model.fit(weekly_panel(series.frame), config)
    return _forecast_rows(fitted, artifact.label, weeks)


def _forecast_rows(fitted: "Fitted", label: str, weeks: int) -> "polars.DataFrame":
    from foresell.predict.forecast.results import as_results

    rows = fitted.forecast(weeks)
    first_forecast: date = min(rows["date"].to_list())
    return as_results(rows, label, first_forecast - timedelta(days=1))


def _counting(progress: Progress, num_steps: int) -> Callable[[str], None]:
    """A `say` that counts its steps."""
    done = 0

    def say(step: str) -> None:
        nonlocal done
        progress(step, done, num_steps)
        done += 1

    return say
