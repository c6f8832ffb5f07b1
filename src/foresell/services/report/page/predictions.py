"""Fans of forecasts, and leaderboards of models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foresell.services.report.page.charts import (
    Line,
    LineChart,
    Table,
    band_of,
    path_of,
    scale_for,
    spots,
    x_ticks,
)
from foresell.services.report.page.language import Language
from foresell.services.report.page.trends import day_labels, summarize
from foresell.services.report.sections import ForecastPoint, ForecastSeries, LeaderboardRow

MOST_FANS = 6
MOST_SERIES = 40
# Weeks of history in a fan: enough to see the season, short enough to see the forecast.
HISTORY_WEEKS = 52
# A score whose name starts so is better when it is lower, nearest 0, or nearest its level; else when higher.
LOWER = (
    *("mase", "rmsse", "rmse", "wape", "quantile"),
    *("log_loss", "brier", "calibration_error", "mae", "decile_error", "width"),
)
NEAREST_ZERO = ("bias",)
NEAREST_LEVEL = ("coverage_",)


@dataclass(frozen=True, slots=True)
class ScoreCell:
    text: str
    title: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    model: str
    cells: tuple[ScoreCell, ...]
    fit: str
    predict: str


@dataclass(frozen=True, slots=True)
class Board:
    title: str
    scores: tuple[str, ...]
    rows: tuple[ModelRow, ...]
    meanings: tuple[str, ...]
    notes: tuple[str, ...]


def fans(series: Sequence[ForecastSeries], language: Language) -> list[LineChart]:
    """The series that are expected to sell most."""
    return [_fan(one, language) for one in series[:MOST_FANS]]


def forecast_table(series: Sequence[ForecastSeries], language: Language) -> Table:
    columns = ("series", "next", "before", "change", "model")
    rows = [
        (
            one.series_id,
            language.money(one.expected),
            language.money(one.same_length_before),
            language.change(_growth(one)),
            one.model,
        )
        for one in series[:MOST_SERIES]
    ]
    return Table(tuple(language.say(f"forecasts.{column}") for column in columns), tuple(rows), "knnnk")


def _growth(series: ForecastSeries) -> float | None:
    before = series.same_length_before
    return series.expected / before - 1 if before else None


def _fan(series: ForecastSeries, language: Language) -> LineChart:
    history = series.history[-HISTORY_WEEKS:]
    points = series.points
    days = [day for day, _ in history] + [point.first_day for point in points]
    past = [value for _, value in history]
    means = [point.mean for point in points]
    bands = [band for band in (_ends(points, "95"), _ends(points, "80")) if band]
    known = [value for value in past if value is not None]
    scale = scale_for([*known, *means, *(value for lower, upper in bands for value in (*lower, *upper))])
    # Bands and the dashed line start at the last known value, so that the fan opens from the line.
    joint = [value for value in past[-1:] if value is not None]
    offset = len(past) - len(joint)
    lines = [
        Line(
            language.say(f"forecasts.{level}"),
            band_of([*joint, *lower], [*joint, *upper], scale, offset=offset, count=len(days)),
            1,
            is_band=True,
        )
        for level, (lower, upper) in zip(("95", "80")[-len(bands) :] if bands else (), bands, strict=True)
    ]
    lines.append(Line(language.say("forecasts.history"), path_of(past, scale, count=len(days)), 1))
    dashed = path_of([*joint, *means], scale, offset=offset, count=len(days))
    lines.append(Line(language.say("forecasts.expected"), dashed, 2, is_dashed=True))
    title = language.say("forecasts.chart", name=series.series_id)
    labels = [language.say("chart.week_of", day=language.day(day)) for day in days]
    unknown = language.say("forecasts.unknown")
    texts = [unknown if value is None else language.money(value) for value in past]
    texts += [_interval(point, language) for point in points]
    told = [label for label, value in zip(labels, [*past, *means], strict=True) if value is not None]
    return LineChart(
        title=title,
        summary=summarize(title, told, [*known, *means], language, language.money),
        lines=tuple(lines),
        x_ticks=x_ticks(day_labels(days, language)),
        y_ticks=scale.ticks(language.short_money),
        table=Table(("", title), tuple(zip(labels, texts, strict=True))),
        spots=spots(labels, texts),
    )


def _ends(points: Sequence[ForecastPoint], level: str) -> tuple[list[float], list[float]] | None:
    lower = [getattr(point, f"lower_{level}") for point in points]
    upper = [getattr(point, f"upper_{level}") for point in points]
    return None if None in lower or None in upper else (lower, upper)


def _interval(point: ForecastPoint, language: Language) -> str:
    if point.lower_80 is None or point.upper_80 is None:
        return language.money(point.mean)
    return (
        f"{language.money(point.mean)} ({language.money(point.lower_80)} – {language.money(point.upper_80)})"
    )


def boards(rows: Sequence[LeaderboardRow], language: Language) -> list[Board]:
    """One a task, on its test split where there is one."""
    told = dict.fromkeys(row.task for row in rows)
    tasks = sorted(told, key=lambda task: (task not in FIRST_BOARDS, task == "forecast", task))
    return [_board(task, [row for row in rows if row.task == task], language) for task in tasks]


def _board(task: str, rows: Sequence[LeaderboardRow], language: Language) -> Board:
    splits = {row.split for row in rows}
    split = "test" if "test" in splits else min(splits)
    chosen = {(row.model, row.score): row for row in rows if row.split == split}
    scores = sorted({score for _, score in chosen}, key=_rank_of_score)
    models = sorted({model for model, _ in chosen})
    best = {
        score: _best([chosen[m, score].value for m in models if (m, score) in chosen], score)
        for score in scores
    }
    table = tuple(
        ModelRow(
            model,
            tuple(_cell(chosen.get((model, score)), best[score], language) for score in scores),
            *_seconds([row for (name, _), row in chosen.items() if name == model], language),
        )
        for model in models
    )
    own = f"leaderboards.{task}"
    title = language.say(own) if language.knows(own) else language.say("leaderboards.customers", task=task)
    if language.knows(f"split.{split}"):
        title = f"{title} · {language.say(f'split.{split}')}"
    notes = tuple(dict.fromkeys(row.note for row in chosen.values() if row.note))
    return Board(title, tuple(scores), table, tuple(_meanings(scores, language)), notes)


FIRST_BOARDS = ("recommend", "forecast")
SCORE_ORDER = (
    *("ndcg", "recall", "mrr", "coverage@", "novelty"),
    *("mase", "rmsse", "wape", "rmse", "bias", "quantile", "coverage_"),
    *("auroc", "aupr", "log_loss", "brier", "accuracy", "calibration_error", "money"),
    *("gini", "rank_correlation", "mae", "decile_error", "width"),
)


def _family(score: str) -> str | None:
    """The longest start that fits: rmse and rmsse, mae and mase are others."""
    return max((start for start in SCORE_ORDER if score.startswith(start)), key=len, default=None)


def _rank_of_score(score: str) -> tuple[int, str]:
    family = _family(score)
    return (SCORE_ORDER.index(family) if family else len(SCORE_ORDER)), score


def _meanings(scores: Sequence[str], language: Language) -> list[str]:
    families = dict.fromkeys(family for score in scores if (family := _family(score)))
    return [language.say(f"score.{family}") for family in families]


def _best(values: Sequence[float], score: str) -> float:
    distance: Callable[[float], float] = lambda value: -value  # noqa: E731
    if score.startswith(LOWER):
        distance = float
    elif score.startswith(NEAREST_ZERO):
        distance = abs
    elif score.startswith(NEAREST_LEVEL):
        level = float(score.rpartition("_")[2]) / 100
        distance = lambda value: abs(value - level)  # noqa: E731
    return min(values, key=distance)


def _cell(row: LeaderboardRow | None, best: float, language: Language) -> ScoreCell:
    if row is None:
        return ScoreCell("–", "", False)
    title = ""
    if row.lower is not None and row.upper is not None:
        ends = {"lower": _score(row.lower, language), "upper": _score(row.upper, language)}
        title = language.say("leaderboards.interval", **ends)
    return ScoreCell(_score(row.value, language), title, row.value == best)


def _score(value: float, language: Language) -> str:
    return language.number(value, 0 if abs(value) >= 1000 else 2 if abs(value) >= 10 else 4)


def _seconds(rows: Sequence[LeaderboardRow], language: Language) -> tuple[str, str]:
    return language.number(rows[0].fit_seconds, 2), language.number(rows[0].predict_seconds, 2)
