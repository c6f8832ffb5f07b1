"""A KPI opened: what it is, how it went, where it comes from, and the rows behind it."""

from markupsafe import Markup
from nicegui import ui

from foresell.console.charts import Line, bar_chart, line_chart
from foresell.console.marks import joined, link, pairs
from foresell.console.periods import against, days_asked, period_links
from foresell.console.pieces import card, columns, empty, heading, later, show
from foresell.console.tables import PAGE_ROWS, Column, first_row, table
from foresell.console.visit import Visit
from foresell.services.measured_rows import SoldLines, sold_lines
from foresell.services.report.page.change import dimension_title
from foresell.services.report.sections import Span
from foresell.services.today import (
    KpiCut,
    KpiWords,
    Parts,
    cut_kpi,
    known_span,
    kpi_words,
    last_days,
    split_kpi,
)

# From so many days on, by week, and by month.
WEEKLY_FROM, MONTHLY_FROM = 60, 300
MOST_BARS = 15


async def build(visit: Visit) -> None:
    kpi = visit.values["kpi"]
    words = kpi_words(kpi, visit.liking.language)
    known = await visit.house.ask(known_span)
    with ui.element("div").classes("heading-row"):
        heading(words.name, words.meaning)
        period_links(visit)
    if known is None:
        empty(visit.say("today.empty"), visit.say("today.empty_text"))
        return
    days = days_asked(visit)
    recent, _ = last_days(known, days)
    period = "day" if days < WEEKLY_FROM else "week" if days < MONTHLY_FROM else "month"
    by = visit.values.get("by") or None
    name = visit.say("kpi.by_period", name=words.name, period=visit.say(f"kpi.period.{period}"))
    with columns("wide-left"):
        with card(name, against(visit, recent, None)):
            later(
                visit,
                words.name,
                lambda: _asked(visit, kpi, recent, period, by),
                lambda found: _cut(visit, words.name, found, by),
                "for-chart",
            )
        with card(visit.say("kpi.about")):
            _about(visit, words)
    note = visit.say("kpi.rows_note", span=visit.speech.span(recent.start, recent.end))
    first = first_row(visit)
    with card(visit.say("kpi.rows"), note):
        later(
            visit,
            visit.say("kpi.rows"),
            lambda: visit.house.ask(sold_lines, recent, first, PAGE_ROWS),
            lambda found: _rows(visit, found),
        )


async def _asked(visit: Visit, kpi: str, span: Span, period: str, by: str | None) -> tuple[KpiCut, Parts]:
    """The course, and the parts by a dimension: each is kept for itself."""
    course = await visit.house.ask(cut_kpi, kpi, span, period)
    return course, await visit.house.ask(split_kpi, kpi, span, by) if by else ()


def _about(visit: Visit, words: KpiWords) -> None:
    rows = [
        (visit.say("kpi.counted"), words.definition),
        (visit.say("kpi.formula"), words.formula),
        (visit.say("kpi.why_it_matters"), words.meaning),
    ]
    show(pairs(rows))
    show(link(f"/{visit.link(by=None, first=None, kpi=None)}", visit.say("kpi.back"), "more"))


def _cut(visit: Visit, name: str, found: tuple[KpiCut, Parts], by: str | None) -> None:
    cut, parts = found
    is_money = cut.unit == visit.speech.currency
    line_chart(
        visit,
        name,
        "kpi",
        [visit.speech.day(day) for day, _ in cut.by_period],
        [Line(name, [value for _, value in cut.by_period], is_filled=True)],
        first_title=visit.say("kpi.from"),
        is_money=is_money,
    )
    if not cut.dimensions:
        return
    links = joined(
        link(
            visit.link(by=None if one == by else one, first=None),
            dimension_title(one, visit.speech),
            "pill of-accent" if one == by else "pill",
        )
        for one in cut.dimensions
    )
    show(
        Markup('<p class="splits"><span class="note">{}</span> {}</p>').format(visit.say("kpi.split"), links)
    )
    if by:
        title = visit.say("kpi.by", dimension=dimension_title(by, visit.speech))
        largest = sorted(parts, key=lambda row: -(row[1] or 0.0))
        bars = [(value or visit.say("none"), amount) for value, amount in largest if amount is not None]
        bar_chart(
            visit,
            title,
            f"kpi-by-{by}",
            bars[:MOST_BARS],
            first_title=dimension_title(by, visit.speech),
            value_title=name,
            is_money=is_money,
        )


def _rows(visit: Visit, found: SoldLines) -> None:
    speech = visit.speech
    is_seen = visit.may("people:read")
    rows = [
        {**line.as_record(), "customer_id": line.customer_id if is_seen else visit.say("rows.masked")}
        for line in found.rows
    ]
    shown = [
        Column("local_date", visit.say("rows.date"), speech.day),
        Column("order_id", visit.say("rows.order"), is_minor=True),
        Column("title", visit.say("rows.product")),
        Column(
            "customer_id",
            visit.say("rows.customer"),
            is_minor=True,
            link=(lambda row: f"/customers/{row['customer_id']}" if row["customer_id"] else None)
            if is_seen
            else None,
        ),
        Column("quantity", visit.say("rows.quantity"), lambda value: speech.number(value, 0), is_number=True),
        Column("discount", visit.say("rows.discount"), speech.money, is_number=True, is_minor=True),
        Column("sales", visit.say("rows.net"), speech.money, is_number=True),
    ]
    table(visit, visit.say("kpi.rows"), shown, rows, name="rows", place=(found.first, found.total))
