"""Models & jobs: what is at work and how it did, versions put to work and back, what runs and how far it
is."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.boards import board
from foresell.console.fitting import fit_button
from foresell.console.forms import button
from foresell.console.jobs_shown import show_jobs
from foresell.console.marks import link, paragraph, pill
from foresell.console.pages import models_drift, models_experiments
from foresell.console.pieces import act, card, columns, empty, heading, later, show, tabs
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.contracts.errors import NotFoundError
from foresell.services.fitting import fittable
from foresell.services.leaderboards import Leaderboard, read_leaderboard
from foresell.services.models_in_use import (
    KnownModel,
    ModelVersion,
    known_model,
    known_models,
    promote,
)
from foresell.services.shop import Shop

SCOPE = "models:write"
OTHER_TABS = {"experiments": models_experiments.build, "drift": models_drift.build}
TABS = ("models", *OTHER_TABS)


async def build(visit: Visit) -> None:
    name = visit.values.get("model", "")
    house = visit.house
    if name:
        heading(visit.say("models.versions", name=name))
        model = await house.in_thread(known_model, house.shop, name)
        show(link("/models", visit.say("models.all"), "more"))
        _model(visit, model)
        return
    heading(visit.say("models.title"), visit.say("models.lead"))
    chosen = visit.values.get("tab", TABS[0])
    chosen = chosen if chosen in TABS else TABS[0]
    tabs(visit, "tab", {one: visit.say(f"models.tab.{one}") for one in TABS}, chosen)
    if chosen in OTHER_TABS:
        await OTHER_TABS[chosen](visit)
        return
    models, tasks = await house.in_thread(lambda: (known_models(house.shop), fittable(house.shop)))
    with columns("wide-left"):
        with ui.element("div"):
            if models:
                with card(visit.say("models.all")):
                    _models(visit, models)
            else:
                empty(visit.say("models.none"), visit.say("models.none_text"))
        with ui.element("div"):
            with card(visit.say("models.jobs"), visit.say("models.jobs_note")):
                show_jobs(visit)
            if visit.may(SCOPE):
                _start(visit, tasks)


def _start(visit: Visit, tasks: Sequence[str]) -> None:
    box = card(visit.say("models.start_title"), visit.say("models.start_note"))
    with box, ui.element("div").classes("form"):
        for task in tasks:
            fit_button(visit, task, task, css="quiet", then=lambda: None)


def _models(visit: Visit, models: Sequence[KnownModel]) -> None:
    rows = [
        {
            "name": one.name,
            "version": one.at_work.version if one.at_work else None,
            "kind": one.at_work.kind if one.at_work else None,
            "made": one.at_work.made_at if one.at_work else None,
            "num": len(one.versions),
        }
        for one in models
    ]
    shown = [
        Column("name", visit.say("models.name"), link=lambda row: visit.link(model=row["name"])),
        Column("version", visit.say("models.at_work")),
        Column("kind", visit.say("models.kind"), is_minor=True),
        Column("made", visit.say("models.made"), visit.speech.moment, is_minor=True),
        Column("num", visit.say("models.num"), visit.speech.number, is_number=True),
    ]
    table(visit, visit.say("models.all"), shown, rows, name="models")


def _model(visit: Visit, model: KnownModel) -> None:
    with card(visit.say("models.versions", name=model.name)):
        _versions(visit, model)
        _changes(visit, model)
    at_work = model.at_work or model.versions[0]
    with columns("wide-left"):
        with card(visit.say("models.board")):
            later(
                visit,
                visit.say("models.board"),
                lambda: visit.house.ask(_board, model.name),
                lambda found: _boards(visit, found, at_work.kind),
            )
        with card(visit.say("models.card"), at_work.version):
            show(Markup("<pre>{}</pre>").format(at_work.card or "–"))


def _board(shop: Shop, name: str) -> Leaderboard | None:
    """None where the task has none."""
    try:
        return read_leaderboard(shop, name)
    except NotFoundError:
        return None


def _boards(visit: Visit, found: Leaderboard | None, kind: str) -> None:
    if found is None:
        show(paragraph(visit.say("models.not_judged"), "nothing"))
    else:
        board(visit, found, kind)


def _versions(visit: Visit, model: KnownModel) -> None:
    def state(value: Any) -> object:
        return pill(visit.say("models.at_work"), "good") if value else ""

    def score(one: ModelVersion) -> str:
        split = one.scores.get("test") or one.scores.get("validation") or {}
        return ", ".join(f"{name} {visit.speech.number(value, 4)}" for name, value in list(split.items())[:2])

    rows = [
        {
            "version": one.version,
            "kind": one.kind,
            "made": one.made_at,
            "state": one.is_in_production,
            "score": score(one),
        }
        for one in model.versions
    ]
    shown = [
        Column("version", visit.say("models.version")),
        Column("state", visit.say("models.state"), state),
        Column("kind", visit.say("models.kind")),
        Column("made", visit.say("models.made"), visit.speech.moment, is_minor=True),
        Column("score", visit.say("models.score"), is_minor=True),
    ]
    table(
        visit,
        visit.say("models.versions", name=model.name),
        shown,
        rows,
        name=f"models-{model.name}",
        is_plain=True,
    )


def _changes(visit: Visit, model: KnownModel) -> None:
    if not visit.may(SCOPE):
        show(paragraph(visit.say("models.no_right"), "note"))
        return
    numbers = [one.version for one in model.versions]
    at_work = model.at_work.version if model.at_work else None
    before = numbers[numbers.index(at_work) + 1 :][:1] if at_work else []
    with ui.element("div").classes("form"):
        for number in before:
            _change_button(
                visit, model.name, number, visit.say("models.roll_back", version=number), "danger", at_work
            )
        for number in numbers:
            if number != at_work and number not in before:
                _change_button(
                    visit, model.name, number, visit.say("models.promote", version=number), "quiet", at_work
                )


def _change_button(visit: Visit, name: str, version: str, text: str, css: str, at_work: str | None) -> None:
    async def change() -> None:
        def work() -> None:
            try:
                promote(visit.house.shop, name, version)
            except Exception:
                visit.note("model.refused", model=name, version=version)
                raise
            visit.note("model.promote", model=name, version=version, before=at_work)

        done, _ = await act(visit, SCOPE, work)
        if done:
            ui.notify(visit.say("models.promoted", name=name, version=version), type="positive")
            ui.navigate.to(f"/models?model={name}")

    button(text, change, css=css)
