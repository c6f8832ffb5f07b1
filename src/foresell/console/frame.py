"""What stands around every page: the shop's name, the pages, language, colors, and the way out."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.resources import files

from markupsafe import Markup
from nicegui import ui

from foresell.console.marks import icon, joined
from foresell.console.pages import PAGES, Page
from foresell.console.pieces import show
from foresell.console.visit import THEMES, Visit


@cache
def _static(name: str) -> str:
    """The address of a file of ours, which changes with what is in it."""
    content = files("foresell.console").joinpath("static", name).read_bytes()
    return f"/static/{name}?{sha256(content).hexdigest()[:12]}"


@contextmanager
def framed(visit: Visit, page: Page) -> Iterator[None]:
    """The frame of a page, with its content inside."""
    _head(visit, page)
    with ui.element("div").classes("frame"):
        show(_top(visit))
        show(_menu(visit, page))
        with ui.element("div").classes("content").props('id="content" tabindex="-1"'):
            yield


def _head(visit: Visit, page: Page) -> None:
    liking = visit.liking
    ui.page_title(f"{visit.say(f'nav.{page.family}')} · {visit.house.shop.settings.store.name}")
    ui.dark_mode(value=liking.scheme == "dark")
    root = Markup("<script>Object.assign(document.documentElement, {{lang: '{}'}});").format(liking.language)
    dress = Markup("Object.assign(document.documentElement.dataset, {{theme: '{}', scheme: '{}'}});</script>")
    ui.add_head_html(
        str(
            root
            + dress.format(liking.theme, liking.scheme)
            + Markup('<link rel="stylesheet" href="{}"><script src="{}"></script>').format(
                _static("console.css"), _static("liking.js")
            )
        )
    )


def _top(visit: Visit) -> Markup:
    theme = visit.liking.theme
    following = THEMES[(THEMES.index(theme) + 1) % len(THEMES)]
    return Markup(
        '<a class="skip" href="#content">{skip}</a>'
        '<header class="top"><a class="brand" href="/">'
        '<span class="mark" aria-hidden="true"></span><span class="shop">{shop}</span></a>'
        '<div class="tools"><span class="who">{who}</span>'
        '<button type="button" class="quiet" data-language="{code}" aria-label="{language_label}">'
        "{language}</button>"
        '<button type="button" class="quiet" data-next-theme="{following}" aria-label="{theme_label}"'
        ' title="{theme_label}">{sun}</button>'
        '<form method="post" action="/sign-out"><button class="quiet" aria-label="{out}" title="{out}">'
        "{out_icon}</button></form></div></header>"
    ).format(
        skip=visit.say("frame.skip"),
        shop=visit.house.shop.settings.store.name,
        who=visit.who.name,
        code=visit.liking.language,
        language=visit.say("frame.language"),
        language_label=visit.say("frame.language_label"),
        following=following,
        theme_label=visit.say("frame.theme_label", now=visit.say(f"frame.theme.{theme}")),
        sun=icon("sun"),
        out=visit.say("frame.sign_out"),
        out_icon=icon("out"),
    )


def _menu(visit: Visit, page: Page) -> Markup:
    shown = [one for one in PAGES.values() if one.is_in_menu and visit.may(one.scope)]
    links = joined(
        Markup('<a href="{}"{}>{}<span>{}</span></a>').format(
            one.path,
            Markup(' aria-current="page"') if one.family == page.family else "",
            icon(one.family),
            visit.say(f"nav.{one.family}"),
        )
        for one in shown
    )
    return Markup('<nav class="menu" aria-label="{}">{}</nav>').format(visit.say("frame.menu"), links)
