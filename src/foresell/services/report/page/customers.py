"""Cohorts as a heat map, and the segments of RFM."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from foresell.kpis.answer import KpiAnswer
from foresell.services.report.page.charts import Bar, BarChart, Table
from foresell.services.report.page.language import Language
from foresell.services.report.sections import Measured

MOST_COHORTS = 15
MOST_AGES = 12
# Shades of the heat map: the classes q0 … q9 of the page's style.
SHADES = 10
CUSTOMERS_COLOR, SALES_COLOR = 1, 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the heat map; a cell in the future has neither text nor shade."""

    text: str = ""
    shade: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class CohortRow:
    name: str
    customers: str
    value: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    ages: tuple[str, ...]
    rows: tuple[CohortRow, ...]
    has_values: bool


@dataclass(frozen=True, slots=True)
class Segments:
    chart: BarChart
    table: Table


def heat_map(measured: Measured, language: Language) -> HeatMap | None:
    """Retention by month of first order, the latest MOST_COHORTS; None without customers.

    Shades span from 0 to the largest share after the first month, which is always 100%.
    """
    answer = measured.overall.get("retention")
    if not isinstance(answer, KpiAnswer) or not answer.rows:
        return None
    by_cohort: dict[str, dict[int, dict[str, Any]]] = {}
    for row in answer.rows:
        by_cohort.setdefault(row["cohort"], {})[row["age"]] = row
    values = _lifetime_values(measured)
    cohorts = sorted(by_cohort)[-MOST_COHORTS:]
    ages = range(1, min(MOST_AGES, max(len(by_cohort[cohort]) for cohort in cohorts) - 1) + 1)
    shares = [by_cohort[c][age]["retention"] for c in cohorts for age in ages if age in by_cohort[c]]
    top = max(shares, default=0) or 1.0
    rows = tuple(
        CohortRow(
            name=language.month(date.fromisoformat(cohort)),
            customers=language.number(by_cohort[cohort][0]["customers"]),
            value=language.money(values.get(cohort)),
            cells=tuple(_cell(by_cohort[cohort].get(age), top, language) for age in ages),
        )
        for cohort in cohorts
    )
    return HeatMap(tuple(str(age) for age in ages), rows, bool(values))


def _lifetime_values(measured: Measured) -> dict[str, float]:
    answer = measured.overall.get("lifetime_value")
    if not isinstance(answer, KpiAnswer):
        return {}
    return {row["cohort"]: row["lifetime_value"] for row in answer.rows}


def _cell(row: dict[str, Any] | None, top: float, language: Language) -> Cell:
    if row is None:
        return Cell()
    share = row["retention"]
    title = f"{language.number(row['active_customers'])} / {language.number(row['customers'])}"
    return Cell(language.percent(share, 0), min(SHADES - 1, int(share / top * SHADES)), title)


def segments(measured: Measured, language: Language) -> Segments | None:
    answer = measured.overall.get("rfm")
    if not isinstance(answer, KpiAnswer) or not answer.rows:
        return None
    total = sum(row["net_sales"] for row in answer.rows)
    shares = [row["net_sales"] / total if total else 0.0 for row in answer.rows]
    whole = max(*shares, *(row["share"] for row in answer.rows), 0.01)
    bars: list[Bar] = []
    for row, share in zip(answer.rows, shares, strict=True):
        name = language.say(f"rfm.{row['segment']}")
        of_customers = language.say("rfm.of_customers", share=language.percent(row["share"]))
        of_sales = language.say("rfm.of_sales", share=language.percent(share))
        bars.append(Bar(name, of_customers, 0, _width(row["share"], whole), CUSTOMERS_COLOR))
        bars.append(Bar("", of_sales, 0, _width(share, whole), SALES_COLOR))
    title = language.say("rfm.share")
    summary = language.say(
        "chart.bars", title=title, bars=language.list([f"{bar.label} {bar.value}".strip() for bar in bars])
    )
    return Segments(BarChart(title, summary, tuple(bars)), _segment_table(answer.rows, language))


def _width(share: float, whole: float) -> float:
    return round(100 * max(0.0, share) / whole, 2)


def _segment_table(rows: list[dict[str, Any]], language: Language) -> Table:
    columns = ("segment", "customers", "sales", "recency", "orders", "money", "advice")
    header = tuple(language.say(f"rfm.{column}") for column in columns)
    return Table(
        header,
        tuple(
            (
                language.say(f"rfm.{row['segment']}"),
                language.number(row["customers"]),
                language.money(row["net_sales"]),
                language.number(row["recency_days"]),
                language.number(row["orders"], 1),
                language.money(row["monetary_value"]),
                language.say(f"rfm.advice.{row['segment']}"),
            )
            for row in rows
        ),
        kinds="knnnnnt",
    )
