"""Writing the report's data as one HTML page."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.services.report.sections import Report


def render(report: "Report", language: str) -> str:
    """The whole page in "en" or "zh": one document that needs nothing but itself."""
    from foresell.services.report.page.document import write_page

    return write_page(report, language)


def headline(report: "Report", language: str) -> tuple[str, ...]:
    """The sentences that the page opens with, as plain text."""
    from foresell.services.report.page.language import Language
    from foresell.services.report.page.sentences import sentences

    spoken = Language(language, report.currency, report.time_zone)
    return tuple(sentence.striptags() for sentence in sentences(report, spoken))
