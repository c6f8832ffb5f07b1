"""What Today tells beside the figures: why sales changed, and how they stand against the forecast."""

from typing import TYPE_CHECKING

from markupsafe import Markup

from foresell.console.charts import Line, bar_chart, line_chart
from foresell.console.marks import link, listed, paragraph
from foresell.console.pieces import show
from foresell.console.visit import Visit
from foresell.services.report.page.change import dimension_title, part_title
from foresell.services.today import AgainstForecast

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation

MOST_STEPS = 8


def show_why(visit: Visit, why: "ChangeExplanation | None") -> None:
    if why is None:
        show(paragraph(visit.say("today.why_none"), "nothing"))
        return
    speech = visit.speech
    text = visit.say(
        "today.why_text",
        before=speech.money(float(why.before)),
        after=speech.money(float(why.after)),
        change=speech.signed_money(float(why.change)),
    )
    show(paragraph(text))
    show(Markup("<h3>{}</h3>").format(visit.say("today.why_driver")))
    parts = [(part_title(part.name, speech), float(part.effect)) for part in why.parts]
    _steps(visit, visit.say("today.why_driver"), "why-drivers", parts)
    for name, groups in why.dimensions.items():
        if len(groups) < 2:
            continue
        title = visit.say("today.why_by", dimension=dimension_title(name, speech))
        ordered = sorted(groups, key=lambda group: -abs(group.change))[:MOST_STEPS]
        named = [(_group(visit, group.value), float(group.change)) for group in ordered]
        show(Markup("<h3>{}</h3>").format(title))
        _steps(visit, title, f"why-by-{name}", sorted(named, key=lambda step: -step[1]))
        break
    if why.unusual_days:
        show(Markup("<h3>{}</h3>").format(visit.say("today.unusual")))
        show(
            listed(
                visit.say(
                    "today.unusual_day",
                    day=speech.weekday(one.day),
                    value=speech.money(one.value),
                    expected=speech.money(one.expected),
                )
                for one in why.unusual_days[:MOST_STEPS]
            )
        )


def _group(visit: Visit, value: str | None) -> str:
    return visit.say("change.others") if value == "(other)" else value or visit.say("none")


def _steps(visit: Visit, title: str, name: str, steps: list[tuple[str, float]]) -> None:
    bar_chart(
        visit, title, name, steps, first_title=title, value_title=visit.say("today.why_value"), is_signed=True
    )


def show_forecast(visit: Visit, found: AgainstForecast) -> None:
    speech = visit.speech
    if found.cutoff is None:
        show(paragraph(visit.say("today.forecast_none"), "nothing"))
        show(link("/models", visit.say("today.forecast_make"), "button quiet"))
        return
    ahead = [week for week in found.weeks if week.actual is None]
    if found.difference is not None:
        show(paragraph(visit.say("today.forecast_over", difference=speech.change(found.difference))))
    if ahead:
        show(
            paragraph(
                visit.say(
                    "today.forecast_ahead",
                    sum=speech.money(sum(w.forecast for w in ahead)),
                    weeks=len(ahead),
                    day=speech.day(ahead[0].first_day),
                )
            )
        )
    lines = [
        Line(visit.say("today.forecast_expected"), [week.forecast for week in found.weeks], 2, is_dashed=True)
    ]
    if found.difference is not None:
        lines.append(Line(visit.say("today.forecast_actual"), [week.actual for week in found.weeks]))
    line_chart(
        visit,
        visit.say("today.forecast"),
        "against-forecast",
        [speech.short_day(week.first_day) for week in found.weeks],
        lines,
        first_title=visit.say("today.forecast_week"),
        note=visit.say("today.forecast_note", day=speech.day(found.cutoff)),
        height=220,
    )
    show(link("/demand", visit.say("today.forecast_open"), "more"))
