"""Every KPI over the span, by week and month, and now against before."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import WEEKDAYS, Settings
from foresell.services.report.sections import Answers, Measured, Span

RECENT_WEEKS = 4
# Asked whole only: tables of their own, and shares that need a split.
MOST_WHOLE_ANSWERS = ("sales_by_location", "retention", "lifetime_value", "rfm", "mix", "basket_affinity")
# What the table of months shows.
MONTH_KPIS = (
    "net_sales",
    "orders",
    "average_order_value",
    "customers",
    "new_customers",
    "units",
    "discount",
    "refunds",
    "visits",
    "conversion_rate",
)


def find_span(tables: Tables, settings: Settings, start: date | None, end: date | None) -> Span | None:
    """From the first to the last local date with an order that counts, within the asked dates.

    Where no end is asked, up to today: one mistyped year would make all figures those of days to come.
    """
    from foresell.contracts.errors import NotFoundError
    from foresell.kpis.query import query_kpi

    try:
        days = query_kpi(tables, settings, "orders", period="day", start=start, end=end).rows
    except NotFoundError:
        return None
    dates = [date.fromisoformat(row["period"]) for row in days]
    if end is None:
        today = datetime.now(ZoneInfo(settings.store.time_zone)).date()
        dates = [day for day in dates if day <= today] or dates
    return Span(dates[0], dates[-1]) if dates else None


def recent_spans(span: Span, settings: Settings) -> tuple[Span, Span] | None:
    """The last RECENT_WEEKS whole weeks and as many before; None where the span is shorter."""
    weeks = sorted(whole_weeks(span, settings))
    if len(weeks) < 2 * RECENT_WEEKS:
        return None
    last = weeks[-1] + timedelta(days=6)
    middle = weeks[-RECENT_WEEKS]
    first = weeks[-2 * RECENT_WEEKS]
    return Span(middle, last), Span(first, middle - timedelta(days=1))


def whole_weeks(span: Span, settings: Settings) -> frozenset[date]:
    """First dates of the weeks that lie wholly inside the span."""
    weekday = WEEKDAYS.index(settings.store.week_start)
    first = span.start + timedelta(days=(weekday - span.start.weekday()) % 7)
    return frozenset(first + timedelta(days=day) for day in range(0, (span.end - first).days - 5, 7))


def whole_months(span: Span) -> frozenset[date]:
    """First dates of the months that lie wholly inside the span."""
    months = set()
    month = span.start.replace(day=1)
    while month <= span.end:
        following = (month + timedelta(days=32)).replace(day=1)
        if month >= span.start and following - timedelta(days=1) <= span.end:
            months.add(month)
        month = following
    return frozenset(months)


def _every_day(span: Span, values: dict[str, float]) -> tuple[tuple[date, float], ...]:
    """A day on which nothing happened is 0."""
    days = [span.start + timedelta(days=number) for number in range(span.days)]
    return tuple((day, values.get(day.isoformat(), 0.0)) for day in days) if values else ()


def gather_measures(tables: Tables, settings: Settings, span: Span | None) -> Measured:
    from foresell.kpis.query import all_kpis

    if span is None:
        overall = all_kpis(tables, settings)
        return Measured(overall, {}, {}, {}, {}, (), frozenset(), frozenset())
    overall = all_kpis(tables, settings, start=span.start, end=span.end)
    plain = [name for name in overall if name not in MOST_WHOLE_ANSWERS]

    def ask(within: Span, period: str | None = None, names: Iterable[str] = plain) -> Answers:
        return all_kpis(tables, settings, period=period, start=within.start, end=within.end, kpis=names)

    spans = recent_spans(span, settings)
    daily = ask(span, "day", ["net_sales"])["net_sales"]
    return Measured(
        overall=overall,
        weekly=ask(span, "week"),
        monthly=ask(span, "month", MONTH_KPIS),
        recent=ask(spans[0]) if spans else {},
        before=ask(spans[1]) if spans else {},
        daily=_every_day(span, {row["period"]: row["value"] for row in getattr(daily, "rows", ())}),
        whole_weeks=frozenset(week.isoformat() for week in whole_weeks(span, settings)),
        whole_months=frozenset(month.isoformat() for month in whole_months(span)),
    )
