"""Demand: the forecast of the whole shop and of each series, with intervals, and how models did."""

from collections.abc import Sequence
from datetime import date

from nicegui import ui

from foresell.console.boards import board
from foresell.console.charts import Line, bar_chart, line_chart
from foresell.console.fitting import fit_button
from foresell.console.marks import link, listed, paragraph, pill
from foresell.console.pieces import card, columns, empty, heading, later, show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.demand import Demand, demand
from foresell.services.forecasting.explain import (
    ExplainedForecast,
    KnownForecaster,
    explain_forecast,
    know_forecaster,
)
from foresell.services.leaderboards import read_leaderboard
from foresell.services.models_in_use import is_in_production, known_model
from foresell.services.report.sections import ForecastSeries
from foresell.services.shop import Shop

SHOWN_WEEKS = 26
MODEL = "forecast"


async def build(visit: Visit) -> None:
    heading(visit.say("demand.title"), visit.say("demand.lead"))
    later(
        visit,
        visit.say("demand.title"),
        lambda: visit.house.ask(demand),
        lambda found: _demand(visit, found),
        "for-chart",
    )


def _demand(visit: Visit, found: Demand) -> None:
    if found.cutoff is None:
        empty(visit.say("demand.empty"), visit.say("demand.empty_text"))
        with ui.element("div").classes("centered"):
            fit_button(visit, "forecast", visit.say("demand.fit"))
        return
    chosen = found.find(visit.values.get("series", ""))
    note = visit.say("demand.note", day=visit.speech.day(found.cutoff))
    with card(chosen.series_id if chosen else visit.say("demand.total"), note):
        if chosen:
            _series(visit, chosen)
            show(link("/demand", visit.say("demand.to_total"), "more"))
        else:
            _total(visit, found)
    if chosen:
        series = chosen.series_id
        with card(visit.say("demand.drivers"), series):
            later(
                visit,
                visit.say("demand.drivers"),
                lambda: _explained(visit, series),
                lambda told: _drivers(visit, told),
                "for-chart",
            )
    weeks = len(found.series[0].points)
    with columns():
        with card(visit.say("demand.by_series"), visit.say("demand.by_series_note", weeks=weeks)):
            _table(visit, found)
        with card(visit.say("demand.board")):
            later(
                visit,
                visit.say("demand.board"),
                lambda: visit.house.ask(read_leaderboard, "forecast"),
                lambda one: board(visit, one, is_narrow=True),
            )


def at_work(shop: Shop) -> str | None:
    """The version of the forecaster in production; None: there is none."""
    found = known_model(shop, MODEL).at_work if is_in_production(shop, MODEL) else None
    return found.version if found else None


def forecaster(shop: Shop, _version: str | None) -> KnownForecaster:
    """What explanations need; the version is named because it stands in no table."""
    return know_forecaster(shop)


async def _explained(visit: Visit, series: str) -> ExplainedForecast:
    house = visit.house
    known = await house.ask(forecaster, await house.in_thread(at_work, house.shop))
    question = ("explained forecast", series, known.label)
    return await house.ask_once(question, lambda: explain_forecast(house.shop, series, known=known))


def _total(visit: Visit, found: Demand) -> None:
    past, ahead = found.total()
    weeks = len(ahead)
    last = [value for _, value in past[-weeks:]]
    _sentence(visit, sum(value for _, value in ahead), sum(last) if len(last) == weeks else None, weeks)
    _chart(visit, visit.say("demand.total"), "demand", past, ahead, ())


def _series(visit: Visit, one: ForecastSeries) -> None:
    _sentence(visit, one.expected, one.same_length_before, len(one.points))
    ahead = [(point.first_day, point.mean) for point in one.points]
    offset = min(SHOWN_WEEKS, len(one.history))
    bands = []
    for level in ("95", "80"):
        lower = [getattr(point, f"lower_{level}") for point in one.points]
        upper = [getattr(point, f"upper_{level}") for point in one.points]
        if None not in lower and None not in upper:
            blank: list[float | None] = [None] * offset
            bands.append(
                Line(
                    visit.say(f"demand.band_{level}"),
                    [*blank, *(value for _, value in ahead)],
                    2,
                    lower=[*blank, *lower],
                    upper=[*blank, *upper],
                    is_band_only=True,
                )
            )
    _chart(visit, one.series_id, "demand-series", one.history, ahead, bands)


def _drivers(visit: Visit, found: ExplainedForecast) -> None:
    """What the forecast is made of beside its level, the largest first."""
    show(listed(found.as_lines(visit.liking.language), "sentences"))
    bars = [(_part(visit, row["part"]), float(row["effect"])) for row in found.explanation.drivers.to_dicts()]
    if bars:
        title = visit.say("demand.drivers")
        bar_chart(
            visit,
            title,
            "demand-drivers",
            bars,
            first_title=title,
            value_title=visit.say("demand.drivers_value"),
            is_signed=True,
        )


def _part(visit: Visit, part: str) -> str:
    key = f"demand.part.{part}"
    return visit.say(key) if visit.speech.knows(key) else part


def _sentence(visit: Visit, expected: float, before: float | None, weeks: int) -> None:
    told = {"sum": visit.speech.money(expected), "weeks": weeks}
    if before:
        text = visit.say("demand.sentence", change=visit.speech.change(expected / before - 1), **told)
    else:
        text = visit.say("demand.sentence_alone", **told)
    show(paragraph(text))


def _chart(
    visit: Visit,
    title: str,
    name: str,
    past: Sequence[tuple[date, float | None]],
    ahead: Sequence[tuple[date, float]],
    bands: Sequence[Line],
) -> None:
    shown = past[-SHOWN_WEEKS:]
    weeks = [day for day, _ in shown] + [day for day, _ in ahead]
    blank_ahead: list[float | None] = [None] * len(ahead)
    blank_past: list[float | None] = [None] * (len(shown) - 1)
    joint = [shown[-1][1]] if shown else []
    lines = [
        *bands,
        Line(visit.say("demand.past"), [*(value for _, value in shown), *blank_ahead], is_filled=not bands),
        Line(
            visit.say("demand.ahead"),
            [*blank_past, *joint, *(value for _, value in ahead)],
            2,
            is_dashed=True,
        ),
    ]
    line_chart(
        visit,
        title,
        name,
        [visit.speech.short_day(day) for day in weeks],
        lines,
        first_title=visit.say("demand.week"),
        height=320,
    )


def _table(visit: Visit, found: Demand) -> None:
    speech = visit.speech
    rows = []
    for one in found.series:
        before = one.same_length_before
        change = one.expected / before - 1 if before else None
        rows.append({"series": one.series_id, "expected": one.expected, "before": before, "change": change})
    shown = [
        Column("series", visit.say("demand.series"), link=lambda row: visit.link(series=row["series"])),
        Column("expected", visit.say("demand.expected"), speech.money, is_number=True),
        Column("before", visit.say("demand.before"), speech.money, is_number=True, is_minor=True),
        Column(
            "change", visit.say("demand.change"), lambda value: pill(speech.change(value)), is_number=True
        ),
    ]
    table(visit, visit.say("demand.by_series"), shown, rows, name="demand")
