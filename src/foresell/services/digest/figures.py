"""What the day brought, in at most seven lines: sales against a usual such weekday, and why."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.kpis.answer import KpiAnswer
from foresell.kpis.kept_facts import KeptFacts
from foresell.services.digest.lines import Line
from foresell.services.report.page.change import main_factor
from foresell.services.report.page.language import Language

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation
    from foresell.services.report.sections import Span

WEEKS_BEFORE = 4
KPIS = (
    "net_sales",
    "gross_sales",
    "discount",
    "refunds",
    "orders",
    "average_order_value",
    "customers",
    "new_customers",
    "visits",
    "conversion_rate",
)
# KPI → local date → value.
Daily = Mapping[str, Mapping[date, float]]


def figure_lines(tables: Tables, settings: Settings, day: date, language: Language) -> list[Line]:
    """The lines, the most important first; only those the store can fill."""
    month_before = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    tables = KeptFacts(tables, [(min(month_before, day - timedelta(weeks=WEEKS_BEFORE)), day)])
    daily = _read_daily(tables, settings, day)
    if not daily.get("orders", {}).get(day):
        return list(_nothing(tables, settings, day, language))
    told = (_sales, _orders, _customers, _visits, _given_away)
    lines = [line for tell in told for line in tell(daily, day, language)]
    lines += _why(tables, settings, day, language)
    return lines + list(_month(tables, settings, day, language))


def _read_daily(tables: Tables, settings: Settings, day: date) -> Daily:
    from foresell.kpis.query import all_kpis

    start = day - timedelta(weeks=WEEKS_BEFORE)
    answers = all_kpis(tables, settings, period="day", start=start, end=day, kpis=KPIS)
    return {
        name: {
            date.fromisoformat(row["period"]): float(row["value"])
            for row in answer.rows
            if row["value"] is not None
        }
        for name, answer in answers.items()
        if isinstance(answer, KpiAnswer)
    }


def _nothing(tables: Tables, settings: Settings, day: date, language: Language) -> Iterator[Line]:
    span = _find_span(tables, settings, day)
    if span is None:
        yield Line("digest.never")
    else:
        yield Line("digest.nothing", {"day": language.weekday(day), "last": language.day(span.end)})


def _find_span(tables: Tables, settings: Settings, day: date) -> "Span | None":
    from foresell.services.report.gather.measures import find_span

    return find_span(tables, settings, None, day)


def _against(daily: Daily, kpi: str, day: date) -> float | None:
    """The relative difference to the median of the same weekday in the weeks before, from the first day that
    has any on: a day without rows sold nothing."""
    values = daily[kpi]
    weeks = (day - timedelta(weeks=week) for week in range(1, WEEKS_BEFORE + 1))
    before = [values.get(same, 0.0) for same in weeks if same >= min(values, default=day)]
    usual = median(before) if before else 0.0
    return values.get(day, 0.0) / usual - 1 if usual else None


def _sales(daily: Daily, day: date, language: Language) -> Iterator[Line]:
    if day not in daily.get("net_sales", {}):
        return
    sales, change = daily["net_sales"][day], _against(daily, "net_sales", day)
    words = {"sales": language.money(sales)}
    if change is None:
        yield Line("digest.sales", words)
    else:
        yield Line("digest.sales_against", {**words, "change": language.change(change)})


def _orders(daily: Daily, day: date, language: Language) -> Iterator[Line]:
    value = daily.get("average_order_value", {}).get(day)
    yield Line(
        "digest.orders",
        {
            "orders": language.number(daily["orders"][day]),
            "change": language.change(_against(daily, "orders", day)),
            "value": language.money(value),
        },
    )


def _customers(daily: Daily, day: date, language: Language) -> Iterator[Line]:
    customers = daily.get("customers", {}).get(day)
    if customers:
        new = daily.get("new_customers", {}).get(day, 0.0)
        words = {"customers": language.number(customers), "new": language.number(new)}
        yield Line("digest.customers", words)


def _visits(daily: Daily, day: date, language: Language) -> Iterator[Line]:
    visits, rate = (daily.get(name, {}).get(day) for name in ("visits", "conversion_rate"))
    if visits:
        words = {"visits": language.number(visits), "rate": language.percent(rate)}
        yield Line("digest.visits", {**words, "change": language.change(_against(daily, "visits", day))})


def _given_away(daily: Daily, day: date, language: Language) -> Iterator[Line]:
    gross = daily.get("gross_sales", {}).get(day)
    discount, refunds = (daily.get(name, {}).get(day, 0.0) for name in ("discount", "refunds"))
    if not gross or not (discount or refunds):
        return
    words = {"discount": language.money(discount), "rate": language.percent(discount / gross)}
    if refunds:
        yield Line("digest.discount_refunds", {**words, "refunds": language.money(refunds)})
    else:
        yield Line("digest.discount", words)


def _why(tables: Tables, settings: Settings, day: date, language: Language) -> Iterator[Line]:
    """Against the same weekday of the week before: what drove it, and where."""
    from foresell.explain.change import explain_change

    before = day - timedelta(days=7)
    try:
        why = explain_change(tables, settings, start=day, end=day, baseline_start=before, baseline_end=before)
    except (InputError, NotFoundError):
        return
    factor = main_factor(why, language)
    if factor is None or not why.before:
        return
    words = {"factor": factor[0], "part": language.signed_money(factor[1]), "day": language.weekday(before)}
    words["difference"] = language.signed_money(float(why.change))
    mover = _mover(why, language)
    if mover:
        yield Line("digest.why_where", {**words, "where": mover})
    else:
        yield Line("digest.why", words)


def _mover(why: "ChangeExplanation", language: Language) -> str | None:
    """The value of the first telling dimension that moved most in the direction of the change."""
    for groups in why.dimensions.values():
        named = [group for group in groups if group.value not in (None, "(other)")]
        if len(named) < 2:
            continue
        most = max(named, key=lambda group: group.change * (1 if why.change > 0 else -1))
        return f"{most.value} {language.signed_money(float(most.change))}"
    return None


def _month(tables: Tables, settings: Settings, day: date, language: Language) -> Iterator[Line]:
    """The month to date against as many days of the month before, where all of those are known."""
    first = day.replace(day=1)
    last_of_before = first - timedelta(days=1)
    start = last_of_before.replace(day=1)
    end = min(start + (day - first), last_of_before)
    now, before = (_net_sales(tables, settings, span) for span in ((first, day), (start, end)))
    if now is None or day == first:
        return
    words = {"sales": language.money(now), "month": language.month(day)}
    known = _find_span(tables, settings, day) if before else None
    if before and known is not None and known.start <= start:
        words["change"] = language.change(now / before - 1)
        yield Line("digest.month_against", {**words, "before": language.span(start, end)})
    else:
        yield Line("digest.month", words)


def _net_sales(tables: Tables, settings: Settings, span: tuple[date, date]) -> float | None:
    from foresell.kpis.query import query_kpi

    value = query_kpi(tables, settings, "net_sales", start=span[0], end=span[1]).value
    return None if value is None else float(value)
