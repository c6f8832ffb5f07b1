"""Today: how the shop is doing, against the days before and the forecast, what changed and why, alerts."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from nicegui import ui

from foresell.console.charts import Line, line_chart
from foresell.console.marks import icon, joined, link, paragraph, pill
from foresell.console.pages import today_alerts
from foresell.console.pages.today_told import show_forecast, show_why
from foresell.console.periods import against, days_asked, period_links
from foresell.console.pieces import card, columns, empty, heading, later, show
from foresell.console.visit import Visit
from foresell.services.report.sections import Span
from foresell.services.today import (
    Figure,
    against_forecast,
    daily_sales,
    headline,
    known_span,
    kpi_words,
    last_days,
    why_changed,
)

Days = tuple[tuple[date, float], ...]
# Data that is older than this has stopped coming.
OLD_DAYS = 3
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
                lambda: today_alerts.look(visit, known.end),
                lambda found: today_alerts.show_alerts(visit, found),
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
                    lambda why: show_why(visit, why),
                    "for-chart",
                )
        with card(visit.say("today.forecast")):
            later(
                visit,
                visit.say("today.forecast"),
                lambda: ask(against_forecast),
                lambda found: show_forecast(visit, found),
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
