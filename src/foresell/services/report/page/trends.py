"""Lines over time."""

from collections.abc import Callable, Sequence
from datetime import date

from foresell.kpis.answer import KpiAnswer
from foresell.services.report.page.charts import (
    Line,
    LineChart,
    Point,
    Table,
    Text,
    path_of,
    scale_for,
    spots,
    x_at,
    x_ticks,
)
from foresell.services.report.page.language import Language
from foresell.services.report.sections import Measured

# From so many days on, the axis names months instead of days.
LONG = 120


def week_chart(measured: Measured, kpi: str, language: Language, title: str) -> LineChart | None:
    """A KPI by whole week; None where fewer than two weeks have a value."""
    answer = measured.weekly.get(kpi)
    if not isinstance(answer, KpiAnswer):
        return None
    rows = [row for row in answer.rows if row["period"] in measured.whole_weeks and row["value"] is not None]
    if len(rows) < 2:
        return None
    days = [date.fromisoformat(row["period"]) for row in rows]
    values = [float(row["value"]) for row in rows]
    short = language.short_money if answer.unit == language.currency else _short(answer.unit, language)
    return line_chart(
        title,
        days,
        values,
        language,
        short=short,
        full=lambda value: language.value(value, answer.unit),
        day_text=lambda day: language.say("chart.week_of", day=language.day(day)),
    )


def line_chart(
    title: str,
    days: Sequence[date],
    values: Sequence[float],
    language: Language,
    *,
    short: Text,
    full: Text,
    day_text: Callable[[date], str] | None = None,
    points: Sequence[tuple[int, str]] = (),
) -> LineChart:
    """One line over days. `short` writes the axis, `full` the values, `points` mark places with a title."""
    say_day = day_text or language.day
    scale = scale_for(values)
    count = len(days)
    labels = [say_day(day) for day in days]
    return LineChart(
        title=title,
        summary=summarize(title, labels, values, language, full),
        lines=(Line("", path_of(values, scale), 1),),
        x_ticks=x_ticks(day_labels(days, language)),
        y_ticks=scale.ticks(short),
        table=Table(("", title), tuple(zip(labels, [full(value) for value in values], strict=True))),
        spots=spots(labels, [full(value) for value in values]),
        points=tuple(Point(x_at(i, count), scale(values[i]), text, 2) for i, text in points),
    )


def day_labels(days: Sequence[date], language: Language) -> list[str]:
    if (days[-1] - days[0]).days < LONG:
        return [language.short_day(day) for day in days]
    if days[0].year == days[-1].year and len({(day.year, day.month) for day in days}) <= 12:
        return [language.short_day(day) for day in days]
    return [language.month(day) for day in days]


def summarize(
    title: str, labels: Sequence[str], values: Sequence[float], language: Language, full: Text
) -> str:
    """What a line shows, in a sentence."""
    low, high = min(values), max(values)
    return language.say(
        "chart.summary",
        title=title,
        first=full(values[0]),
        last=full(values[-1]),
        low=full(low),
        low_at=labels[values.index(low)],
        high=full(high),
        high_at=labels[values.index(high)],
    )


def _short(unit: str, language: Language) -> Text:
    if unit == "rate":
        return lambda value: f"{language.number(value * 100, 0)}%"
    return language.short_number
