"""How the shop is doing: the last days against as many before, against the forecast, and what to look at."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.kpis.answer import KpiAnswer, Unavailable
from foresell.services.report.gather.measures import find_span
from foresell.services.report.sections import Span
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.explain.change_parts import ChangeExplanation
    from foresell.services.digest import Digest

# What is shown first, in this order; those that a shop cannot measure are left out.
HEADLINE = (
    "net_sales",
    "orders",
    "average_order_value",
    "customers",
    "new_customers",
    "conversion_rate",
    "contribution_margin",
    "discount",
    "refunds",
    "units",
)
WEEK = 7
# Where dimensions stand that are no column of a table of their own, and what some columns are made of.
FACTS = ("orders", "order_lines", "events")
MADE_OF = {"country": ("billing_country", "shipping_country"), "age_band": ("birth_year",)}
# Units of which nothing is not 0.
RATIOS = ("rate", "days", "times", "units/order")
NOT_OFFERED = ("customer", "currency")


@dataclass(frozen=True, slots=True)
class KpiWords:
    """A KPI in one language, and which way is good: higher, lower or neutral."""

    name: str
    definition: str
    meaning: str
    formula: str
    direction: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI of the days shown and of those before; None: undefined there. `unit` as answers have it."""

    kpi: str
    unit: str
    value: float | None
    before: float | None


@dataclass(frozen=True, slots=True)
class ForecastWeek:
    """A week by its first local date: what was forecast for the whole shop, and what came (None: not
    over)."""

    first_day: date
    forecast: float
    actual: float | None


@dataclass(frozen=True, slots=True)
class AgainstForecast:
    """The weeks that the forecast in the store speaks of, from `cutoff` on; empty where there is none."""

    cutoff: date | None
    weeks: tuple[ForecastWeek, ...]

    @property
    def difference(self) -> float | None:
        """Of the weeks that are over: how much more came than was forecast, relative; None where none is."""
        over = [week for week in self.weeks if week.actual is not None]
        expected = sum(week.forecast for week in over)
        return sum(week.actual or 0.0 for week in over) / expected - 1 if expected else None


def kpi_words(kpi: str, language: str) -> KpiWords:
    """NotFoundError for an unknown KPI."""
    from foresell.contracts.errors import did_you_mean
    from foresell.kpis import KPIS

    if kpi not in KPIS:
        raise NotFoundError(f"There is no KPI '{kpi}'", do=did_you_mean(kpi, KPIS))
    found = KPIS[kpi]
    words = found.words(language)
    return KpiWords(words.name, words.definition, words.meaning, found.formula, found.direction)


def known_span(shop: Shop) -> Span | None:
    """From the first to the last local date with an order that counts; None: there is none."""
    with shop.reading_matched() as tables:
        return find_span(tables, shop.settings, None, None)


def last_days(known: Span, days: int) -> tuple[Span, Span | None]:
    """The last `days` local dates of what is known, and as many before; None where those are not known
    whole."""
    if days < 1:
        raise InputError("A period has at least one day", received=days)
    recent = Span(max(known.start, known.end - timedelta(days=days - 1)), known.end)
    before = Span(recent.start - timedelta(days=days), recent.start - timedelta(days=1))
    return recent, before if before.start >= known.start else None


def headline(shop: Shop, recent: Span, before: Span | None) -> tuple[Figure, ...]:
    """The KPIs of HEADLINE that this shop can measure."""
    from foresell.kpis.kept_facts import KeptFacts

    with shop.reading_matched() as tables:
        kept = KeptFacts(tables, [(span.start, span.end) for span in (recent, before) if span])
        now = _answers(shop, kept, recent)
        then = _answers(shop, kept, before) if before else {}
    return tuple(
        Figure(name, answer.unit, _number(answer), _number(then.get(name)))
        for name, answer in now.items()
        if isinstance(answer, KpiAnswer)
    )


def _answers(shop: Shop, tables: "Tables", span: Span) -> dict[str, KpiAnswer | Unavailable]:
    from foresell.kpis.query import all_kpis

    found = all_kpis(tables, shop.settings, start=span.start, end=span.end, kpis=HEADLINE)
    return {name: found[name] for name in HEADLINE}


def _number(answer: KpiAnswer | Unavailable | None) -> float | None:
    if not isinstance(answer, KpiAnswer) or answer.value is None:
        return None
    return float(answer.value)


def daily_sales(shop: Shop, span: Span) -> tuple[tuple[date, float], ...]:
    """Net sales of every local date of a span; a day without orders is 0."""
    from foresell.kpis.query import query_kpi

    with shop.reading_matched() as tables:
        answer = query_kpi(tables, shop.settings, "net_sales", period="day", start=span.start, end=span.end)
    values = {row["period"]: float(row["value"] or 0) for row in answer.rows}
    days = [span.start + timedelta(days=number) for number in range(span.days)]
    return tuple((day, values.get(day.isoformat(), 0.0)) for day in days)


