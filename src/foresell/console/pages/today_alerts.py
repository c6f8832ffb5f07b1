"""What somebody should look at: alerts until they are over, what the sources' rules say, and the last day."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button
from foresell.console.marks import icon, link, listed, pill
from foresell.console.pieces import act, show
from foresell.console.visit import Visit
from foresell.services.monitoring.alerts import acknowledge, list_alerts
from foresell.store.alerts import StoredAlert

if TYPE_CHECKING:
    from datetime import date

    from foresell.quality.alerts.watched import Alert
    from foresell.services.digest import Digest

SCOPE = "alerts:write"
SEVERITIES = ("error", "warning", "note")
MOST_SHOWN = 4
TONES = {"error": "bad", "warning": "warn"}
# By how an alert's kind begins: where what it is about is looked at.
PLACES = {
    "data": "/data?tab=quality",
    "experiment": "/models?tab=experiments",
    "drift": "/models?tab=drift",
    "score": "/models",
    "forecast": "/demand",
    "model": "/models",
}
Looked = tuple["Digest", Sequence[StoredAlert]]


async def look(visit: Visit, last: "date") -> Looked:
    """The digest of the last day known, and the alerts that are not over."""
    from foresell.services.today import digest_of_last_day

    house = visit.house
    digest = await house.ask(digest_of_last_day, last, visit.liking.language)
    return digest, await house.in_thread(list_alerts, house.shop)


def show_alerts(visit: Visit, found: Looked) -> None:
    digest, stored = found
    known = {one.message for one in stored}
    others = [one for one in digest.alerts if one.words.message not in known]
    if not stored and not others:
        show(Markup('<p class="fine">{}{}</p>').format(icon("check"), visit.say("today.no_alerts")))
    ordered = sorted(stored, key=lambda one: (SEVERITIES.index(one.severity), -one.since.timestamp()))
    for alert in ordered[:MOST_SHOWN]:
        _stored(visit, alert)
    if others:
        show(listed((_told(visit, one) for one in others[:MOST_SHOWN]), "alerts"))
    rest = ordered[MOST_SHOWN:]
    if rest:
        with ui.expansion(visit.say("today.alerts_more", number=len(rest))).classes("figures").props("dense"):
            for alert in rest:
                _stored(visit, alert)
    figures = [line.html(visit.speech) for line in digest.lines if line.kind == "figure"]
    if figures:
        title = visit.say("today.day_title", day=visit.speech.weekday(digest.day))
        show(Markup("<h3>{}</h3>").format(title) + listed(figures, "sentences"))


def _told(visit: Visit, alert: "Alert") -> Markup:
    text = alert.words.message_zh if visit.liking.language == "zh" else alert.words.message
    return Markup("{}<span>{}</span>").format(_mark(visit, alert.severity), text)


def _mark(visit: Visit, severity: str) -> Markup:
    return pill(visit.say(f"digest.{severity}"), TONES.get(severity, "even"))


def _stored(visit: Visit, alert: StoredAlert) -> None:
    """An alert with since when it is so, where to look, and a button for whoever sees to it."""
    message, advice = alert.in_language(visit.liking.language)
    place = next((to for name, to in PLACES.items() if alert.kind.startswith(name)), None)
    with ui.element("div").classes("alert"):
        show(
            Markup("<p>{} {}</p><p class='note'>{} {}</p>").format(
                _mark(visit, alert.severity), message, advice, _since(visit, alert)
            )
        )
        with ui.element("div").classes("actions"):
            if place:
                show(link(place, visit.say("today.alert_open"), "more"))
            if alert.state == "open" and visit.may(SCOPE):
                _button(visit, alert)


def _since(visit: Visit, alert: StoredAlert) -> str:
    since = visit.say("today.alert_since", at=visit.speech.moment(alert.since))
    if alert.acknowledged_by is None:
        return since
    return since + visit.say("today.alert_seen_to", by=alert.acknowledged_by)


def _button(visit: Visit, alert: StoredAlert) -> None:
    async def see_to() -> None:
        done, _ = await act(
            visit, SCOPE, lambda: acknowledge(visit.house.shop, alert.alert_id, visit.who.name)
        )
        if done:
            ui.notify(visit.say("today.alert_done"), type="positive")
            ui.navigate.reload()

    label = visit.say("today.alert_label", what=alert.subject)
    button(visit.say("today.alert_acknowledge"), see_to, css="quiet small", label=label)
