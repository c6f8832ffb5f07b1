"""Fields and buttons, labelled, outlined, and the same everywhere."""

from collections.abc import Callable
from typing import Any

from nicegui import ui


def field(label: str, value: str, css: str = "field") -> ui.input:
    """A line of text."""
    return ui.input(label, value=value).props('outlined dense autocomplete="off"').classes(css)


def number_field(label: str, value: int, least: int, most: int) -> ui.number:
    made = ui.number(label, value=value, min=least, max=most, step=1, precision=0)
    return made.props("outlined dense").classes("field short")


def select_field(
    label: str, choices: dict[Any, str], value: Any, on_change: Callable[[], Any] | None = None
) -> ui.select:
    """One of a few; `choices`: value → what it is called."""
    made = ui.select(
        choices, label=label, value=value, on_change=None if on_change is None else (lambda _: on_change())
    )
    return made.props("outlined dense options-dense").classes("field")


def text_area(label: str, value: str) -> ui.textarea:
    return ui.textarea(label, value=value).props('outlined autogrow spellcheck="false"').classes("code-field")


def button(
    text: str,
    do: Callable[[], Any] | None,
    *,
    css: str = "",
    label: str = "",
    is_submit: bool = False,
) -> ui.button:
    """`label`: what a screen reader says where the text is too short to be told apart."""
    made = ui.button(text, on_click=do, color=None).props("unelevated no-caps").classes(f"button {css}")
    if is_submit:
        made.props("type=submit")
    if label:
        made.props["aria-label"] = label
    return made
