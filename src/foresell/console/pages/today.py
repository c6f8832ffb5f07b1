"""Today: how the shop is doing, against the days before and the forecast, what changed and why, alerts."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from nicegui import ui

from foresell.console.charts import Line, bar_chart, line_chart
from foresell.console.marks import icon, joined, link, listed, paragraph, pill
from foresell.console.periods import against, days_asked, period_links
from foresell.console.pieces import card, columns, empty, heading, later, show
from foresell.console.visit import Visit
from foresell.services.report.page.change import dimension_title, part_title
from foresell.services.report.sections import Span
from foresell.services.today import (
    AgainstForecast,
    Figure,
    against_forecast,
    daily_sales,
    digest_of_last_day,
    headline,
    known_span,
    kpi_words,
    last_days,
    why_changed,
)

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation
    from foresell.services.digest import Digest

Days = tuple[tuple[date, float], ...]
# Data that is older than this has stopped coming.
OLD_DAYS = 3
MOST_STEPS = 8
LEAST_CHANGE = 0.005


async def build(visit: Visit) -> None:
    known = await visit.house.ask(known_span)
    if known is None:
        heading(visit.say("today.title"))
        action = link("/start", visit.say("today.empty_do"), "button")
        empty(visit.say("today.empty"), visit.say("today.empty_text"), action)
        return
    recent, before = last_days(known, days_asked(visit))
    with ui.element("div").classes("heading-row"):
        heading(visit.say("today.title"), visit.say("today.lead", last=visit.speech.day(known.end)))
        period_links(visit)
    _say_if_old(visit, known)
    ask = visit.house.ask
    with card(visit.say("today.figures"), against(visit, recent, before)):
        later(
            visit,
            visit.say("today.figures"),
            lambda: ask(headline, recent, before),
            lambda figures: _tiles(visit, figures),
            "for-tiles",
        )
    with columns("wide-left"):
        with card(visit.say("today.sales"), against(visit, recent, before)):
            later(
                visit,
                visit.say("today.sales"),
                lambda: _both(visit, recent, before),
                lambda days: _sales(visit, *days),
                "for-chart",
            )
        with card(visit.say("today.alerts"), visit.say("today.alerts_of", day=visit.speech.day(known.end))):
            later(
                visit,
                visit.say("today.alerts"),
                lambda: ask(digest_of_last_day, known.end, visit.liking.language),
                lambda digest: _alerts(visit, digest),
            )
    with columns():
        with card(visit.say("today.why"), against(visit, recent, before)):
            if before is None:
                show(paragraph(visit.say("today.why_none"), "nothing"))
            else:
                later(
                    visit,
                    visit.say("today.why"),
                    lambda: ask(why_changed, recent, before),
                    lambda why: _why(visit, why),
                    "for-chart",
                )
        with card(visit.say("today.forecast")):
            later(
                visit,
                visit.say("today.forecast"),
                lambda: ask(against_forecast),
                lambda found: _forecast(visit, found),
                "for-chart",
            )


def _say_if_old(visit: Visit, known: Span) -> None:
    today = datetime.now(ZoneInfo(visit.speech.time_zone)).date()
    days = (today - known.end).days
    if days > OLD_DAYS:
        show(
            Markup('<p class="banner">{}<span>{}</span>{}</p>').format(
                icon("warning"),
                visit.say("today.old", days=visit.speech.number(days)),
                link("/data", visit.say("today.to_import")) if visit.may("data:write") else "",
            )
        )


def shown_figures(visit: Visit, found: Any) -> None:
    """Which days, and their key figures; `found`: spans and figures, None: no orders are known."""
    if found is None:
        show(paragraph(visit.say("today.empty"), "nothing"))
        return
    recent, before, figures = found
    show(paragraph(against(visit, recent, before), "note"))
    _tiles(visit, figures)


def _tiles(visit: Visit, figures: tuple[Figure, ...]) -> None:
    show(Markup('<div class="tiles">{}</div>').format(joined(_tile(visit, one) for one in figures)))


def _tile(visit: Visit, figure: Figure) -> Markup:
    words = kpi_words(figure.kpi, visit.liking.language)
    value = visit.speech.value(figure.value, figure.unit)
    change, tone = _change(visit, figure, words.direction)
    before = (
        visit.say("today.no_before")
        if figure.before is None
        else visit.say("today.before", value=visit.speech.value(figure.before, figure.unit))
    )
    return Markup(
        '<a class="tile" href="/kpi/{kpi}{days}" title="{meaning}" aria-label="{label}">'
        '<span class="name">{name}</span><span class="value">{value}</span>'
        '<span class="under">{change}<span class="before">{before}</span></span></a>'
    ).format(
        kpi=figure.kpi,
        days=visit.link(),
        meaning=words.meaning,
        label=visit.say("today.open", name=words.name, value=value) + f" {change} {before}",
        name=words.name,
        value=value,
        change=pill(change, tone) if change else "",
        before=before,
    )


def _change(visit: Visit, figure: Figure, direction: str) -> tuple[str, str]:
    """The change in words, and whether it is good: rates change by points."""
    now, before = figure.value, figure.before
    if now is None or before is None:
        return "", "even"
    if figure.unit == "rate":
        size = now - before
        text = visit.say("today.points", value=visit.speech.change(size).removesuffix("%"))
    elif before:
        size = now / before - 1
        text = visit.speech.change(size)
    else:
        return "", "even"
    if abs(size) < LEAST_CHANGE or direction == "neutral":
        return text, "even"
    return text, "good" if (size > 0) == (direction == "higher") else "bad"


async def _both(visit: Visit, recent: Span, before: Span | None) -> tuple[Days, Days]:
    now = await visit.house.ask(daily_sales, recent)
    return now, await visit.house.ask(daily_sales, before) if before else ()


def _sales(visit: Visit, now: Days, before: Days) -> None:
    days = [day for day, _ in now]
    values = [value for _, value in now]
    lines = [Line(visit.say("today.sales_now"), values, is_filled=True)]
    if before:
        earlier = [value for _, value in before]
        lines.append(Line(visit.say("today.sales_before"), earlier[: len(values)], color=1))
    line_chart(
        visit,
        visit.say("today.sales"),
        "net-sales-by-day",
        [visit.speech.weekday(day) if len(days) <= 7 else visit.speech.short_day(day) for day in days],
        lines,
        first_title=visit.say("today.day"),
    )


def _alerts(visit: Visit, digest: "Digest") -> None:
    alerts = digest.alerts
    tone = {"error": "bad", "warning": "warn"}
    if alerts:
        said = [
            (alert, alert.words.message_zh if visit.liking.language == "zh" else alert.words.message)
            for alert in alerts
        ]
        show(
            listed(
                (
                    Markup("{}<span>{}</span>").format(
                        pill(visit.say(f"digest.{alert.severity}"), tone.get(alert.severity, "even")), text
                    )
                    for alert, text in said
                ),
                "alerts",
            )
        )
    else:
        show(Markup('<p class="fine">{}{}</p>').format(icon("check"), visit.say("today.no_alerts")))
    figures = [line.html(visit.speech) for line in digest.lines if line.kind == "figure"]
    if figures:
        show(Markup("<h3>{}</h3>").format(visit.say("today.day_title")) + listed(figures, "sentences"))


def _why(visit: Visit, why: "ChangeExplanation | None") -> None:
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


def _forecast(visit: Visit, found: AgainstForecast) -> None:
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
