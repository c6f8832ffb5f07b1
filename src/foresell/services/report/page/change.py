"""Why net sales changed, and the days that stand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.services.report.page.charts import BarChart, LineChart, Table, waterfall
from foresell.services.report.page.language import Language
from foresell.services.report.page.trends import line_chart
from foresell.services.report.sections import Report

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation, GroupEffect
    from foresell.explain.unusual_days import UnusualDay

MOST_WATERFALLS = 3
MOST_STEPS = 8
MOST_DAYS = 10


@dataclass(frozen=True, slots=True)
class ChangeView:
    """`title` says which spans are compared; None where too little is known to compare any."""

    title: str | None
    waterfalls: tuple[BarChart, ...]
    notes: tuple[str, ...]
    days_chart: LineChart | None
    days: Table | None


def change_view(report: Report, language: Language) -> ChangeView:
    why = report.change.why
    days = _unusual(report)
    return ChangeView(
        title=_title(why, language) if why else None,
        waterfalls=tuple(_waterfalls(why, language)) if why else (),
        notes=tuple(_notes(why, language)) if why else (),
        days_chart=_days_chart(report, days, language),
        days=_days_table(days, language),
    )


def main_factor(why: "ChangeExplanation | None", language: Language) -> tuple[str, float] | None:
    """The driver with the largest part in the change, in its direction: its name and its part in money."""
    if why is None or not why.change:
        return None
    rising = why.change > 0
    part = max(why.parts, key=lambda part: part.effect if rising else -part.effect)
    return part_title(part.name, language), float(part.effect)


def part_title(name: str, language: Language) -> str:
    """What a part of a change is called."""
    from foresell.explain.change_parts import TITLES

    return TITLES[name][1 if language.code == "zh" else 0]


def dimension_title(name: str, language: Language) -> str:
    """What a dimension of `DIMENSIONS` is called."""
    from foresell.kpis.dimensions import DIMENSIONS

    return DIMENSIONS[name].title_zh if language.code == "zh" else DIMENSIONS[name].title


def _notes(why: "ChangeExplanation", language: Language) -> list[str]:
    from foresell.explain.change_parts import NOTES

    return [NOTES[note][1 if language.code == "zh" else 0] for note in why.notes]


def _title(why: "ChangeExplanation", language: Language) -> str:
    return language.say("change.title", recent=language.span(*why.span), before=language.span(*why.baseline))


def _waterfalls(why: "ChangeExplanation", language: Language) -> list[BarChart]:
    """By what drives the KPI, then by the first dimensions that tell anything apart."""
    parts = [(part_title(part.name, language), float(part.effect)) for part in why.parts]
    charts = [_waterfall(language.say("change.by_driver"), why, parts, language)]
    for name, groups in why.dimensions.items():
        if len(groups) > 1 and len(charts) < MOST_WATERFALLS:
            title = language.say("change.by_dimension", dimension=dimension_title(name, language))
            charts.append(_waterfall(title, why, _steps(groups, language), language))
    return charts


def _steps(groups: "Sequence[GroupEffect]", language: Language) -> list[tuple[str, float]]:
    """The largest changes, and all others as one, so that they still add up."""
    ordered = sorted(groups, key=lambda g: (g.value == "(other)", -abs(g.change), g.value or ""))
    shown, rest = ordered[:MOST_STEPS], ordered[MOST_STEPS:]
    steps = [(_group_name(group, language), float(group.change)) for group in shown]
    if rest:
        steps.append((language.say("change.others"), float(sum(group.change for group in rest))))
    return steps


def _group_name(group: "GroupEffect", language: Language) -> str:
    if group.value == "(other)":
        return language.say("change.others")
    return group.value or language.say("none")


def _waterfall(
    title: str, why: "ChangeExplanation", steps: Sequence[tuple[str, float]], language: Language
) -> BarChart:
    first = (language.say("change.before"), float(why.before))
    last = (language.say("change.after"), float(why.after))
    told = [f"{name} {language.signed_money(step)}" for name, step in steps]
    told = [f"{first[0]} {language.money(first[1])}", *told, f"{last[0]} {language.money(last[1])}"]
    summary = language.say("chart.bars", title=title, bars=language.list(told))
    return waterfall(title, summary, first, steps, last, (language.money, language.signed_money))


def _unusual(report: Report) -> "list[UnusualDay]":
    from foresell.explain.unusual_days import find_unusual_days

    return find_unusual_days(dict(report.measured.daily))


def _days_chart(report: Report, days: "Sequence[UnusualDay]", language: Language) -> LineChart | None:
    daily = report.measured.daily
    if len(daily) < 2:
        return None
    place = {day: index for index, (day, _) in enumerate(daily)}
    points = [
        (place[one.day], f"{language.day(one.day)}: {language.money(one.value)} ({_expected(one, language)})")
        for one in days
        if one.day in place
    ]
    return line_chart(
        language.say("change.days_chart"),
        [day for day, _ in daily],
        [value for _, value in daily],
        language,
        short=language.short_money,
        full=language.money,
        points=points,
    )


def _expected(day: "UnusualDay", language: Language) -> str:
    return f"{language.say('change.expected')} {language.money(day.expected)}"


def _days_table(days: "Sequence[UnusualDay]", language: Language) -> Table | None:
    """The most unusual days, in order of time."""
    if not days:
        return None
    most = sorted(sorted(days, key=lambda one: -abs(one.z))[:MOST_DAYS], key=lambda one: one.day)
    header = tuple(language.say(f"change.{name}") for name in ("day", "actual", "expected", "difference"))
    rows = [
        (
            language.weekday(one.day),
            language.money(one.value),
            language.money(one.expected),
            language.signed_money(one.value - one.expected),
        )
        for one in most
    ]
    return Table(header, tuple(rows))
