"""Cards, headings, tabs, waiting and failing: what every page is built of."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.marks import icon, joined, link, paragraph
from foresell.console.visit import Visit
from foresell.contracts.errors import DeniedError, ForesellError, UnauthenticatedError

log = logging.getLogger("foresell.console")
Ask = Callable[[], Awaitable[Any]]


def show(markup: Markup) -> ui.html:
    """HTML as it is; `Markup` says that its values are escaped."""
    return ui.html(str(markup), sanitize=False).classes("marked")


def heading(title: str, lead: str = "") -> None:
    show(
        Markup('<div class="heading"><h1>{}</h1>{}</div>').format(
            title, paragraph(lead, "lead") if lead else ""
        )
    )


@contextmanager
def card(title: str = "", note: str = "", css: str = "") -> Iterator[ui.element]:
    """A box with a title; `note` says what is in it and over which period."""
    with ui.element("section").classes(f"card {css}") as box:
        if title:
            show(
                Markup('<div class="card-head"><h2>{}</h2>{}</div>').format(
                    title, paragraph(note, "note") if note else ""
                )
            )
        yield box


@contextmanager
def columns(css: str = "") -> Iterator[None]:
    with ui.element("div").classes(f"columns {css}"):
        yield


def tabs(visit: Visit, name: str, choices: dict[str, str], chosen: str) -> None:
    """Links that choose what a page shows; the choice stands in the address."""
    show(
        Markup('<nav class="tabs" aria-label="{}">{}</nav>').format(
            visit.say("frame.views"),
            joined(
                link(
                    visit.link(**{name: value}),
                    text,
                    "chosen" if value == chosen else "",
                    **({"aria_current": "page"} if value == chosen else {}),
                )
                for value, text in choices.items()
            ),
        )
    )


def empty(title: str, text: str, action: Markup | None = None) -> None:
    """What stands where nothing is yet: why, and what fills it."""
    show(Markup('<div class="empty"><h2>{}</h2><p>{}</p>{}</div>').format(title, text, action or ""))


def waiting(text: str) -> None:
    """Gray bars where something will stand, with what is being done."""
    bars = Markup('<div class="skeleton" role="status"><span>{}</span><i></i><i></i><i></i></div>')
    show(bars.format(text))


def later(visit: Visit, what: str, ask: Ask, shown: Callable[[Any], None], css: str = "") -> None:
    """Ask in a thread once the page stands, and show the answer, or what went wrong, in its place.

    `what` says what is being loaded.
    """
    slot = ui.element("div").classes(f"slot {css}").props('aria-busy="true"')

    async def fill() -> None:
        slot.clear()
        with slot:
            waiting(visit.say("loading.of", what=what))
        answer: Any = None
        fault: Exception | None = None
        try:
            answer = await ask()
        except Exception as error:  # noqa: BLE001  # whatever it is, the page says it
            fault = error
        if slot.is_deleted:
            return
        slot.clear()
        slot.props(remove="aria-busy")
        with slot:
            if fault is None:
                _shown_or_failed(visit, shown, answer, fill)
            else:
                failed(visit, fault, fill)

    with slot:
        waiting(visit.say("loading.of", what=what))
    ui.timer(0, fill, once=True)


def _shown_or_failed(
    visit: Visit, shown: Callable[[Any], None], answer: Any, again: Callable[[], Awaitable[None]]
) -> None:
    try:
        shown(answer)
    except Exception as error:  # noqa: BLE001  # a part that fails leaves the rest of its page
        failed(visit, error, again)


def failed(visit: Visit, error: Exception, again: Callable[[], Awaitable[None]] | None = None) -> None:
    """What went wrong, what was received and what to do, in a box; a fault of ours has a number in the
    log."""
    what, received, do = told(visit, error)
    with ui.element("div").classes("failed").props('role="alert"'):
        show(
            Markup("{}<div><strong>{}</strong>{}{}</div>").format(
                icon("warning"),
                what,
                paragraph(visit.say("error.received", received=received)) if received else "",
                paragraph(do) if do else "",
            )
        )
        if again is not None and not isinstance(error, DeniedError):
            ui.button(visit.say("error.again"), on_click=again, color=None).props("flat no-caps").classes(
                "quiet"
            )


def told(visit: Visit, error: Exception) -> tuple[str, str, str]:
    """What happened, what was received, what to do; of errors that are not a user's, a number alone."""
    if isinstance(error, ForesellError):
        return error.what, "" if error.received is None else str(error.received), error.do
    number = secrets.token_hex(4)
    log.error("fault %s at %s", number, visit.path, exc_info=error)
    return visit.say("error.unexpected", number=number), "", ""


async def act(visit: Visit, scope: str, work: Callable[[], Any]) -> tuple[bool, Any]:
    """Do something for the person of this visit, in a thread: whether it was done, and what it gave.

    Who they are and what they may do is asked again first: a page may be open longer than a session lasts.
    What goes wrong is shown as a notice.
    """
    try:
        principal = await visit.house.in_thread(visit.house.who, visit.token)
        if principal is None:
            ui.navigate.to("/sign-in")
            return False, None
        principal.require(scope)
        done = await visit.house.in_thread(work)
        if scope.endswith(":write"):
            # Whoever changed something sees it at once.
            await visit.house.in_thread(visit.house.answers.settle)
        return True, done
    except UnauthenticatedError:
        ui.navigate.to("/sign-in")
    except Exception as error:  # noqa: BLE001  # whatever it is, the person is told
        what, received, do = told(visit, error)
        texts = [what, visit.say("error.received", received=received) if received else "", do]
        ui.notify(" ".join(filter(None, texts)), type="negative", multi_line=True, timeout=10_000)
    return False, None


def require(visit: Visit, scope: str) -> None:
    """DeniedError, in the visit's language, where somebody may not do that."""
    if not visit.may(scope):
        raise DeniedError(visit.say("error.denied"), do=visit.say("error.denied_do", scope=scope))
