"""The digest: a day of the shop in ten lines, and what somebody should look at."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.quality.alerts.watched import Alert, Watched
    from foresell.services.digest.lines import Line
    from foresell.services.report.page.language import Language


@dataclass(frozen=True, slots=True)
class Digest:
    """A day's digest in one language. `alerts` holds all of them, also those beyond the tenth line."""

    store: str
    day: date
    lines: "tuple[Line, ...]"
    alerts: "tuple[Alert, ...]"
    language: "Language"

    @property
    def title(self) -> str:
        day = self.language.weekday(self.day)
        return self.language.say("digest.title", store=self.store, day=day)

    def markdown(self) -> str:
        from foresell.services.digest.lines import markdown_page

        return markdown_page(self.title, list(self.lines), self.language)

    def html(self) -> str:
        from foresell.services.digest.lines import html_page

        return html_page(self.store, self.day, list(self.lines), self.language)

    def as_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "day": self.day.isoformat(),
            "title": self.title,
            "lines": [{"kind": line.kind, "text": line.text(self.language)} for line in self.lines],
            "alerts": [alert.as_record() for alert in self.alerts],
        }


def make_digest(shop: Shop, day: date | None = None, language_code: str | None = None) -> Digest:
    """The digest of a local date; None: the last whole one, yesterday in the store's time zone.

    Sales stand against the median of the same weekday in the four weeks before. Alerts judge what was known
    at the end of that day. Errors: InputError for a day that is not over, and for a missing exchange rate.
    """
    from foresell.quality.alerts import find_alerts
    from foresell.quality.alerts.watched import Limits
    from foresell.services.digest.figures import figure_lines
    from foresell.services.digest.lines import choose_lines
    from foresell.services.digest.watching import unusual_volumes, watch
    from foresell.services.report.page.language import Language

    settings = shop.settings
    chosen = _whole_day(day, settings.store.time_zone)
    code = language_code or settings.store.language
    language = Language(code, settings.store.currency, settings.store.time_zone)
    limits = Limits(settings.digest.late_factor, settings.digest.unusual_z)
    with shop.reading() as tables:
        watched = watch(shop, tables, chosen)
    with shop.reading_matched() as tables:
        figures = figure_lines(tables, settings, chosen, language)
    alerts = [*find_alerts(watched, limits), *unusual_volumes(watched, limits.unusual_z)]
    lines = choose_lines(figures, _data_line(watched, language), alerts, language)
    return Digest(settings.store.name, chosen, tuple(lines), tuple(alerts), language)


def _whole_day(day: date | None, time_zone: str) -> date:
    from foresell.contracts.errors import InputError

    today = datetime.now(ZoneInfo(time_zone)).date()
    if day is None:
        return today - timedelta(days=1)
    if day >= today:
        raise InputError(
            f"{day} is not over in {time_zone}", do="Choose a day before today, or leave out --day."
        )
    return day


def _data_line(watched: "Watched", language: "Language") -> "Line":
    from foresell.services.digest.lines import Line

    runs = [run for run in watched.runs if run.day == watched.day]
    if not runs:
        return Line("digest.no_imports", kind="data")
    read, unusable = sum(run.rows_read for run in runs), sum(run.rows_quarantined for run in runs)
    words = {
        "files": language.number(len(runs)),
        "rows": language.number(read),
        "quarantined": language.number(unusable),
    }
    return Line("digest.imports", words, kind="data")
