"""The tab of experiments: what is tried on whom, and what came of it so far."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button
from foresell.console.marks import link, pairs, paragraph, pill
from foresell.console.pieces import act, card, empty, later, show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.experiments.result import ExperimentResult, Finding, experiment_result
from foresell.services.experiments.running import Experiment, experiments, find_experiment, start, stop

SCOPE = "experiments:write"
STATES = {"running": "accent", "stopped": "even", "declared": "warn"}
VERDICTS = {"better": "good", "worse": "bad", "no_difference": "even", "open": "warn"}
MONEY = "revenue"


async def build(visit: Visit) -> None:
    house = visit.house
    name = visit.values.get("experiment", "")
    if name:
        _one(visit, await house.in_thread(find_experiment, house.shop, name))
        return
    found = await house.in_thread(experiments, house.shop)
    if found:
        with card(visit.say("experiments.title"), visit.say("experiments.note")):
            _table(visit, found)
    else:
        empty(visit.say("experiments.none"), visit.say("experiments.none_text"))


def _table(visit: Visit, found: Sequence[Experiment]) -> None:
    rows = [
        {
            "name": one.name,
            "state": one.state,
            "hypothesis": one.declaration.hypothesis,
            "metric": one.declaration.metric,
            "started": one.started_at,
        }
        for one in found
    ]
    shown = [
        Column("name", visit.say("experiments.name"), link=lambda row: visit.link(experiment=row["name"])),
        Column("state", visit.say("experiments.state"), lambda value: _state(visit, value)),
        Column("hypothesis", visit.say("experiments.hypothesis"), is_minor=True),
        Column("metric", visit.say("experiments.metric"), lambda value: _metric(visit, value)),
        Column("started", visit.say("experiments.started"), lambda value: _moment(visit, value)),
    ]
    table(visit, visit.say("experiments.title"), shown, rows, name="experiments")


def _state(visit: Visit, state: str) -> Markup:
    return pill(visit.say(f"experiments.state.{state}"), STATES.get(state, "even"))


def _metric(visit: Visit, metric: str) -> str:
    return visit.say(f"experiments.metric.{metric}")


def _moment(visit: Visit, value: Any) -> str:
    return "–" if value is None else visit.speech.moment(value)


def _one(visit: Visit, experiment: Experiment) -> None:
    told, speech = experiment.declaration, visit.speech
    show(link("/models?tab=experiments", visit.say("experiments.all"), "more"))
    with card(experiment.name, told.hypothesis):
        shares = [f"{one.name} {speech.percent(one.share * told.traffic)}" for one in told.variants]
        show(
            pairs(
                [
                    (visit.say("experiments.state"), _state(visit, experiment.state)),
                    (visit.say("experiments.metric"), _metric(visit, told.metric)),
                    (visit.say("experiments.variants"), ", ".join(shares)),
                    (visit.say("experiments.window"), visit.say("experiments.days", days=told.window_days)),
                    (visit.say("experiments.started"), _moment(visit, experiment.started_at)),
                    (visit.say("experiments.stopped"), _moment(visit, experiment.stopped_at)),
                ]
            )
        )
        _changes(visit, experiment)
    if experiment.started_at is None:
        return
    with card(visit.say("experiments.result"), visit.say("experiments.result_note")):
        later(
            visit,
            visit.say("experiments.result"),
            lambda: visit.house.in_thread(experiment_result, visit.house.shop, experiment.name),
            lambda found: _result(visit, found),
            "for-chart",
        )


def _changes(visit: Visit, experiment: Experiment) -> None:
    if not visit.may(SCOPE):
        return
    change: Callable[..., Any] | None = {"declared": start, "running": stop}.get(experiment.state)
    if change is None:
        return

    async def do() -> None:
        done, _ = await act(visit, SCOPE, lambda: change(visit.house.shop, experiment.name, visit.who.name))
        if done:
            ui.navigate.to(f"/models{visit.link()}")

    button(visit.say(f"experiments.{change.__name__}"), do, css="quiet")


def _result(visit: Visit, found: ExperimentResult) -> None:
    speech = visit.speech
    if not found.is_divided_as_meant:
        show(paragraph(visit.say("experiments.divided_wrongly"), "fault"))
    groups = [
        {"variant": name, "exposed": number, "measured": found.measured.get(name, 0)}
        for name, number in found.exposed.items()
    ]
    counted = [
        Column("variant", visit.say("experiments.variant")),
        Column("exposed", visit.say("experiments.exposed"), speech.number, is_number=True),
        Column("measured", visit.say("experiments.measured"), speech.number, is_number=True),
    ]
    table(visit, visit.say("experiments.exposed"), counted, groups, name=f"{found.experiment.name}-shown")
    rows = [
        {
            "metric": _metric(visit, one.metric),
            "variant": one.variant,
            "verdict": one.verdict,
            "control": _value(visit, one, one.adjusted.control),
            "other": _value(visit, one, one.adjusted.variant),
            "difference": _difference(visit, one),
        }
        for one in found.findings
    ]
    shown = [
        Column("metric", visit.say("experiments.metric")),
        Column("variant", visit.say("experiments.variant")),
        Column(
            "verdict",
            visit.say("experiments.verdict"),
            lambda value: pill(visit.say(f"experiments.verdict.{value}"), VERDICTS[value]),
        ),
        Column("control", visit.say("experiments.control"), is_number=True, is_minor=True),
        Column("other", visit.say("experiments.other"), is_number=True, is_minor=True),
        Column("difference", visit.say("experiments.difference"), is_number=True),
    ]
    title = visit.say("experiments.findings", level=speech.percent(1 - found.level))
    show(Markup("<h3>{}</h3>").format(title))
    table(visit, title, shown, rows, name=f"{found.experiment.name}-result")


def _value(visit: Visit, finding: Finding, value: float) -> str:
    if not isfinite(value):
        return "–"
    return visit.speech.money(value) if finding.metric == MONEY else visit.speech.number(value, 4)


def _difference(visit: Visit, finding: Finding) -> str:
    """With its interval; where too few were measured to say, how many more are awaited is in the plan."""
    found = finding.adjusted.difference
    if not isfinite(found.lower):
        return "–"
    value, lower, upper = (_value(visit, finding, one) for one in (found.value, found.lower, found.upper))
    return f"{value} ({lower} – {upper})"
