"""Key figures: tiles by family, net sales by week, month by month, and what cannot be measured yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from foresell.kpis import KPI_FAMILIES, KPIS
from foresell.kpis.answer import KpiAnswer, Unavailable
from foresell.services.report.gather.measures import MONTH_KPIS
from foresell.services.report.page.charts import LineChart, Sparkline, Table, sparkline
from foresell.services.report.page.language import Language
from foresell.services.report.page.sentences import value_of
from foresell.services.report.page.trends import week_chart
from foresell.services.report.sections import Measured

# Below this a change is noise, and has no color.
LEAST_CHANGE = 0.005


@dataclass(frozen=True, slots=True)
class Tile:
    """A KPI at a glance. `tone`: good, bad or even, by the KPI's direction."""

    name: str
    value: str
    meaning: str
    definition: str
    change: str
    tone: str
    trend: Sparkline | None


@dataclass(frozen=True, slots=True)
class Missing:
    name: str
    meaning: str
    lacks: str


@dataclass(frozen=True, slots=True)
class Family:
    title: str
    tiles: tuple[Tile, ...]
    missing: tuple[Missing, ...]


def families(measured: Measured, language: Language) -> list[Family]:
    return [
        Family(
            zh if language.code == "zh" else en,
            tuple(_tile(name, measured, language) for name in names if _has_value(measured, name)),
            tuple(
                _missing(measured.overall[name], language) for name in names if _is_missing(measured, name)
            ),
        )
        for en, zh, names in KPI_FAMILIES.values()
    ]


def sales_chart(measured: Measured, language: Language) -> LineChart | None:
    return week_chart(measured, "net_sales", language, language.say("kpis.sales_chart"))


def months(measured: Measured, language: Language) -> Table | None:
    """A row a whole month, the latest last; None where there are fewer than two."""
    shown = [name for name in MONTH_KPIS if isinstance(measured.monthly.get(name), KpiAnswer)]
    values = {name: series_of(measured, "monthly", name) for name in shown}
    starts = sorted({month for series in values.values() for month in series} & measured.whole_months)
    if len(starts) < 2:
        return None
    header = (language.say("kpis.month"), *(KPIS[name].words(language.code).name for name in shown))
    rows = [
        (
            language.month(date.fromisoformat(start)),
            *(language.value(values[name].get(start), _unit(measured, name)) for name in shown),
        )
        for start in starts
    ]
    return Table(header, tuple(rows))


def series_of(measured: Measured, period: str, kpi: str) -> dict[str, float | None]:
    """A KPI by first date of the period, of those that lie wholly in the span."""
    answer = (measured.weekly if period == "weekly" else measured.monthly).get(kpi)
    whole = measured.whole_weeks if period == "weekly" else measured.whole_months
    if not isinstance(answer, KpiAnswer):
        return {}
    return {row["period"]: row["value"] for row in answer.rows if row["period"] in whole}


def _unit(measured: Measured, kpi: str) -> str:
    answer = measured.overall[kpi]
    return answer.unit if isinstance(answer, KpiAnswer) else ""


def _has_value(measured: Measured, kpi: str) -> bool:
    answer = measured.overall.get(kpi)
    return isinstance(answer, KpiAnswer) and len(answer.rows) == 1 and set(answer.rows[0]) == {"value"}


def _is_missing(measured: Measured, kpi: str) -> bool:
    return isinstance(measured.overall.get(kpi), Unavailable)


def _tile(kpi: str, measured: Measured, language: Language) -> Tile:
    words = KPIS[kpi].words(language.code)
    unit = _unit(measured, kpi)
    text, relative = _change(kpi, unit, measured, language)
    return Tile(
        name=words.name,
        value=language.value(value_of(measured.overall, kpi), unit),
        meaning=words.meaning,
        definition=words.definition,
        change=text,
        tone=_tone(kpi, relative),
        trend=_trend(kpi, unit, measured, language),
    )


def _change(kpi: str, unit: str, measured: Measured, language: Language) -> tuple[str, float]:
    """The change of the recent weeks in words, and its size for the tone: rates change by points."""
    now, before = value_of(measured.recent, kpi), value_of(measured.before, kpi)
    if now is None or before is None:
        return "", 0.0
    if unit == "rate":
        points = language.change(now - before).removesuffix("%")
        return language.say("kpis.points", value=points), now - before
    if not before:
        return "", 0.0
    return language.change(now / before - 1), now / before - 1


def _tone(kpi: str, change: float) -> str:
    if abs(change) < LEAST_CHANGE or KPIS[kpi].direction == "neutral":
        return "even"
    return "good" if (change > 0) == (KPIS[kpi].direction == "higher") else "bad"


def _trend(kpi: str, unit: str, measured: Measured, language: Language) -> Sparkline | None:
    series = series_of(measured, "weekly", kpi)
    weeks = sorted(series)
    values: Sequence[float | None] = [series[week] for week in weeks]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    summary = language.say(
        "kpis.trend",
        first=language.day(date.fromisoformat(weeks[0])),
        last=language.day(date.fromisoformat(weeks[-1])),
        low=language.value(min(known), unit),
        high=language.value(max(known), unit),
    )
    return sparkline(values, summary)


def _missing(answer: KpiAnswer | Unavailable, language: Language) -> Missing:
    words = KPIS[answer.kpi].words(language.code)
    lacks = getattr(answer, "lacks", ())
    needed = [need.replace("|", language.say("kpis.or")) for need in lacks]
    text = language.say("kpis.lacks", tables=language.list(needed)) if needed else ""
    return Missing(words.name, words.meaning, text)


def promotion_chart(measured: Measured, language: Language) -> LineChart | None:
    return week_chart(measured, "promotion_share", language, language.say("promotions.share_week"))
