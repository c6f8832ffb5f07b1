"""Charts: drawn in the browser by ECharts, with their figures as a table, a CSV file and a picture."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nicegui import ui

from foresell.console.marks import icon
from foresell.console.pieces import show
from foresell.console.tables import Column, csv_button, table
from foresell.console.visit import Visit

# Of lines in order; the second is what is compared with, the third what is expected.
COLORS = {
    "light": ("#0f766e", "#94a3b8", "#b45309", "#7c3aed", "#be123c", "#2563eb"),
    "dark": ("#2dd4bf", "#64748b", "#fbbf24", "#a78bfa", "#fb7185", "#60a5fa"),
}
INK = {"light": ("#475569", "#e2e8f0"), "dark": ("#94a3b8", "#24313f")}
GOOD = {"light": "#15803d", "dark": "#4ade80"}
BAD = {"light": "#b91c1c", "dark": "#f87171"}
FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"


@dataclass(frozen=True)
class Line:
    """A line of a chart, a value a place of the axis; None: nothing is known there. `lower` and `upper`: a
    band around it; `is_band_only`: the values stand in another line."""

    name: str
    values: Sequence[float | None]
    color: int = 0
    is_dashed: bool = False
    is_filled: bool = False
    lower: Sequence[float | None] = ()
    upper: Sequence[float | None] = ()
    is_band_only: bool = False


@dataclass(frozen=True)
class Drawing:
    """What a chart is called, where it is kept as a file, and its figures: columns, and a row a place."""

    title: str
    name: str
    columns: Sequence[Column]
    rows: Sequence[dict[str, Any]]
    note: str = ""
    height: int = 280
    options: dict[str, Any] = field(default_factory=dict)


def line_chart(
    visit: Visit,
    title: str,
    name: str,
    places: Sequence[str],
    lines: Sequence[Line],
    *,
    first_title: str,
    is_money: bool = True,
    note: str = "",
    height: int = 280,
) -> None:
    """Lines over the same places, such as days. `first_title`: what the places are."""
    scheme = visit.liking.scheme
    speech = visit.speech
    full = speech.money if is_money else lambda value: speech.number(value, 1)
    columns = [Column("place", first_title)]
    told = [line for line in lines if not line.is_band_only]
    columns += [Column(line.name, line.name, full, is_number=True) for line in told]
    rows: list[dict[str, Any]] = [
        {"place": place, **{line.name: line.values[number] for line in told}}
        for number, place in enumerate(places)
    ]
    for line in (line for line in lines if line.lower):
        for key, values in (("−", line.lower), ("+", line.upper)):
            columns.append(Column(f"{line.name}{key}", f"{line.name} {key}", full, is_number=True))
            for row, value in zip(rows, values, strict=True):
                row[f"{line.name}{key}"] = value
    series = [one for line in lines for one in _series(line, scheme)]
    options = {
        **_canvas(visit, title),
        "tooltip": {
            **_canvas(visit, title)["tooltip"],
            ":valueFormatter": _number(visit, is_money, is_short=False),
        },
        "legend": _legend(visit, [line.name for line in lines]),
        "xAxis": {"type": "category", "data": list(places), "boundaryGap": False, **_axis(scheme)},
        "yAxis": {"type": "value", **_axis(scheme, is_value=True), "axisLabel": _label(visit, is_money)},
        "series": series,
    }
    _draw(visit, Drawing(title, name, columns, rows, note, height, options))


def bar_chart(
    visit: Visit,
    title: str,
    name: str,
    bars: Sequence[tuple[str, float]],
    *,
    first_title: str,
    value_title: str,
    is_money: bool = True,
    is_signed: bool = False,
    digits: int = 1,
    note: str = "",
) -> None:
    """Bars lying one above the other, the first on top. `is_signed`: good and bad in their own colors."""
    scheme, speech = visit.liking.scheme, visit.speech
    full = speech.money if is_money else lambda value: speech.number(value, digits)
    shown = speech.signed_money if is_signed else full
    data = [
        {
            "value": value,
            # Of a bar to the left this is where zero stands, where nothing else is.
            "label": {"show": True, "position": "right", "formatter": shown(value)},
            "itemStyle": {"color": (GOOD if value >= 0 else BAD)[scheme] if is_signed else COLORS[scheme][0]},
        }
        for _, value in bars
    ]
    ink, rule = INK[scheme]
    names = [label for label, _ in bars]
    options = {
        **_canvas(visit, title),
        "tooltip": {"show": False},
        "grid": {"left": 140, "right": 76, "top": 4, "bottom": 4},
        "xAxis": {
            "type": "value",
            "axisLabel": {"show": False},
            "splitLine": {"lineStyle": {"color": rule}},
        },
        "yAxis": {
            "type": "category",
            "data": names,
            "inverse": True,
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": rule}},
            "axisLabel": {"color": ink, "width": 124, "overflow": "truncate", "margin": 10},
        },
        "series": [{"type": "bar", "data": data, "barMaxWidth": 20, "label": {"color": ink}}],
    }
    columns = [Column("place", first_title), Column("value", value_title, full, is_number=True)]
    rows = [{"place": label, "value": value} for label, value in bars]
    _draw(visit, Drawing(title, name, columns, rows, note, 34 * len(bars) + 20, options))


def _draw(visit: Visit, drawing: Drawing) -> None:
    with ui.element("figure").classes("chart"):
        chart = ui.echart(drawing.options).style(f"height: {drawing.height}px")
        chart.props(f'role="img" aria-label="{drawing.title}"')
        with ui.element("figcaption"):
            if drawing.note:
                show(Markup('<span class="note">{}</span>').format(drawing.note))
            csv_button(visit, drawing.title, drawing.name, drawing.columns, drawing.rows)
            show(
                Markup(
                    '<button type="button" class="quiet small" data-picture="{}" data-name="{}"'
                    ' aria-label="{}">'
                    "{}<span>{}</span></button>"
                ).format(
                    chart.id,
                    drawing.name,
                    visit.say("download.png_label", title=drawing.title),
                    icon("download"),
                    visit.say("download.png"),
                )
            )
        _figures(visit, drawing)


def _figures(visit: Visit, drawing: Drawing) -> None:
    """The same as a table: for those who read rather than look."""
    box = ui.expansion(visit.say("figures.show")).classes("figures").props("dense")

    def open_once() -> None:
        if box.value and not box.default_slot.children:
            with box:
                table(visit, drawing.title, drawing.columns, drawing.rows, name=drawing.name, is_plain=True)

    box.on_value_change(open_once)


def _series(line: Line, scheme: str) -> list[dict[str, Any]]:
    color = COLORS[scheme][line.color]
    drawn: dict[str, Any] = {
        "name": line.name,
        "type": "line",
        "data": list(line.values),
        "color": color,
        "symbol": "none" if len(line.values) > 1 else "circle",
        "lineStyle": {"width": 2, "type": "dashed" if line.is_dashed else "solid"},
    }
    if line.is_filled:
        drawn["areaStyle"] = {"opacity": 0.10}
    if not line.lower:
        return [drawn]
    band = {"type": "line", "symbol": "none", "lineStyle": {"opacity": 0}, "stack": f"band of {line.name}"}
    widths = [
        None if low is None or high is None else high - low
        for low, high in zip(line.lower, line.upper, strict=True)
    ]
    quiet = {"silent": True, "tooltip": {"show": False}, "stackStrategy": "all"}
    shade = {"color": color, "areaStyle": {"opacity": 0.16}, "itemStyle": {"opacity": 0.4}}
    named = {"name": line.name} if line.is_band_only else {}
    both = [{**band, **quiet, "data": list(line.lower)}, {**band, **quiet, **shade, **named, "data": widths}]
    return both if line.is_band_only else [*both, drawn]


def _canvas(visit: Visit, title: str) -> dict[str, Any]:
    ink, _ = INK[visit.liking.scheme]
    is_dark = visit.liking.scheme == "dark"
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT, "color": ink},
        "grid": {"left": 4, "right": 24, "top": 36, "bottom": 4, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": "#1e293b" if is_dark else "#ffffff",
            "borderColor": INK[visit.liking.scheme][1],
            "textStyle": {"color": "#e2e8f0" if is_dark else "#0f172a"},
        },
        "aria": {"enabled": True, "label": {"description": title}},
    }


def _legend(visit: Visit, names: Sequence[str]) -> dict[str, Any]:
    ink, _ = INK[visit.liking.scheme]
    shown = len(names) > 1
    return {
        "show": shown,
        "type": "scroll",
        "data": list(names),
        "top": 0,
        "left": 0,
        "icon": "roundRect",
        "itemHeight": 4,
        "itemWidth": 16,
        "textStyle": {"color": ink},
    }


def _axis(scheme: str, *, is_value: bool = False) -> dict[str, Any]:
    ink, rule = INK[scheme]
    return {
        "axisLine": {"show": not is_value, "lineStyle": {"color": rule}},
        "axisTick": {"show": False},
        "axisLabel": {"color": ink, "hideOverlap": True},
        "splitLine": {"show": is_value, "lineStyle": {"color": rule}},
    }


def _label(visit: Visit, is_money: bool) -> dict[str, Any]:
    ink, _ = INK[visit.liking.scheme]
    return {"color": ink, "hideOverlap": True, ":formatter": _number(visit, is_money, is_short=True)}


def _number(visit: Visit, is_money: bool, *, is_short: bool) -> str:
    """A function of the browser that writes a number as the page's language does."""
    wanted: dict[str, Any] = {"maximumFractionDigits": 1 if is_short else 2}
    if is_short:
        wanted["notation"] = "compact"
    if is_money:
        wanted |= {"style": "currency", "currency": visit.speech.currency}
    locale = "zh-CN" if visit.liking.language == "zh" else "en-US"
    return f"v => v == null ? '–' : new Intl.NumberFormat('{locale}', {json.dumps(wanted)}).format(v)"
