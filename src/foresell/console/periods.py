"""Which days a page is about: the last ones known, so many, as the address says."""

from markupsafe import Markup

from foresell.console.marks import joined, link
from foresell.console.pieces import show
from foresell.console.visit import Visit
from foresell.services.report.sections import Span

CHOICES = (7, 28, 91, 364)
USUAL = 28


def days_asked(visit: Visit) -> int:
    """The number of days of the address; the usual one where it says none, or one that is not offered."""
    given = visit.values.get("days", "")
    return int(given) if given.isdigit() and int(given) in CHOICES else USUAL


def period_links(visit: Visit) -> None:
    chosen = days_asked(visit)
    shown = joined(
        link(
            visit.link(days=days),
            visit.say(f"period.{days}"),
            "chosen" if days == chosen else "",
            **({"aria_current": "true"} if days == chosen else {}),
        )
        for days in CHOICES
    )
    show(Markup('<nav class="segments" aria-label="{}">{}</nav>').format(visit.say("period.label"), shown))


def against(visit: Visit, recent: Span, before: Span | None) -> str:
    """Which days, and which they are compared with."""
    now = visit.speech.span(recent.start, recent.end)
    if before is None:
        return visit.say("period.alone", now=now)
    return visit.say("period.against", now=now, before=visit.speech.span(before.start, before.end))
