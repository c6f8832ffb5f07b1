"""The few sentences that a shop owner should read if nothing else."""

from collections.abc import Iterator

from markupsafe import Markup

from foresell.kpis.answer import KpiAnswer
from foresell.services.report.page.change import main_factor
from foresell.services.report.page.language import Language
from foresell.services.report.sections import Answers, Report

MOST_SENTENCES = 6
NUM_LARGEST = 3


def sentences(report: Report, language: Language) -> list[Markup]:
    """What the figures can say here, at most MOST_SENTENCES; nothing for a store without orders."""
    if report.span is None:
        return []
    tellers = (_sales, _change, _forecast, _best, _at_risk, _discount, _mix, _margin, _refunds)
    told = [sentence for tell in tellers for sentence in tell(report, language)]
    return told[:MOST_SENTENCES]


def value_of(answers: Answers, kpi: str) -> float | None:
    """The one value of a KPI; None where it is unavailable or undefined."""
    answer = answers.get(kpi)
    if not isinstance(answer, KpiAnswer) or answer.value is None:
        return None
    return float(answer.value)


def _sales(report: Report, language: Language) -> Iterator[Markup]:
    overall = report.measured.overall
    sales, orders = value_of(overall, "net_sales"), value_of(overall, "orders")
    value = value_of(overall, "average_order_value")
    if report.span and sales is not None:
        yield language.say_strongly(
            "say.sales",
            start=language.day(report.span.start),
            end=language.day(report.span.end),
            sales=language.money(sales),
            orders=language.number(orders),
            value=language.money(value),
        )


def _change(report: Report, language: Language) -> Iterator[Markup]:
    now = value_of(report.measured.recent, "net_sales")
    before = value_of(report.measured.before, "net_sales")
    if now is None or not before:
        return
    words = {
        "sales": language.money(now),
        "change": language.change(now / before - 1),
        "difference": language.signed_money(now - before),
    }
    factor = main_factor(report.change.why, language)
    if factor is None:
        yield language.say_strongly("say.changed", **words)
    else:
        name, part = factor
        yield language.say_strongly("say.more", factor=name, part=language.signed_money(part), **words)


def _forecast(report: Report, language: Language) -> Iterator[Markup]:
    series = report.predictions.forecasts
    if not series:
        return
    expected = sum(one.expected for one in series)
    before = sum(one.same_length_before or 0.0 for one in series)
    longest = max(series, key=lambda one: len(one.points))
    yield language.say_strongly(
        "say.forecast",
        weeks=language.number(len(longest.points)),
        start=language.day(longest.points[0].first_day),
        sales=language.money(expected),
        change=language.change(expected / before - 1 if before else None),
    )


def _segments(report: Report) -> dict[str, dict[str, float]]:
    answer = report.measured.overall.get("rfm")
    return {row["segment"]: row for row in answer.rows} if isinstance(answer, KpiAnswer) else {}


def _best(report: Report, language: Language) -> Iterator[Markup]:
    segments = _segments(report)
    total = sum(row["net_sales"] for row in segments.values())
    best = segments.get("champions")
    if best and total > 0:
        yield language.say_strongly(
            "say.best",
            customers=language.number(best["customers"]),
            share=language.percent(best["share"]),
            sales=language.money(best["net_sales"]),
            part=language.percent(best["net_sales"] / total),
        )


def _at_risk(report: Report, language: Language) -> Iterator[Markup]:
    away = [row for name, row in _segments(report).items() if name in ("cannot_lose", "at_risk")]
    customers = sum(row["customers"] for row in away)
    if customers:
        days = sum(row["recency_days"] * row["customers"] for row in away) / customers
        yield language.say_strongly(
            "say.at_risk",
            customers=language.number(customers),
            days=language.value(days, "days"),
            sales=language.money(sum(row["net_sales"] for row in away)),
        )


def _mix(report: Report, language: Language) -> Iterator[Markup]:
    shares = report.places.departments or report.places.categories
    named = [share for share in shares if share.name]
    if len(named) > NUM_LARGEST:
        yield language.say_strongly(
            "say.mix" if report.places.departments else "say.mix_categories",
            name=named[0].name,
            sales=language.money(named[0].net_sales),
            share=language.percent(named[0].share),
            three=language.percent(sum(share.share for share in named[:NUM_LARGEST])),
        )


def _discount(report: Report, language: Language) -> Iterator[Markup]:
    overall = report.measured.overall
    discount, gross = value_of(overall, "discount"), value_of(overall, "gross_sales")
    promoted = value_of(overall, "promotion_share")
    if not discount or not gross:
        return
    words = {"discount": language.money(discount), "rate": language.percent(discount / gross)}
    if promoted:
        yield language.say_strongly("say.discount_promoted", promoted=language.percent(promoted), **words)
    else:
        yield language.say_strongly("say.discount", **words)


def _refunds(report: Report, language: Language) -> Iterator[Markup]:
    overall = report.measured.overall
    refunds, gross = value_of(overall, "refunds"), value_of(overall, "gross_sales")
    if refunds and gross:
        yield language.say_strongly(
            "say.refunds", refunds=language.money(refunds), rate=language.percent(refunds / gross)
        )


def _margin(report: Report, language: Language) -> Iterator[Markup]:
    margin = value_of(report.measured.overall, "contribution_margin")
    if margin is not None:
        yield language.say_strongly("say.margin", margin=language.money(margin))
