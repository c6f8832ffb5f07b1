"""The jobs of the shop, whoever asked for them, and a way to stop each; looked at again every second."""

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button
from foresell.console.marks import paragraph, pill
from foresell.console.pieces import act, show
from foresell.console.visit import Visit
from foresell.store.job_list import LIVE, ListedJob

TONES = {"running": "accent", "finished": "good", "failed": "bad", "cancelled": "even", "waiting": "even"}
# What lets one stop a job of that kind; of the others, USUAL_SCOPE.
SCOPES = {"import": "data:write"}
USUAL_SCOPE = "models:write"
MOST_SHOWN = 8
LOOK_SECONDS = 1.0


def show_jobs(visit: Visit) -> None:
    box = ui.element("div").props('role="status"')
    seen: list[object] = [None]

    def look() -> None:
        jobs = visit.house.jobs.all()[:MOST_SHOWN]
        now = [(one.job_id, one.state, one.doing, one.share, one.is_stopping) for one in jobs]
        if now == seen[0]:
            return
        seen[0] = now
        box.clear()
        with box:
            if not jobs:
                show(paragraph(visit.say("models.no_jobs"), "nothing"))
            for job in jobs:
                _job(visit, job)

    look()
    ui.timer(LOOK_SECONDS, look)


def _job(visit: Visit, job: ListedJob) -> None:
    kind = visit.say(f"job.kind.{job.kind}")
    what = visit.say("job.what", kind=kind, subject=job.subject) if job.subject else kind
    scope = SCOPES.get(job.kind, USUAL_SCOPE)
    with ui.element("div").classes("job"):
        show(
            Markup("<p><strong>{}</strong> {}</p><p class='note'>{}</p>").format(
                what,
                pill(visit.say(f"job.state.{job.state}"), TONES[job.state]),
                visit.say("job.by", by=job.by, at=visit.speech.moment(job.asked_at)),
            )
        )
        if job.fault:
            show(paragraph(job.fault, "fault"))
        if job.state not in LIVE:
            return
        if job.state == "running":
            show(paragraph(visit.say("job.stopping") if job.is_stopping else job.doing, "note"))
            bar = ui.linear_progress(value=job.share or 0, show_value=False).props(
                "rounded size=6px instant-feedback"
            )
            bar.props(f'aria-label="{job.job_id}"').classes("bar")
            if job.share is None:
                bar.props("indeterminate")
        if visit.may(scope) and not job.is_stopping:

            async def stop() -> None:
                await act(visit, scope, lambda: _stop(visit, job))

            button(
                visit.say("job.stop"), stop, css="quiet small", label=visit.say("job.stop_label", what=what)
            )


def _stop(visit: Visit, job: ListedJob) -> None:
    visit.house.jobs.stop(job.job_id)
    visit.note("job.stop", job=job.kind, of=job.subject)