def why_changed(shop: Shop, recent: Span, before: Span) -> "ChangeExplanation | None":
    """What moved net sales between two spans; None where too little is known to say."""
    from foresell.explain.change import explain_change

    with shop.reading_matched() as tables:
        try:
            return explain_change(
                tables,
                shop.settings,
                start=recent.start,
                end=recent.end,
                baseline_start=before.start,
                baseline_end=before.end,
            )
        except (InputError, NotFoundError):
            return None


def digest_of_last_day(shop: Shop, last: date, language: str) -> "Digest":
    """The digest of the last local date with an order; alerts judge what was known at its end."""
    from foresell.services.digest import make_digest

    try:
        return make_digest(shop, last, language)
    except InputError:
        # The last order is of today, which is not over.
        return make_digest(shop, None, language)


def against_forecast(shop: Shop) -> AgainstForecast:
    """The store's own forecast, summed over its series, beside what came in those weeks."""
    from foresell.services.demand import demand

    found = demand(shop)
    _, ahead = found.total()
    if not ahead:
        return AgainstForecast(None, ())
    known = known_span(shop)
    first = ahead[0][0]
    sales = dict(daily_sales(shop, Span(first, known.end))) if known and known.end >= first else {}
    weeks = tuple(ForecastWeek(day, mean, _whole_week(sales, day, known)) for day, mean in ahead)
    return AgainstForecast(found.cutoff, weeks)


def _whole_week(sales: dict[date, float], first: date, known: Span | None) -> float | None:
    if known is None or first + timedelta(days=WEEK - 1) > known.end:
        return None
    return sum(sales.get(first + timedelta(days=day), 0.0) for day in range(WEEK))


# Values of a dimension and of the KPI there; None: rows that have no value of it, or an undefined KPI.
Parts = tuple[tuple[str | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class KpiCut:
    """A KPI over some days. `by_period`: first local date → value. `dimensions`: those it can be split by
    here."""

    unit: str
    total: float | None
    by_period: tuple[tuple[date, float | None], ...]
    dimensions: tuple[str, ...]


def cut_kpi(shop: Shop, kpi: str, span: Span, period: str) -> KpiCut:
    """Errors as `kpis.query.query_kpi`."""
    from foresell.kpis import KPIS
    from foresell.kpis.kept_facts import KeptFacts
    from foresell.kpis.query import query_kpi, valid_dimensions

    kpi_words(kpi, "en")
    asked: dict[str, Any] = {"start": span.start, "end": span.end}
    with shop.reading_matched() as every:
        tables = KeptFacts(every, [(span.start, span.end)])
        whole = query_kpi(tables, shop.settings, kpi, **asked)
        rows = query_kpi(tables, shop.settings, kpi, period=period, **asked).rows
        filled = _filled_dimensions(shop, tables, valid_dimensions(KPIS[kpi]))
    by_period = _every_day(rows, span, whole.unit) if period == "day" else _by_period(rows)
    return KpiCut(whole.unit, _number(whole), by_period, filled)


def split_kpi(shop: Shop, kpi: str, span: Span, by: str) -> Parts:
    """A KPI over some days by a dimension; errors as `kpis.query.query_kpi`."""
    from foresell.kpis.query import query_kpi

    with shop.reading_matched() as tables:
        rows = query_kpi(tables, shop.settings, kpi, by=by, start=span.start, end=span.end).rows
    return tuple((row[by], _float(row["value"])) for row in rows)


def _by_period(rows: list[dict[str, Any]]) -> tuple[tuple[date, float | None], ...]:
    return tuple((date.fromisoformat(row["period"]), _float(row["value"])) for row in rows)


def _every_day(rows: list[dict[str, Any]], span: Span, unit: str) -> tuple[tuple[date, float | None], ...]:
    """A day without a row: nothing of what is counted or summed, and no ratio of it."""
    known = dict(_by_period(rows))
    nothing = None if unit in RATIOS else 0.0
    days = [span.start + timedelta(days=number) for number in range(span.days)]
    return tuple((day, known.get(day, nothing)) for day in days)


def _filled_dimensions(shop: Shop, tables: "Tables", names: list[str]) -> tuple[str, ...]:
    """Of these dimensions those whose column holds anything; not customers, of whom there are too many."""
    from foresell.kpis.dimensions import DIMENSIONS
    from foresell.kpis.scope import make_scope

    scope = make_scope(tables, shop.settings)
    filled = []
    for name in names:
        dimension = DIMENSIONS[name]
        columns = {made for one in dimension.columns.values() for made in MADE_OF.get(one, (one,))}
        held = [
            (table, column)
            for table in ([dimension.table] if dimension.table else FACTS)
            for column in columns & set(tables.current(table).columns)
        ]
        if name not in NOT_OFFERED and any(scope.has_values(*one) for one in held):
            filled.append(name)
    return tuple(filled)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
