"""The jobs of this console: what runs, how far it is, and a way to stop it; looked at again every second."""

from markupsafe import Markup
from nicegui import ui

from foresell.console.forms import button
from foresell.console.marks import paragraph, pill
from foresell.console.pieces import act, show
from foresell.console.visit import Visit
from foresell.services.jobs import ENDED, Job

TONES = {"running": "accent", "finished": "good", "failed": "bad", "cancelled": "even", "waiting": "even"}
# What lets one stop a job of that kind.
SCOPES = {"import": "data:write", "fit": "models:write"}
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


def _job(visit: Visit, job: Job) -> None:
    what = visit.say("job.what", kind=visit.say(f"job.kind.{job.kind}"), subject=job.subject)
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
        if job.state in ENDED:
            return
        if job.state == "running":
            show(paragraph(visit.say("job.stopping") if job.is_stopping else job.doing, "note"))
            bar = ui.linear_progress(value=job.share or 0, show_value=False).props(
                "rounded size=6px instant-feedback"
            )
            bar.props(f'aria-label="{job.job_id}"').classes("bar")
            if job.share is None:
                bar.props("indeterminate")
        if visit.may(SCOPES[job.kind]) and not job.is_stopping:

            async def stop() -> None:
                await act(visit, SCOPES[job.kind], lambda: _stop(visit, job))

            button(
                visit.say("job.stop"), stop, css="quiet small", label=visit.say("job.stop_label", what=what)
            )


def _stop(visit: Visit, job: Job) -> None:
    visit.house.jobs.stop(job.job_id)
    visit.note("job.stop", job=job.kind, of=job.subject)
