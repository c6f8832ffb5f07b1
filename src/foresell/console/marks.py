"""Small pieces of HTML, every value escaped."""

from collections.abc import Iterable

from markupsafe import Markup, escape

ICONS = {
    "today": "M4 13h6V4H4zM14 20h6V11h-6zM4 20h6v-3H4zM14 4v3h6V4z",
    "products": "M4 7l8-4 8 4v10l-8 4-8-4zM4 7l8 4 8-4M12 11v10",
    "customers": "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21q0-7 7-7t7 7M16 4a4 4 0 0 1 0 7M18 14q4 1 4 7",
    "demand": "M3 17l6-6 4 4 8-9M15 6h6v6",
    "data": "M4 6c0-2 4-3 8-3s8 1 8 3-4 3-8 3-8-1-8-3zM4 6v12c0 2 4 3 8 3s8-1 8-3V6M4 12c0 2 4 3 8 3s8-1 8-3",
    "models": "M12 3v4M12 17v4M3 12h4M17 12h4M7 7h10v10H7z",
    "out": "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
    "sun": "M12 8a4 4 0 1 0 .1 0zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l2 2m10 10 2 2M5 19l2-2M17 7l2-2",
    "download": "M12 4v11M7 11l5 5 5-5M5 20h14",
    "warning": "M12 4l9 16H3zM12 10v4M12 17v.5",
    "check": "M4 12l5 5L20 6",
}


def icon(name: str) -> Markup:
    """A drawing that says nothing to a screen reader."""
    return Markup('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>').format(
        ICONS[name]
    )


def link(href: str, text: object, css: str = "", **attributes: str) -> Markup:
    return Markup('<a href="{}"{}{}>{}</a>').format(
        href, _attribute("class", css), joined(_attribute(name, v) for name, v in attributes.items()), text
    )


def paragraph(text: object, css: str = "") -> Markup:
    return Markup("<p{}>{}</p>").format(_attribute("class", css), text)


def pill(text: object, tone: str = "even") -> Markup:
    """A word in a rounded box; `tone`: good, bad, warn or even."""
    return Markup('<span class="pill of-{}">{}</span>').format(tone, text)


def joined(parts: Iterable[object], between: str = "") -> Markup:
    return escape(between).join(escape(part) for part in parts)


def listed(items: Iterable[object], css: str = "plain") -> Markup:
    return Markup('<ul class="{}">{}</ul>').format(
        css, joined(Markup("<li>{}</li>").format(item) for item in items)
    )


def pairs(rows: Iterable[tuple[object, object]]) -> Markup:
    """Names and values beside each other."""
    cells = joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in rows)
    return Markup('<dl class="pairs">{}</dl>').format(cells)


def meter(share: float, tone: str = "accent") -> Markup:
    """A bar of a share (0–1)."""
    return Markup('<span class="meter of-{}" aria-hidden="true"><i style="width:{:.1f}%"></i></span>').format(
        tone, 100 * min(1.0, max(0.0, share))
    )


def _attribute(name: str, value: str) -> Markup:
    if not value:
        return Markup("")
    return Markup(' {}="{}"').format(name.replace("_", "-"), value)
