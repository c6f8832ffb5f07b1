"""Tables: read on any screen, walked through page by page, and taken away as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.marks import icon, joined
from foresell.console.pieces import show
from foresell.console.visit import Visit

# With these a spreadsheet takes text for a formula (OWASP, "CSV Injection").
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
PAGE_ROWS = 25


@dataclass(frozen=True)
class Column:
    """`text`: how a row's value is shown (default: as it is); `is_number`: aligned to the right; `link`:
    where a row's cell leads; `is_minor`: left out on a phone."""

    key: str
    title: str
    text: Callable[[Any], object] | None = None
    is_number: bool = False
    link: Callable[[Mapping[str, Any]], str | None] | None = None
    is_minor: bool = False


def first_row(visit: Visit) -> int:
    """The number of the first row of the page of rows that the address asks for."""
    given = visit.values.get("first", "1")
    return max(1, int(given)) if given.isdigit() and len(given) < 12 else 1


def table(
    visit: Visit,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str,
    is_plain: bool = False,
    place: tuple[int, int] | None = None,
) -> None:
    """Rows with a button that takes them away. `name`: of the file; `is_plain`: without that button.

    `place`: the first row's number and how many there are in all, where `rows` are a page of more; the
    address holds which as `first`.
    """
    if not rows:
        show(Markup('<p class="nothing">{}</p>').format(visit.say("table.empty")))
        return
    # It scrolls by itself where the window is narrow: by keyboard too.
    box = ui.element("div").classes("table-box").props("tabindex=0 role=region")
    box.props["aria-label"] = title
    with box:
        show(_table(title, columns, rows))
    with ui.element("div").classes("table-foot"):
        if place:
            show(_walk(visit, place, len(rows)))
        if not is_plain:
            csv_button(visit, title, name, columns, rows)


def _table(title: str, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> Markup:
    head = joined(
        Markup('<th scope="col" class="{}">{}</th>').format(_css(column), column.title) for column in columns
    )
    body = joined(
        Markup("<tr>{}</tr>").format(
            joined(_cell(column, row, place) for place, column in enumerate(columns))
        )
        for row in rows
    )
    return Markup('<table aria-label="{}"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(
        title, head, body
    )


def _cell(column: Column, row: Mapping[str, Any], place: int) -> Markup:
    value = row.get(column.key)
    text = _plain(value) if column.text is None else column.text(value)
    href = column.link(row) if column.link else None
    inside = Markup('<a href="{}">{}</a>').format(href, text) if href else text
    tag = Markup("th") if place == 0 else Markup("td")
    scope = Markup(' scope="row"') if place == 0 else ""
    return Markup('<{tag}{scope} class="{css}" data-title="{title}">{inside}</{tag}>').format(
        tag=tag, scope=scope, css=_css(column), title=column.title, inside=inside
    )


def _css(column: Column) -> str:
    return " ".join(filter(None, ("num" if column.is_number else "", "minor" if column.is_minor else "")))


def _plain(value: object) -> str:
    return "–" if value is None else str(value)


def _walk(visit: Visit, place: tuple[int, int], num_shown: int) -> Markup:
    first, total = place
    number = visit.speech.number
    where = visit.say(
        "table.place", first=number(first), last=number(first + num_shown - 1), total=number(total)
    )
    before, after = max(1, first - PAGE_ROWS), first + PAGE_ROWS
    links = [
        (before if first > 1 else None, visit.say("table.previous")),
        (after if after <= total else None, visit.say("table.next")),
    ]
    shown = joined(
        Markup('<a class="button quiet" href="{}">{}</a>').format(visit.link(first=to), text)
        for to, text in links
        if to is not None
    )
    return Markup('<span class="place">{}</span>{}').format(where, shown)


def csv_button(
    visit: Visit, title: str, name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]
) -> None:
    """A button that gives these rows as a CSV file, numbers as they are."""
    label = visit.say("download.csv_label", title=title)
    button = ui.button(on_click=lambda: ui.download.content(as_csv(columns, rows), f"{name}.csv"), color=None)
    with button.props(f'flat no-caps dense aria-label="{_quoted(label)}"').classes("quiet small"):
        show(Markup("{}<span>{}</span>").format(icon("download"), visit.say("download.csv")))


def as_csv(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a byte order mark, as spreadsheets want it; text that would be a formula gets an
    apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([_not_a_formula(column.title) for column in columns])
    writer.writerows([[_not_a_formula(row.get(column.key)) for column in columns] for row in rows])
    return written.getvalue().encode("utf-8-sig")


def _not_a_formula(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value


def _quoted(text: str) -> str:
    """Text inside a quoted property of NiceGUI."""
    return text.replace("\\", "").replace('"', "”")
