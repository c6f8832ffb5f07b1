"""Data: import, what came in, its quality, and the rows in quarantine."""

from typing import Any

from markupsafe import Markup

from foresell.console.importing import import_card
from foresell.console.marks import icon, paragraph, pill
from foresell.console.pages import data_quarantine
from foresell.console.pieces import card, heading, later, show, tabs
from foresell.console.tables import PAGE_ROWS, Column, first_row, table
from foresell.console.visit import Visit
from foresell.services.measure import check_quality
from foresell.services.quarantine import count_quarantine
from foresell.services.result_pages import imports

TABS = ("import", "runs", "quality", "quarantine")
TONES = {"error": "bad", "warning": "warn"}
OUTCOMES = ("read", "accepted", "updated", "duplicate", "quarantined")


async def build(visit: Visit) -> None:
    heading(visit.say("data.title"), visit.say("data.lead"))
    chosen = visit.values.get("tab", TABS[0])
    chosen = chosen if chosen in TABS else TABS[0]
    tabs(visit, "tab", {name: visit.say(f"data.tab.{name}") for name in TABS}, chosen)
    if chosen == "import":
        import_card(visit)
    elif chosen == "runs":
        _runs(visit)
    elif chosen == "quality":
        with card(visit.say("quality.title"), visit.say("quality.note")):
            later(
                visit,
                visit.say("quality.running"),
                lambda: visit.house.ask(check_quality),
                lambda found: _quality(visit, found),
                "for-chart",
            )
    else:
        later(
            visit,
            visit.say("quarantine.title"),
            # Decisions about rows stand in no table: what was answered before may be out of date.
            lambda: visit.house.in_thread(count_quarantine, visit.house.shop),
            lambda found: data_quarantine.reasons(visit, found),
        )


def _runs(visit: Visit) -> None:
    first = first_row(visit)
    with card(visit.say("data.tab.runs"), visit.say("runs.note")):
        later(
            visit,
            visit.say("data.tab.runs"),
            lambda: visit.house.ask(imports, PAGE_ROWS, first - 1),
            lambda found: _run_table(visit, found, first),
        )


def _run_table(visit: Visit, found: list[dict[str, Any]], first: int) -> None:
    speech = visit.speech
    total = first - 1 + len(found)

    def at(value: Any) -> str:
        from datetime import datetime

        return speech.moment(datetime.fromisoformat(value) if isinstance(value, str) else value)

    shown = [
        Column("source_file", visit.say("runs.file")),
        Column("source", visit.say("runs.source"), is_minor=True),
        Column("finished_at", visit.say("runs.finished"), at, is_minor=True),
    ]
    shown += [
        Column(
            f"rows_{name}",
            visit.say(f"import.{name}"),
            speech.number,
            is_number=True,
            is_minor=name in ("updated", "duplicate"),
        )
        for name in OUTCOMES
    ]
    table(visit, visit.say("data.tab.runs"), shown, found[:PAGE_ROWS], name="imports", place=(first, total))


def _quality(visit: Visit, found: Any) -> None:
    speech = visit.speech
    counts = {f"{one}s": speech.number(found.count(one)) for one in ("error", "warning", "note")}
    show(paragraph(visit.say("quality.counts", tables=len(found.profiles), **counts)))
    if not found.findings:
        show(Markup('<p class="fine">{}{}</p>').format(icon("check"), visit.say("quality.fine")))
    rows = []
    for one in found.findings:
        message, advice = one.in_language(visit.liking.language)
        where = one.table if one.column is None else f"{one.table}.{one.column}"
        rows.append(
            {
                "severity": one.severity,
                "message": message,
                "where": where,
                "num": one.num_rows,
                "share": one.share,
                "advice": advice,
            }
        )
    shown = [
        Column("message", visit.say("quality.what")),
        Column(
            "severity",
            visit.say("quality.severity"),
            lambda value: pill(visit.say(f"quality.severity.{value}"), TONES.get(value, "even")),
        ),
        Column("where", visit.say("quality.where"), is_minor=True),
        Column("num", visit.say("quality.rows"), speech.number, is_number=True),
        Column("share", visit.say("quality.share"), speech.percent, is_number=True, is_minor=True),
        Column("advice", visit.say("quality.advice"), is_minor=True),
    ]
    if rows:
        table(visit, visit.say("quality.title"), shown, rows, name="quality")
    show(Markup("<h3>{}</h3>").format(visit.say("quality.tables")))
    held = [{"table": one.table, "rows": one.num_rows, "columns": len(one.missing)} for one in found.profiles]
    columns = [
        Column("table", visit.say("quality.table")),
        Column("rows", visit.say("quality.rows"), speech.number, is_number=True),
        Column("columns", visit.say("quality.columns"), speech.number, is_number=True),
    ]
    table(visit, visit.say("quality.tables"), columns, held, name="tables")
