"""The tab of rules: what is in force, what it touches, a check before a change, and the history."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button, field, text_area
from foresell.console.marks import paragraph
from foresell.console.pieces import act, card, columns, later, show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.rule_edits import NAME_OF_TEXT, examine_text, text_in_force
from foresell.services.rules import RuleVersion, check_rules, clear_rules, history, put_rules
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.examining import RuleTouch


async def build(visit: Visit) -> None:
    shop = visit.house.shop
    versions, text = await visit.house.in_thread(lambda: (history(shop), text_in_force(shop)))
    now = versions[-1] if versions else None
    note = (
        visit.say(
            "rules.in_force_note", version=now.version, by=now.made_by, at=visit.speech.moment(now.made_at)
        )
        if now
        else ""
    )
    with card(visit.say("rules.in_force"), note):
        if not text.strip():
            show(paragraph(visit.say("rules.none"), "nothing"))
        else:
            later(
                visit,
                visit.say("rules.in_force"),
                lambda: visit.house.ask(touched, len(versions)),
                lambda touches: _touches(visit, touches),
            )
    with columns("wide-left"):
        with card(visit.say("rules.edit"), visit.say("rules.edit_note")):
            _editor(visit, text)
        with card(visit.say("rules.history")):
            _history(visit, versions)


def touched(shop: Shop, _version: int) -> "tuple[RuleTouch, ...]":
    """What the rules in force touch; their version is named because they stand in no table."""
    return check_rules(shop)


def _touches(visit: Visit, touches: Any) -> None:
    rows = [touch.as_record(visit.liking.language) for touch in touches]
    shown = [
        Column("name", visit.say("rules.name")),
        Column("kind", visit.say("rules.kind")),
        Column("num_products", visit.say("rules.touches"), visit.speech.number, is_number=True),
        Column("warnings", visit.say("rules.warnings"), " ".join),
    ]
    table(visit, visit.say("rules.in_force"), shown, rows, name="rules")


def _editor(visit: Visit, text: str) -> None:
    if not visit.may("rules:write"):
        show(paragraph(visit.say("rules.no_right"), "note"))
        show(Markup("<pre><code>{}</code></pre>").format(text))
        return
    shop, by = visit.house.shop, visit.who.name
    written = text_area(visit.say("rules.editor"), text)
    why = field(visit.say("rules.note"), "")
    out = ui.element("div").props('aria-live="polite"')

    async def check() -> None:
        wanted = str(written.value or "")
        done, touches = await act(visit, "rules:write", lambda: examine_text(shop, wanted))
        out.clear()
        if done:
            with out:
                show(Markup("<h3>{}</h3>").format(visit.say("rules.checked")))
                _touches(visit, touches)

    async def put() -> None:
        wanted, reason = str(written.value or ""), str(why.value or "")
        await _done(visit, "rules.put", lambda: put_rules(shop, wanted, NAME_OF_TEXT, by, reason))

    async def clear() -> None:
        reason = str(why.value or "")
        await _done(visit, "rules.clear", lambda: clear_rules(shop, by, reason))

    with ui.element("div").classes("form"):
        button(visit.say("rules.load"), put)
        button(visit.say("rules.check"), check, css="quiet")
        if text.strip():
            button(visit.say("rules.clear"), clear, css="danger")


async def _done(visit: Visit, action: str, change: Callable[[], RuleVersion]) -> None:
    def work() -> RuleVersion:
        version = change()
        visit.note(action, version=version.version)
        return version

    done, version = await act(visit, "rules:write", work)
    if done:
        ui.notify(visit.say("rules.loaded", version=version.version), type="positive")
        ui.navigate.to("/products?tab=rules")


def _history(visit: Visit, versions: Any) -> None:
    rows = [
        {
            "version": one.version,
            "made_by": one.made_by,
            "made_at": one.made_at,
            "note": one.note,
            "num": one.num_rules,
        }
        for one in reversed(versions)
    ]
    shown = [
        Column("version", visit.say("rules.version")),
        Column("num", visit.say("rules.number"), visit.speech.number, is_number=True),
        Column("made_by", visit.say("rules.by")),
        Column("made_at", visit.say("rules.at"), visit.speech.moment, is_minor=True),
        Column("note", visit.say("rules.note")),
    ]
    table(visit, visit.say("rules.history"), shown, rows, name="rules-history")
