"""Charts as geometry: where everything stands, in percent of the plot, so that it fits any width.

Drawn by charts.html.jinja as plain SVG: shapes stretch with the page, text does not, colors are the
page's own. Every chart carries a title, a summary for screen readers, and its data as a table.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Values = Sequence[float | None]
Text = Callable[[float], str]

# So many labels fit a phone when every second is left out: of short ones, and of long ones.
MOST_X_TICKS = 7
MOST_LONG_X_TICKS = 5
SHORT_LABEL = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where (percent), what it says, and whether a narrow page leaves it out."""

    at: float
    text: str
    anchor: str = "middle"
    is_wide_only: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line (or, with `is_band`, a filled area) in the coordinates of a 100 × 100 box."""

    name: str
    path: str
    color: int
    is_band: bool = False
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    at_x: float
    at_y: float
    title: str
    color: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A slice of the plot that says its values when pointed at."""

    at: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Table:
    """`kinds`, a letter a column: t text, k text kept on one line, n number. Default: k, then numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: str = ""

    def kind(self, column: int) -> str:
        if self.kinds:
            return {"t": "text", "k": "keep", "n": "num"}[self.kinds[column]]
        return "num" if column else "keep"


@dataclass(frozen=True, slots=True)
class LineChart:
    title: str
    summary: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    table: Table
    spots: tuple[Spot, ...] = ()
    points: tuple[Point, ...] = ()
    marks: tuple[Tick, ...] = ()

    @property
    def legend(self) -> tuple[Line, ...]:
        named = tuple(line for line in self.lines if line.name)
        return named if len(named) > 1 else ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a bar from `start` over `width` percent; `whisker` an interval's ends in percent."""

    label: str
    value: str
    start: float
    width: float
    color: int
    note: str = ""
    whisker: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class BarChart:
    """`zero`: where 0 stands, in percent; None where that is the left edge."""

    title: str
    summary: str
    bars: tuple[Bar, ...]
    zero: float | None = None


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line without axes, in the coordinates of a 100 × 100 box."""

    path: str
    area: str
    summary: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to percent from the top."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        return round(100 - 100 * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, text: Text, wanted: int = 4) -> tuple[Tick, ...]:
        step = nice_step((self.high - self.low) / wanted)
        count = round((self.high - self.low) / step)
        values = [self.low + step * index for index in range(count + 1)]
        return tuple(Tick(self(value), text(value)) for value in values)


def nice_step(rough: float) -> float:
    """The least of 1, 2, 2.5, 5 × 10ⁿ that is not less."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def scale_for(values: Sequence[float], wanted: int = 4) -> Scale:
    """A scale from 0 (or from below, where values are negative) to a round number above them all."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    if low == high:
        high = 1.0
    step = nice_step((high - low) / wanted)
    return Scale(math.floor(low / step) * step, math.ceil(high / step) * step)


def x_at(index: int, count: int) -> float:
    return round(100 * index / (count - 1), 2) if count > 1 else 50.0


def path_of(values: Values, scale: Scale, *, offset: int = 0, count: int | None = None) -> str:
    """A path through the values, broken where one is missing.

    `offset` and `count`: the first value's place among all places of the axis (default: the values are all).
    """
    count = count or len(values)
    parts: list[str] = []
    is_open = False
    for index, value in enumerate(values):
        if value is None:
            is_open = False
            continue
        parts.append(f"{'L' if is_open else 'M'}{x_at(index + offset, count)} {scale(value)}")
        is_open = True
    return "".join(parts)


def band_of(lower: Sequence[float], upper: Sequence[float], scale: Scale, *, offset: int, count: int) -> str:
    """A closed area between two lines."""
    there = [f"{x_at(i + offset, count)} {scale(value)}" for i, value in enumerate(upper)]
    back = [f"{x_at(i + offset, count)} {scale(value)}" for i, value in enumerate(lower)][::-1]
    return f"M{'L'.join(there + back)}Z"


def x_ticks(labels: Sequence[str]) -> tuple[Tick, ...]:
    """As many labels as fit, evenly spaced from the first; a narrow page shows every second."""
    count = len(labels)
    most = MOST_X_TICKS if max(map(len, labels)) <= SHORT_LABEL else MOST_LONG_X_TICKS
    step = max(1, math.ceil(count / most))
    chosen = range(0, count, step)
    return tuple(
        Tick(x_at(i, count), labels[i], _anchor(x_at(i, count)), is_wide_only=place % 2 == 1)
        for place, i in enumerate(chosen)
    )


def _anchor(at: float) -> str:
    return "start" if at < 4 else "end" if at > 96 else "middle"


def spots(labels: Sequence[str], texts: Sequence[str]) -> tuple[Spot, ...]:
    """One slice around each place of the axis, which says its label and values."""
    count = len(labels)
    width = 100 / max(1, count - 1)
    return tuple(
        Spot(round(x_at(i, count) - width / 2, 2), round(width, 2), f"{label}: {text}")
        for i, (label, text) in enumerate(zip(labels, texts, strict=True))
    )


def sparkline(values: Values, summary: str) -> Sparkline | None:
    """None where fewer than two values are known. It spans its own range, not from 0."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    room = (high - low) * 0.08 or 1.0
    scale = Scale(low - room, high + room)
    path = path_of(values, scale)
    area = "" if None in values else f"{path}L100 100L0 100Z"
    return Sparkline(path, area, summary)


def bar_chart(
    title: str,
    summary: str,
    rows: Sequence[tuple[str, float, str, str]],
    *,
    color: int = 1,
    whole: float | None = None,
) -> BarChart:
    """Bars from 0: rows of label, value, the value's text, and a note. `whole`: what fills the width."""
    whole = whole or max((value for _, value, _, _ in rows), default=0) or 1.0
    bars = [
        Bar(label, text, 0, round(100 * max(0.0, value) / whole, 2), color, note)
        for label, value, text, note in rows
    ]
    return BarChart(title, summary, tuple(bars))


def waterfall(
    title: str,
    summary: str,
    first: tuple[str, float],
    steps: Sequence[tuple[str, float]],
    last: tuple[str, float],
    texts: tuple[Text, Text],
) -> BarChart:
    """From one total through steps to another; `texts` write a total and a step.

    The axis starts near the smallest level, not at 0, so that steps which are small beside the
    totals can be seen; its bars are read against each other.
    """
    total_text, step_text = texts
    levels = [first[1]]
    for _, step in steps:
        levels.append(levels[-1] + step)
    low, high = min(*levels, last[1]), max(*levels, last[1])
    room = (high - low) or abs(high) or 1.0
    low = max(0.0, low - room * 0.6) if low >= 0 else low - room * 0.1
    across = (high - low) or 1.0

    def at(value: float) -> float:
        return round(100 * (value - low) / across, 2)

    bars = [Bar(first[0], total_text(first[1]), 0, at(first[1]), 0)]
    for (label, step), start in zip(steps, levels, strict=False):
        left, right = min(start, start + step), max(start, start + step)
        color = 3 if step >= 0 else 2
        bars.append(Bar(label, step_text(step), at(left), max(0.4, round(at(right) - at(left), 2)), color))
    bars.append(Bar(last[0], total_text(last[1]), 0, at(last[1]), 0))
    return BarChart(title, summary, tuple(bars))
