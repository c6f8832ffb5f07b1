"""Import by drag and drop: a file, what was understood of it, its questions, and what became of its rows."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button, select_field, text_area
from foresell.console.marks import link, listed, meter, pairs, paragraph
from foresell.console.pieces import act, card, show, waiting
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.uploads import MOST_BYTES, Imported, Upload, import_upload, suggest_upload

SCOPE = "data:write"
ENDINGS = ".csv,.tsv,.txt,.xlsx,.xls,.ods,.json,.jsonl,.ndjson,.parquet,.gz,.zip"
PICK = "event => event.target.closest('button, a, input') || getElement(%s).$refs.qRef.pickFiles()"
NOTHING = "\x00"
MOST_PREVIEW_COLUMNS = 9
LOOK_SECONDS = 0.4


class Importing:
    """One place where files come in; `when_in` is called when one is."""

    def __init__(self, visit: Visit, when_in: Callable[[Imported], Any] | None = None) -> None:
        self.visit, self.when_in = visit, when_in
        self.upload: Upload | None = None
        self.answers: dict[str, str | None] = {}
        self.box = ui.element("div").props('aria-live="polite"')
        self._ask_for_a_file()

    def _ask_for_a_file(self) -> None:
        visit = self.visit
        self.box.clear()
        with self.box:
            made = ui.upload(
                label=visit.say("import.drop"),
                max_file_size=MOST_BYTES,
                max_files=1,
                auto_upload=True,
                on_upload=self._took,
                on_rejected=lambda: ui.notify(visit.say("import.too_large"), type="negative"),
            )
            made.props(f'accept="{ENDINGS}" flat bordered').classes("drop")
            # The whole box opens the choice of a file, not its small button alone.
            made.on("click", js_handler=PICK % made.id)
            show(paragraph(visit.say("import.what", size=MOST_BYTES >> 20), "note"))
            show(paragraph(visit.say("import.privacy"), "note"))

    async def _took(self, event: Any) -> None:
        content = await event.file.read()
        house = self.visit.house
        done, upload = await act(self.visit, SCOPE, lambda: house.uploads.keep(event.file.name, content))
        if done:
            self.upload, self.answers = upload, {}
            await self._look()
        else:
            self._ask_for_a_file()

    async def _look(self) -> None:
        visit, upload = self.visit, self.upload
        if upload is None:
            return
        self.box.clear()
        with self.box:
            waiting(visit.say("import.looking", file=upload.name))
        answers = dict(self.answers)
        done, found = await act(visit, SCOPE, lambda: suggest_upload(visit.house.shop, upload, answers))
        if not done:
            self._ask_for_a_file()
            return
        self.box.clear()
        with self.box:
            self._understood(upload, found)

    def _understood(self, upload: Upload, found: Any) -> None:
        visit, speech = self.visit, self.visit.speech
        show(Markup("<h3>{}</h3>").format(visit.say("import.understood", file=upload.name)))
        told = {
            "table": found.table,
            "confidence": speech.percent(found.confidence, 0),
            "usable": speech.number(found.num_usable),
            "rows": speech.number(found.num_rows),
        }
        show(paragraph(visit.say("import.table", **told)))
        if found.faults:
            faults = [
                visit.say("import.fault", count=speech.number(num), fault=fault)
                for fault, num in found.faults.items()
            ]
            show(listed(faults, "sentences"))
        self._questions(found)
        self._columns(found)
        if found.preview:
            self._preview(found)
        with ui.expansion(visit.say("import.mapping")).classes("figures").props("dense"):
            written = text_area(visit.say("import.mapping_label"), found.mapping_toml)
        if not found.is_usable:
            show(paragraph(visit.say("import.incomplete"), "note"))
        with ui.element("div").classes("form"):
            button(
                visit.say("import.go", rows=visit.say("import.go_all")),
                lambda: self._import(str(written.value or "")),
            )
            button(visit.say("import.other"), self._ask_for_a_file, css="quiet")

    def _questions(self, found: Any) -> None:
        visit = self.visit
        if not found.questions:
            return
        show(Markup("<h3>{}</h3>").format(visit.say("import.questions")))
        asked: dict[str, ui.select] = {}
        for question in found.questions:
            samples = f" ({', '.join(question.samples[:3])})" if question.samples else ""
            show(paragraph(f"{question.text}{samples}"))
            if question.kind == "column" and question.column and question.choices:
                choices = {one: one for one in question.choices} | {NOTHING: visit.say("import.nothing")}
                asked[question.column] = select_field(question.column, choices, question.choices[0])
        if asked:

            async def take() -> None:
                self.answers |= {
                    column: None if one.value == NOTHING else str(one.value) for column, one in asked.items()
                }
                await self._look()

            with ui.element("div").classes("form"):
                button(visit.say("import.answer"), take, css="quiet")

    def _columns(self, found: Any) -> None:
        visit = self.visit
        rows = [
            {
                "column": one.column,
                "target": one.target or visit.say("import.nothing"),
                "sure": one.confidence,
                "because": "; ".join(one.reasons),
            }
            for one in found.columns
        ]

        def sure(value: float) -> Markup:
            return Markup("{} {}").format(
                meter(value, "accent" if value >= 0.5 else "warn"), visit.speech.percent(value, 0)
            )

        shown = [
            Column("column", visit.say("import.column")),
            Column("target", visit.say("import.target")),
            Column("sure", visit.say("import.sure"), sure),
            Column("because", visit.say("import.because"), is_minor=True),
        ]
        table(
            visit, visit.say("import.understood", file=found.file), shown, rows, name="columns", is_plain=True
        )

    def _preview(self, found: Any) -> None:
        visit = self.visit
        show(
            Markup("<h3>{} <span class='note'>{}</span></h3>").format(
                visit.say("import.preview"), visit.say("import.preview_note")
            )
        )
        names = list(found.preview[0])[:MOST_PREVIEW_COLUMNS]
        shown = [Column(name, name.removeprefix(f"{found.table}.")) for name in names]
        table(visit, visit.say("import.preview"), shown, found.preview[:6], name="preview", is_plain=True)

    async def _import(self, mapping: str) -> None:
        visit, upload = self.visit, self.upload
        if upload is None:
            return
        house, by = visit.house, visit.who.name

        def work(progress: Any) -> Imported:
            found = import_upload(house.shop, upload, mapping, progress)
            house.uploads.drop(upload.upload_id)
            house.answers.settle()
            return found

        def begin() -> Any:
            visit.note("import", file=upload.name, bytes=upload.num_bytes)
            return house.jobs.start("import", upload.name, by, work)

        done, job = await act(visit, SCOPE, begin)
        if done:
            self._follow(upload, job.job_id)

    def _follow(self, upload: Upload, job_id: int) -> None:
        visit = self.visit
        self.box.clear()
        with self.box:
            said = ui.element("div").props('role="status"')
            bar = ui.linear_progress(value=0, show_value=False).props("rounded size=8px").classes("bar")
            bar.props(f'aria-label="{visit.say("data.tab.import")}"')
            button(visit.say("import.stop"), lambda: visit.house.jobs.stop(job_id), css="quiet")

            def look() -> None:
                job = visit.house.jobs.find(job_id)
                said.clear()
                with said:
                    show(paragraph(visit.say("import.running", file=upload.name, doing=job.doing)))
                bar.props(
                    "indeterminate" if job.share is None else "",
                    remove="" if job.share is None else "indeterminate",
                )
                bar.value = job.share or 0
                if job.ended_at is not None:
                    timer.cancel()
                    self._ended(upload, job)

            timer = ui.timer(LOOK_SECONDS, look)

    def _ended(self, upload: Upload, job: Any) -> None:
        visit = self.visit
        self.box.clear()
        with self.box:
            if job.state == "finished":
                self._result(upload, job.result)
            elif job.state == "cancelled":
                show(paragraph(visit.say("import.stopped", file=upload.name)))
            else:
                show(
                    Markup(
                        '<div class="failed" role="alert"><div><strong>{}</strong><p>{}</p></div></div>'
                    ).format(visit.say("import.failed", file=upload.name), job.fault)
                )
            with ui.element("div").classes("form"):
                again = self._ask_for_a_file if job.state == "finished" else self._look
                button(
                    visit.say("import.other" if job.state == "finished" else "error.again"),
                    again,
                    css="quiet",
                )
        if job.state == "finished" and self.when_in is not None:
            self.when_in(job.result)

    def _result(self, upload: Upload, found: Imported) -> None:
        visit, speech = self.visit, self.visit.speech
        show(Markup("<h3>{}</h3>").format(visit.say("import.done", file=upload.name)))
        names = ("read", "accepted", "updated", "duplicate", "quarantined")
        sums = {name: sum(getattr(run.counts, f"rows_{name}") for run in found.runs) for name in names}
        show(pairs((visit.say(f"import.{name}"), speech.number(value)) for name, value in sums.items()))
        if found.notes:
            show(listed(found.notes, "sentences"))
        links = []
        if sums["quarantined"]:
            links.append(link("/data?tab=quarantine", visit.say("import.to_quarantine"), "more"))
        links.append(link("/", visit.say("import.to_today"), "more"))
        show(listed(links))


def import_card(visit: Visit) -> None:
    with card(visit.say("data.tab.import")):
        if visit.may(SCOPE):
            Importing(visit)
        else:
            show(paragraph(visit.say("import.no_right"), "nothing"))
