"""Answers on standard output; messages and progress on standard error."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.services.shop import Progress

# Values up to this long are never broken; sentences are, at the terminal's edge.
LONGEST_WORD = 32
WIDEST_LINE = 1000


# Wide enough that what a program or a file receives is not folded.
PIPED_WIDTH = 400


def print_json(record: object) -> None:
    sys.stdout.write(json.dumps(record, ensure_ascii=False, indent=2, default=str) + "\n")


def print_text(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def print_note(text: str) -> None:
    """Something the user should know that is not the answer."""
    sys.stderr.write(text.rstrip("\n") + "\n")


def print_table(rows: Sequence[Mapping[str, object]], *, empty: str = "Nothing.") -> None:
    """Rows with the same keys as an aligned table; numbers to the right."""
    if not rows:
        print_text(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        is_number = all(isinstance(row[name], int | float) or row[name] is None for row in rows)
        longest = max(len(format_value(row[name])) for row in rows)
        table.add_column(
            name,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=longest <= LONGEST_WORD,
        )
    for row in rows:
        table.add_row(*(format_value(value) for value in row.values()))
    # Lines that go to a file or another program are not folded.
    width = None if sys.stdout.isatty() else WIDEST_LINE
    Console(file=sys.stdout, highlight=False, markup=False, width=width).print(table)


def print_fields(record: Mapping[str, object]) -> None:
    width = max((len(name) for name in record), default=0)
    for name, value in record.items():
        print_text(f"{name.ljust(width)}  {format_value(value)}")


def rounded(value: object, digits: int = 3) -> object:
    """A fractional number with fewer digits, for a table; anything else as it is."""
    return round(value, digits) if isinstance(value, float) else value


def format_value(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={format_value(item)}" for key, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(format_value(item) for item in value)
    return str(value)


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """A progress bar on standard error; plain lines where it is no terminal."""
    if not sys.stderr.isatty():
        yield _print_steps()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(doing: str, done: float, total: float | None) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        yield show


def _print_steps() -> "Progress":
    seen: set[str] = set()

    def show(doing: str, done: float, total: float | None) -> None:
        if doing not in seen:
            seen.add(doing)
            print_note(f"{doing} ({done:g} of {total:g})" if total else doing)

    return show
