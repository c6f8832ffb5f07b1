"""The report: one HTML file that a shop owner can read, print and send on.

`gather` reads the tables into plain data (`sections`); `page` writes that data in a language.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, cast, get_args

from foresell.services.shop import Progress, Shop, silent
from foresell.services.written_page import write_page_file

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """Where the report lies, and the sentences it opens with, as plain text."""

    path: Path
    headline: tuple[str, ...]


def write_report(
    shop: Shop,
    path: Path,
    *,
    language: Language | None = None,
    start: date | None = None,
    end: date | None = None,
    progress: Progress = silent,
) -> WrittenReport:
    """Write the report over the local dates `start` to `end` (None: all there is).

    The file holds everything it shows and asks no host for anything. It replaces an older one at once,
    so that nobody ever opens half a report. `language` None: the store's.

    Errors: InputError for an unknown language, for dates the wrong way round, and for a missing
    exchange rate; DeniedError where the file cannot be written.
    """
    from foresell.services.report.gather import STEPS, gather
    from foresell.services.report.page import headline, render

    spoken = read_language(language) or shop.settings.store.language
    with shop.reading_matched() as tables:
        report = gather(tables, shop.settings, start, end, progress, shop.folder.models)
    page = render(report, spoken)
    write_page_file(path, page, "report")
    progress("report", len(STEPS), len(STEPS))
    return WrittenReport(path, headline(report, spoken))


def read_language(text: str | None) -> Language | None:
    """A language as a person wrote it; InputError names the valid ones."""
    from foresell.contracts.errors import InputError, did_you_mean

    if text is not None and text not in get_args(Language):
        raise InputError(f"There is no report in '{text}'", do=did_you_mean(text, get_args(Language)))
    return cast("Language | None", text)
