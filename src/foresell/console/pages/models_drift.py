"""The tab of drift: what arrives and what models read and say, now against before, and how forecasts did."""

from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from foresell.console.marks import listed, paragraph, pill
from foresell.console.pieces import card, empty, show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.monitoring.drift import GROUPS, last_drift

TONES = {"large": "bad", "moderate": "warn", "none": "good"}
# What shifted most is what somebody looks for; the file holds as many.
MOST_SHOWN = 60


async def build(visit: Visit) -> None:
    """The last report, as of its time: looking takes a while, so a schedule does it (`foresell refresh`)."""
    house = visit.house
    found = await house.in_thread(last_drift, house.shop)
    if found is None:
        empty(visit.say("drift.none"), visit.say("drift.none_text"))
        return
    at = visit.speech.moment(datetime.fromisoformat(found["made_at"]))
    with card(visit.say("drift.title"), visit.say("drift.note", at=at, **_spans(visit, found))):
        _rows(visit, found["rows"])
    texts = [one["text_zh" if visit.liking.language == "zh" else "text"] for one in found["forecasts"]]
    if texts:
        with card(visit.say("drift.forecasts")):
            show(listed(texts, "sentences"))
    if found["skipped"]:
        with card(visit.say("drift.skipped")):
            told = (Markup("<strong>{}</strong>: {}").format(*one) for one in found["skipped"].items())
            show(listed(told, "sentences"))


def _spans(visit: Visit, found: dict[str, Any]) -> dict[str, str]:
    """The days now and those they are compared with, in words."""

    def span(days: list[str] | None) -> str:
        if not days:
            return "–"
        first, last = (date.fromisoformat(day) for day in days)
        return visit.speech.span(first, last)

    return {"now": span(found["now"]), "before": span(found["reference"])}


def _rows(visit: Visit, rows: list[dict[str, Any]]) -> None:
    if not rows:
        show(paragraph(visit.say("drift.nothing"), "nothing"))
        return
    is_chinese = visit.liking.language == "zh"

    def group(value: str) -> str:
        return GROUPS[value][is_chinese] if value in GROUPS else value

    def size(value: str) -> Markup:
        return pill(visit.say(f"drift.size.{value}"), TONES.get(value, "even"))

    def number(value: float | None) -> str:
        return visit.speech.number(value, 3)

    shown = [
        Column("name", visit.say("drift.what")),
        Column("size", visit.say("drift.size"), size),
        Column("group", visit.say("drift.group"), group),
        Column("subject", visit.say("drift.subject"), is_minor=True),
        Column(
            "measure",
            visit.say("drift.measure"),
            lambda one: visit.say(f"drift.measure.{one}"),
            is_minor=True,
        ),
        Column("effect", visit.say("drift.effect"), number, is_number=True),
        Column("p_value", visit.say("drift.p_value"), number, is_number=True, is_minor=True),
    ]
    large = sum(one["size"] != "none" for one in rows)
    show(paragraph(visit.say("drift.counts", shifted=large, all=len(rows))))
    table(visit, visit.say("drift.title"), shown, rows[:MOST_SHOWN], name="drift")
