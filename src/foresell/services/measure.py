"""Measure and check: KPIs, why they changed, and the quality of the data below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, cast, get_args

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.settings import Settings
from foresell.services.shop import Engine, Progress, Shop, silent

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation
    from foresell.kpis.answer import KpiAnswer
    from foresell.matching.resolve import MatchedTables
    from foresell.quality.report import QualityReport


@dataclass(frozen=True, slots=True)
class Question:
    """How to cut a KPI; see `kpis.query.query_kpi`."""

    by: str | None = None
    period: str | None = None
    start: date | None = None
    end: date | None = None
    where: tuple[str, ...] = ()


def measure(shop: Shop, kpi: str, question: Question, engine: Engine = "duckdb") -> "KpiAnswer":
    """One KPI; errors as `query_kpi`."""
    with shop.reading_matched(engine) as tables:
        return measure_tables(tables, shop.settings, kpi, question)


def measure_tables(tables: "MatchedTables", settings: Settings, kpi: str, question: Question) -> "KpiAnswer":
    """One KPI of these tables; any id of a person asks for the person. Errors as `query_kpi`."""
    from foresell.kpis.query import query_kpi

    question = _of_persons(tables, question)
    return query_kpi(
        tables,
        settings,
        kpi,
        by=question.by,
        period=question.period,
        start=question.start,
        end=question.end,
        where=question.where,
    )


def measure_all(shop: Shop, question: Question, engine: Engine = "duckdb") -> list[dict[str, object]]:
    """Every KPI as a record; one that cannot be given says what it lacks."""
    from foresell.kpis.query import all_kpis

    with shop.reading_matched(engine) as tables:
        question = _of_persons(tables, question)
        answers = all_kpis(
            tables,
            shop.settings,
            by=question.by,
            period=question.period,
            start=question.start,
            end=question.end,
            where=question.where,
        )
    return [answer.as_record() for answer in answers.values()]


def _of_persons(tables: "MatchedTables", question: Question) -> Question:
    """The question with the person in the place of a customer's id, as the tables name them."""
    return replace(question, where=tuple(_of_person(tables, condition) for condition in question.where))


def _of_person(tables: "MatchedTables", condition: str) -> str:
    dimension, sign, value = condition.partition("=")
    if dimension.strip() != "customer" or not value.strip():
        return condition
    return f"{dimension}{sign}{tables.person_of(value.strip())}"


def describe_kpis(name: str | None = None) -> list[dict[str, object]]:
    """What KPIs mean and how they are calculated; one, or the whole catalog."""
    from foresell.kpis import KPIS

    if name is not None and name not in KPIS:
        raise NotFoundError(f"There is no KPI '{name}'", do=did_you_mean(name, KPIS))
    chosen = KPIS.values() if name is None else [KPIS[name]]
    return [
        {
            "kpi": kpi.id,
            "unit": kpi.unit,
            "formula": kpi.formula,
            "grain": kpi.grain,
            "better": kpi.direction,
            "meaning": kpi.words("en").meaning,
        }
        for kpi in chosen
    ]


def explain(shop: Shop, kpi: str, dates: Mapping[str, date | None]) -> "ChangeExplanation":
    """Why a KPI changed between two periods; `dates` as the arguments of `explain_change`."""
    from foresell.explain.change import explain_change

    start, end = dates["start"], dates["end"]
    if start is None or end is None:
        raise InputError("Which change is not said", do="Add --from YYYY-MM-DD --to YYYY-MM-DD.")
    if start > end:
        raise InputError("The first day is after the last", received=f"{start} to {end}", do="Swap them.")
    with shop.reading_matched() as tables:
        return explain_change(
            tables,
            shop.settings,
            kpi,
            start=start,
            end=end,
            baseline_start=dates["baseline_start"],
            baseline_end=dates["baseline_end"],
        )


def check_quality(
    shop: Shop, checks: Sequence[str] | None = None, progress: Progress = silent
) -> "QualityReport":
    """Run quality checks (None: all) over what the store holds now."""
    from foresell.quality import CHECKS
    from foresell.quality.report import check_tables

    names = list(CHECKS) if checks is None else list(checks)
    with shop.reading() as tables:
        return check_tables(
            tables,
            shop.settings,
            names,
            lambda check: progress(f"checking {check}", names.index(check), len(names)),
        )


def read_date(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{option} is not a date", received=text, do="Write it as 2024-12-31.") from error


def read_engine(text: str) -> Engine:
    if text not in get_args(Engine):
        raise InputError(f"There is no engine '{text}'", do=did_you_mean(text, get_args(Engine)))
    return cast("Engine", text)
