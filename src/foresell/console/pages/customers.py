"""Customers: find them, by id, segment or what a model says; the segments and what sets them apart."""

from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from nicegui import background_tasks, ui

from foresell.console.fitting import fit_button
from foresell.console.forms import button, field, select_field
from foresell.console.marks import link, meter, paragraph
from foresell.console.pieces import card, empty, heading, later, show, tabs
from foresell.console.tables import PAGE_ROWS, Column, first_row, table
from foresell.console.visit import Visit
from foresell.contracts.errors import InputError
from foresell.services.customers.find import (
    Choices,
    FoundCustomers,
    Wanted,
    customer_choices,
    find_customers,
)
from foresell.services.customers.last_segments import last_segments
from foresell.services.customers.profile import Surroundings, surroundings
from foresell.services.shop import Shop

TABS = ("find", "segments")


async def build(visit: Visit) -> None:
    heading(visit.say("customers.title"), visit.say("customers.lead"))
    chosen = "segments" if visit.values.get("tab") == "segments" else "find"
    tabs(visit, "tab", {name: visit.say(f"customers.tab.{name}") for name in TABS}, chosen)
    choices = await visit.house.ask(customer_choices)
    # What profiles are seen against is made while somebody is still looking for one.
    background_tasks.create_lazy(visit.house.ask(around), name="around")
    if chosen == "segments":
        _segments(visit, choices)
    else:
        _find(visit, choices)


def around(shop: Shop) -> Surroundings | None:
    """What every profile is seen against; None where nobody has ordered."""
    try:
        return surroundings(shop)
    except InputError:
        return None


def _find(visit: Visit, choices: Choices) -> None:
    wanted = _wanted(visit, choices)
    segments = {"": visit.say("customers.any")}
    segments |= {f"{one}/{name}": f"{name} ({size})" for one, name, size in choices.segments}
    orders = {"": visit.say("customers.order.id")}
    orders |= {task: visit.say("customers.order.task", task=task) for task in choices.tasks}
    with card(), ui.element("form").classes("form") as form:
        text = field(visit.say("customers.text"), wanted.text)
        in_segment = f"{wanted.segmentation}/{wanted.segment}" if wanted.segment else ""
        segment = select_field(visit.say("customers.segment"), segments, in_segment)
        order = select_field(visit.say("customers.order"), orders, wanted.task or "")
        button(visit.say("customers.find"), None, is_submit=True)

    def go() -> None:
        asked = {"text": text.value, "segment": segment.value, "task": order.value}
        kept = {name: value for name, value in asked.items() if value}
        ui.navigate.to(f"/customers?{urlencode(kept)}")

    form.on("submit.prevent", go)
    first = first_row(visit)
    with card(visit.say("customers.title"), visit.say("customers.found_note")):
        later(
            visit,
            visit.say("customers.title"),
            lambda: visit.house.ask(find_customers, wanted, first, PAGE_ROWS),
            lambda found: _found(visit, found, wanted),
        )


def _wanted(visit: Visit, choices: Choices) -> Wanted:
    """What the address asks for; what the shop does not know is left out."""
    segmentation, _, segment = visit.values.get("segment", "").partition("/")
    is_known = any((segmentation, segment) == (one, name) for one, name, _ in choices.segments)
    task = visit.values.get("task", "")
    return Wanted(
        visit.values.get("text", "").strip(),
        segmentation if is_known else None,
        segment if is_known else None,
        task if task in choices.tasks else None,
    )


def _found(visit: Visit, found: FoundCustomers, wanted: Wanted) -> None:
    if not found.rows:
        show(paragraph(visit.say("customers.none"), "nothing"))
        return
    speech = visit.speech
    show(paragraph(visit.say("customers.found", total=speech.number(found.total)), "note"))
    shown = [
        Column("customer_id", visit.say("customers.id"), link=lambda row: profile_link(row["customer_id"])),
        Column("segment", visit.say("customers.segment"), is_minor=True),
        Column("orders", visit.say("customers.orders"), speech.number, is_number=True),
        Column("last_order", visit.say("customers.last"), speech.day, is_number=True),
    ]
    rows = [row.as_record() for row in found.rows]
    if wanted.task:
        for row in rows:
            row["told"] = score_text(visit, row["score"], row["unit"])
        shown.append(Column("told", wanted.task, is_number=True))
    table(
        visit, visit.say("customers.title"), shown, rows, name="customers", place=(found.first, found.total)
    )


def profile_link(customer_id: str) -> str:
    from urllib.parse import quote

    return f"/customers/{quote(customer_id, safe='')}"


def score_text(visit: Visit, value: float | None, unit: str | None) -> str:
    """A score in its unit: a chance, money, days or a plain number."""
    if unit == "probability":
        return visit.speech.percent(value)
    if unit == visit.speech.currency:
        return visit.speech.money(value)
    return visit.speech.value(value, unit or "")


def _segments(visit: Visit, choices: Choices) -> None:
    names = list(dict.fromkeys(one for one, _, _ in choices.segments))
    if not names:
        _none_yet(visit)
        return
    for name in names:
        with card(name):
            later(
                visit,
                visit.say("customers.tab.segments"),
                lambda name=name: visit.house.ask(last_segments, name),  # type: ignore[misc]
                lambda found: _segmentation(visit, found),
                "for-chart",
            )


def _none_yet(visit: Visit) -> None:
    empty(visit.say("customers.no_segments"), visit.say("customers.no_segments_text"))
    with ui.element("div").classes("centered"):
        fit_button(visit, "segments", visit.say("customers.make_segments"))


def _segmentation(visit: Visit, found: Any) -> None:
    speech, is_chinese = visit.speech, visit.liking.language == "zh"
    rows = [
        {
            **row,
            "shown": (row.get("name_zh") if is_chinese else None) or row["segment"],
            "told": row.get("sentence_zh" if is_chinese else "sentence") or "",
        }
        for row in found.segments.to_dicts()
    ]
    show(
        paragraph(
            visit.say("customers.segmentation", name=found.segmentation, at=speech.moment(found.cutoff_at)),
            "note",
        )
    )

    def share(value: float | None) -> object:
        return "–" if value is None else Markup("{} {}").format(meter(value), speech.percent(value))

    def members(row: Any) -> str:
        segment = f"{found.segmentation}/{row['segment']}"
        return f"/customers?{urlencode({'segment': segment})}"

    shown = [
        Column("shown", visit.say("customers.segment"), link=members),
        Column("num_customers", visit.say("customers.num"), speech.number, is_number=True),
        Column("share", visit.say("customers.share"), share, is_number=True, is_minor=True),
        Column("share_of_sales", visit.say("customers.share_of_sales"), share, is_number=True),
        Column(
            "orders",
            visit.say("customers.mean_orders"),
            lambda v: speech.number(v, 1),
            is_number=True,
            is_minor=True,
        ),
        Column(
            "recency_days",
            visit.say("customers.recency"),
            lambda v: speech.number(v, 0),
            is_number=True,
            is_minor=True,
        ),
    ]
    table(visit, found.segmentation, shown, rows, name="segments")
    for row in rows:
        if row["told"]:
            show(Markup("<p>{} {}</p>").format(link(members(row), row["shown"]), row["told"]))
