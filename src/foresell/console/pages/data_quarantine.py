"""The tab of quarantine: why rows could not be used, and the way back in."""

from collections.abc import Sequence

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button, field
from foresell.console.marks import paragraph, pill
from foresell.console.pieces import act, card, empty, later, show
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.quarantine import (
    QuarantineCount,
    QuarantinedRow,
    discard_quarantine,
    fix_quarantine,
    list_quarantine,
    replay_quarantine,
)

SCOPE = "quarantine:write"
MOST_SHOWN = 20


def reasons(visit: Visit, counts: Sequence[QuarantineCount]) -> None:
    if not counts:
        empty(visit.say("quarantine.empty"), visit.say("quarantine.empty_text"))
        return
    speech = visit.speech
    tones = {"open": "warn", "replayed": "good"}
    rows = [
        {"code": one.error_code, "column": one.column, "status": one.status, "num": one.num_rows}
        for one in counts
    ]
    shown = [
        Column("code", visit.say("quarantine.reason")),
        Column("column", visit.say("quarantine.column")),
        Column(
            "status",
            visit.say("quarantine.status"),
            lambda value: pill(visit.say(f"quarantine.status.{value}"), tones.get(value, "even")),
        ),
        Column("num", visit.say("quarantine.rows"), speech.number, is_number=True),
    ]
    with card(visit.say("quarantine.reasons")):
        table(visit, visit.say("quarantine.reasons"), shown, rows, name="quarantine-reasons")
    waiting = sum(one.num_rows for one in counts if one.status == "open")
    if not waiting:
        return
    note = visit.say("quarantine.shown", num=min(MOST_SHOWN, waiting), total=speech.number(waiting))
    with card(visit.say("quarantine.title"), note):
        if not visit.may(SCOPE):
            show(paragraph(visit.say("quarantine.no_people"), "nothing"))
            return
        later(
            visit,
            visit.say("quarantine.title"),
            lambda: visit.house.in_thread(_open_rows, visit),
            lambda found: _rows(visit, found),
        )


def _open_rows(visit: Visit) -> list[QuarantinedRow]:
    return list_quarantine(visit.house.shop, status="open", limit=MOST_SHOWN)


def _rows(visit: Visit, found: Sequence[QuarantinedRow]) -> None:
    for one in found:
        _row(visit, one)


def _row(visit: Visit, row: QuarantinedRow) -> None:
    """One row: what it holds, the column at fault first, to be corrected."""
    with ui.element("article").classes("waiting") as box:
        show(
            Markup("<p><strong>{}</strong> {} {}</p>").format(
                visit.say("quarantine.row", file=row.source_file, row=row.row_number or "–"),
                pill(row.error_code, "warn"),
                row.message,
            )
        )
        fields = {}
        if row.raw is None:
            show(paragraph(visit.say("quarantine.no_raw"), "note"))
        else:
            names = sorted(row.raw, key=lambda name: name != row.column)
            with ui.element("div").classes("form"):
                for name in names:
                    value = row.raw[name]
                    made = field(name, "" if value is None else str(value))
                    if name == row.column:
                        made.classes("at-fault")
                    fields[name] = made

        async def bring_in() -> None:
            raw = row.raw or {}
            fixes = {
                name: str(one.value or "")
                for name, one in fields.items()
                if str(one.value or "") != ("" if raw[name] is None else str(raw[name]))
            }
            await _bring_in(visit, row, fixes, box)

        async def discard() -> None:
            def work() -> None:
                discard_quarantine(visit.house.shop, [row.quarantine_id])
                visit.note("quarantine.discard", row=row.quarantine_id)

            done, _ = await act(visit, SCOPE, work)
            if done:
                ui.notify(visit.say("quarantine.discarded"))
                box.delete()

        with ui.element("div").classes("form"):
            if fields:
                button(visit.say("quarantine.fix"), bring_in)
            button(visit.say("quarantine.discard"), discard, css="quiet")


async def _bring_in(visit: Visit, row: QuarantinedRow, fixes: dict[str, str], box: ui.element) -> None:
    shop = visit.house.shop

    def work() -> bool:
        if fixes:
            fix_quarantine(shop, row.quarantine_id, fixes)
            visit.note("quarantine.fix", row=row.quarantine_id, columns=sorted(fixes))
        runs = replay_quarantine(shop, [row.quarantine_id])
        visit.note("quarantine.replay", runs=len(runs))
        return not any(run.counts.rows_quarantined for run in runs)

    done, is_in = await act(visit, SCOPE, work)
    if not done:
        return
    ui.notify(
        visit.say("quarantine.in" if is_in else "quarantine.again"), type="positive" if is_in else "warning"
    )
    if is_in:
        box.delete()
    else:
        ui.navigate.to("/data?tab=quarantine")
