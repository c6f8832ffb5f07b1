"""One customer: who, worth, rhythm, tastes, what models expect and why, who is alike."""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.charts import Line, line_chart
from foresell.console.forms import button
from foresell.console.marks import joined, link, listed, meter, pairs, paragraph, pill
from foresell.console.pages.customers import around, profile_link, score_text
from foresell.console.pieces import act, card, columns, heading, later, show, waiting
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.customers.explain import explain_customer
from foresell.services.customers.profile import profile_customer, told_profile

if TYPE_CHECKING:
    from foresell.predict.customers.profiles.profile import Profile

MOST_ALIKE = 8


async def build(visit: Visit) -> None:
    customer = visit.values["customer"]
    with ui.element("div").classes("heading-row"):
        heading(visit.say("profile.title", customer=customer))
        links = [link("/customers", visit.say("profile.back"), "button quiet")]
        links.append(link(f"/products?customer={customer}", visit.say("profile.recommend"), "button quiet"))
        show(Markup('<div class="form">{}</div>').format(joined(links)))
    later(
        visit,
        visit.say("profile.title", customer=customer),
        lambda: _read(visit, customer),
        lambda found: _profile(visit, found),
        "for-chart",
    )


async def _read(visit: Visit, customer: str) -> "Profile":
    """The profile, after that somebody reads it was written down."""
    house = visit.house
    await house.in_thread(visit.note, "profile.read", customer)
    seen = await house.ask(around)
    return await house.ask_once(
        ("profile", customer), lambda: profile_customer(house.shop, customer, around=seen)
    )


def _profile(visit: Visit, found: "Profile") -> None:
    show(paragraph(visit.say("profile.as_of", at=visit.speech.moment(found.cutoff_at)), "note"))
    if found.value:
        with card(visit.say("profile.worth")):
            _worth(visit, found)
    with columns("wide-left"):
        with ui.element("div"):
            with card(visit.say("profile.told")):
                show(listed(told_profile(found, visit.liking.language), "sentences"))
            if found.timeline:
                note = visit.say("profile.timeline_note", months=len(found.timeline))
                with card(visit.say("profile.timeline"), note):
                    _timeline(visit, found)
        with ui.element("div"):
            with card(visit.say("profile.expected")):
                _expected(visit, found)
            if found.tastes:
                with card(visit.say("profile.tastes")):
                    _tastes(visit, found)
            if found.nearest:
                with card(visit.say("profile.alike"), visit.say("profile.alike_note", by=_by(visit, found))):
                    alike = found.nearest.customer_ids[:MOST_ALIKE]
                    links = joined((link(profile_link(one), one, "pill") for one in alike), " ")
                    show(Markup("<p>{}</p>").format(links))


def _by(visit: Visit, found: "Profile") -> str:
    by = found.nearest.by if found.nearest else ""
    key = f"profile.by.{by}"
    return visit.say(key) if visit.speech.knows(key) else by


def _worth(visit: Visit, found: "Profile") -> None:
    value, rhythm, speech = found.value, found.rhythm, visit.speech
    if value is None:
        return
    rows: list[tuple[object, object]] = [
        (visit.say("profile.net_sales"), speech.money(value.net_sales)),
        (visit.say("profile.orders"), speech.number(value.num_orders)),
        (visit.say("profile.average"), speech.money(value.average_order)),
        (visit.say("profile.discount"), speech.money(value.discount)),
        (visit.say("profile.refunded"), speech.money(value.refunded)),
    ]
    if rhythm:
        rows.append((visit.say("profile.last"), speech.day(rhythm.last_date)))
        if rhythm.next_date:
            rows.append((visit.say("profile.next"), speech.day(rhythm.next_date)))
    show(pairs(rows))


def _timeline(visit: Visit, found: "Profile") -> None:
    speech = visit.speech
    line_chart(
        visit,
        visit.say("profile.timeline"),
        f"customer-{found.customer_id}-months",
        [speech.month(month.month) for month in found.timeline],
        [Line(visit.say("profile.net_sales"), [month.net_sales for month in found.timeline], is_filled=True)],
        first_title=visit.say("profile.month"),
        height=200,
    )


def _tastes(visit: Visit, found: "Profile") -> None:
    percent = visit.speech.percent
    rows = [
        {"value": taste.value, "share": taste.share, "usual": taste.usual_share} for taste in found.tastes
    ]

    def share(value: float) -> Markup:
        return Markup("{} {}").format(meter(value), percent(value))

    shown = [
        Column("value", visit.say("profile.taste")),
        Column("share", visit.say("profile.taste_share"), share, is_number=True),
        Column("usual", visit.say("profile.usual_share"), percent, is_number=True),
    ]
    table(visit, visit.say("profile.tastes"), shown, rows, name="tastes", is_plain=True)


def _expected(visit: Visit, found: "Profile") -> None:
    if not found.risks:
        show(paragraph(visit.say("profile.nothing"), "nothing"))
        return
    rows = [
        {
            "task": one.task,
            "score": one.score,
            "told": score_text(visit, one.score, one.unit),
            "act": one.is_chosen,
        }
        for one in found.risks
    ]

    def acting(value: Any) -> object:
        if value is None:
            return "–"
        return pill(visit.say("profile.yes" if value else "profile.no"), "warn" if value else "even")

    shown = [
        Column("task", visit.say("profile.task")),
        Column("told", visit.say("profile.score"), is_number=True),
        Column("act", visit.say("profile.act"), acting),
    ]
    table(
        visit, visit.say("profile.expected"), shown, rows, name=f"customer-{found.customer_id}", is_plain=True
    )
    said = ui.element("div").props('aria-live="polite"')
    with ui.element("div").classes("form"):
        for one in found.risks:
            if one.is_chosen is not None or one.unit == "probability":
                _why_button(visit, found.customer_id, one.task, said)


def _why_button(visit: Visit, customer: str, task: str, said: ui.element) -> None:
    async def explain() -> None:
        def work() -> list[str]:
            visit.note("explanation.read", customer, task=task)
            house = visit.house
            told = house.answers.ask(
                ("explained", task, customer), lambda: explain_customer(house.shop, task, customer)
            )
            return told.as_lines("zh" if visit.liking.language == "zh" else "en")

        said.clear()
        with said:
            waiting(visit.say("loading"))
        done, lines = await act(visit, "people:read", work)
        said.clear()
        if done:
            with said:
                show(Markup("<h3>{}</h3>").format(visit.say("profile.why", task=task)))
                show(paragraph(lines[0]))
                show(listed((line.removeprefix("  • ") for line in lines[1:]), "sentences"))

    button(visit.say("profile.why", task=task), explain, css="quiet small")
