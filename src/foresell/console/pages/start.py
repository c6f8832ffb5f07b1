"""The guided start: a shop's name, its own file, and what it says."""

from nicegui import ui

from foresell.console.forms import button, field, select_field
from foresell.console.importing import Importing
from foresell.console.marks import link, paragraph
from foresell.console.pieces import act, card, heading, later, show
from foresell.console.visit import LANGUAGES, Visit
from foresell.services.shop_settings import change_settings, choices_of_settings, has_data


async def build(visit: Visit) -> None:
    heading(visit.say("start.title"), visit.say("start.lead"))
    is_new = not await visit.house.in_thread(has_data, visit.house.shop)
    with card(visit.say("start.shop"), visit.say("start.shop_note")):
        if is_new:
            _shop(visit)
        else:
            store = visit.house.shop.settings.store
            told = {"name": store.name, "zone": store.time_zone, "currency": store.currency}
            show(paragraph(visit.say("start.kept", **told)))
    with card(visit.say("start.file"), visit.say("start.file_note")):
        importing = Importing(visit)
    with card(visit.say("start.see")):
        box = ui.element("div").props('aria-live="polite"')
        with box:
            show(paragraph(visit.say("start.see_wait"), "nothing"))
    importing.when_in = lambda _found: _first_insight(visit, box)


def _shop(visit: Visit) -> None:
    store = visit.house.shop.settings.store
    zones, currencies = choices_of_settings(visit.liking.language)
    with ui.element("form").classes("form") as form:
        name = field(visit.say("start.name"), store.name)
        zone = select_field(visit.say("start.time_zone"), {one: one for one in zones}, store.time_zone)
        zone.props("use-input input-debounce=0")
        currency = select_field(visit.say("start.currency"), currencies, store.currency)
        currency.props("use-input input-debounce=0")
        spoken = {one: visit.say(f"language.{one}") for one in LANGUAGES}
        language = select_field(visit.say("start.language"), spoken, store.language)
        button(visit.say("start.keep"), None, is_submit=True, css="quiet")

    async def keep() -> None:
        choices = {
            "name": str(name.value or "").strip(),
            "time_zone": str(zone.value),
            "currency": str(currency.value),
            "language": str(language.value),
        }

        def work() -> None:
            change_settings(visit.house.shop, choices)
            visit.note("settings.change", **choices)
            visit.house.reopen()

        done, _ = await act(visit, "data:write", work)
        if done:
            told = {"name": choices["name"], "zone": choices["time_zone"], "currency": choices["currency"]}
            ui.notify(visit.say("start.kept", **told), type="positive")

    form.on("submit.prevent", keep)


def _first_insight(visit: Visit, box: ui.element) -> None:
    """The key figures of the last days known, as Today shows them."""
    from foresell.console.pages.today import shown_figures
    from foresell.console.periods import USUAL
    from foresell.services.today import headline, known_span, last_days

    async def ask() -> object:
        known = await visit.house.ask(known_span)
        if known is None:
            return None
        recent, before = last_days(known, USUAL)
        return recent, before, await visit.house.ask(headline, recent, before)

    box.clear()
    with box:
        later(visit, visit.say("today.figures"), ask, lambda found: shown_figures(visit, found), "for-tiles")
        show(link("/", visit.say("start.more"), "button"))
