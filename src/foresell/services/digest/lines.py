"""The lines of a digest: words of one language, as Markdown, HTML or plain text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from markupsafe import Markup, escape

from foresell.quality.alerts.watched import Alert
from foresell.quality.finding import SEVERITIES
from foresell.services.report.page.document import content_policy, read_style
from foresell.services.report.page.language import Language

MOST_LINES = 10
# However much there is to tell of the day, so many lines are left for alerts.
KEPT_FOR_ALERTS = 3
MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|])")


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence by its key in words.toml; `values` are set in bold, `plain` ones are not.

    `kind`: figure, data or alert.
    """

    key: str
    values: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, str] = field(default_factory=dict)
    kind: str = "figure"

    def text(self, language: Language) -> str:
        return language.say(self.key, **self.values, **self.plain)

    def html(self, language: Language) -> Markup:
        strong = {name: Markup("<strong>{}</strong>").format(value) for name, value in self.values.items()}
        return escape(language.say(self.key)).format(**strong, **self.plain)

    def markdown(self, language: Language) -> str:
        strong = {name: f"**{_literal(value)}**" for name, value in self.values.items()}
        plain = {name: _literal(value) for name, value in self.plain.items()}
        return language.say(self.key, **strong, **plain)


def choose_lines(
    figures: Sequence[Line], data: Line, alerts: Sequence[Alert], language: Language
) -> list[Line]:
    """At most MOST_LINES: figures in their order, the imports, and alerts, the worst first.

    The last line counts the alerts that found no room.
    """
    kept = figures[: MOST_LINES - 1 - min(len(alerts), KEPT_FOR_ALERTS)]
    room = MOST_LINES - 1 - len(kept)
    ordered = sorted(alerts, key=lambda alert: SEVERITIES.index(alert.severity))
    shown = ordered if len(ordered) <= room else ordered[: room - 1]
    told = [_alert_line(alert, language) for alert in shown]
    if len(shown) < len(ordered):
        rest = language.number(len(ordered) - len(shown))
        told.append(Line("digest.more_alerts", {"number": rest}, kind="alert"))
    return [*kept, data, *told]


def _alert_line(alert: Alert, language: Language) -> Line:
    words = alert.words
    what = words.message_zh if language.code == "zh" else words.message
    label = {"label": language.say(f"digest.{alert.severity}")}
    return Line("digest.alert", label, {"what": what}, kind="alert")


def _literal(text: str) -> str:
    """Text that Markdown shows as it is."""
    return MARKDOWN_SIGNS.sub(r"\\\1", text)


def markdown_page(title: str, lines: list[Line], language: Language) -> str:
    listed = "\n".join(f"- {line.markdown(language)}" for line in lines)
    return f"# {_literal(title)}\n\n{listed}\n"


def html_page(store: str, day: date, lines: list[Line], language: Language) -> str:
    """One self-contained page in the report's style, that asks no host for anything."""
    style = read_style()
    title = language.say("digest.title", store=store, day=language.weekday(day))
    items = Markup("\n").join(
        Markup('<li class="of-{}">{}</li>').format(line.kind, line.html(language)) for line in lines
    )
    lang = "zh-Hans" if language.code == "zh" else "en"
    head = (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
    )
    body = (
        f'<body>\n<header class="top"><p class="kind">{escape(language.say("digest.kind"))}</p>'
        f'<h1>{escape(store)}</h1><p class="when">{escape(language.weekday(day))}</p></header>\n'
        f'<main><section class="headline"><ol>\n{items}\n</ol></section></main>\n</body>\n</html>\n'
    )
    return head + body
