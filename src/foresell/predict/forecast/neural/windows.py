"""What a network sees of a series at an origin: its newest values in its own unit, and what is known ahead.

    P windows    C periods of context    H steps ahead    F features of a past period    A of a step ahead
    S of a series

Nothing of a window lies after its origin but what is known of the future: regressors and the date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.classes import are_small_counts
from foresell.predict.forecast.boosting.knowledge import Knowledge, Numbers, target_dates
from foresell.predict.forecast.grid import Floats

Places = NDArray[np.intp]
# How a value is told: over the usual size of its series; in its usual steps from the newest; or, of counts,
# over the root of the usual size, which is as far as they vary by chance.
Unit = Literal["ratio", "change", "counts"]
# Series whose usual step is a smaller share of their size are told by their changes.
LEAST_STEP = 0.1
YEAR = {"day": 364, "week": 52, "month": 12}
FARTHEST = 60.0
MOST_WORDS = 50
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class Facts:
    """What is fixed when a network is fitted. `middle`, `spread` (K + L,): of the regressors; `words`: how
    many values each static category has, 0: a number; `dated`: whether dates are seen; `static_middle`,
    `static_spread` (S,)."""

    context: int
    horizon: int
    unit: Unit
    dated: bool
    middle: Numbers
    spread: Numbers
    words: tuple[int, ...]
    static_middle: Numbers
    static_spread: Numbers

    def to_weights(self) -> dict[str, NDArray[np.float32]]:
        return {
            "regressor_middle": self.middle,
            "regressor_spread": self.spread,
            "static_middle": self.static_middle,
            "static_spread": self.static_spread,
        }


@dataclass(frozen=True, eq=False)
class Windows:
    """`past` (P, C, F): the first feature is the value, the second whether it is known; `ahead` (P, H, A);
    `static` (P, S). A value y is told as (y − level) / scale, both (P,)."""

    past: Numbers
    ahead: Numbers
    static: Numbers
    level: Numbers
    scale: Numbers


def facts_of(knowledge: Knowledge, context: int, dated: bool) -> Facts:
    """`context`: at most; a shorter history has less."""
    length = knowledge.grid.values.shape[1]
    planes = [plane[:, :length] for plane in (*knowledge.known, *knowledge.lagged)]
    middle, spread = _moments(planes)
    columns = list(knowledge.static.T)
    static_middle, static_spread = _moments(columns)
    names = knowledge.names[2]
    words = tuple(min(len(knowledge.vocabulary.get(name, ())), MOST_WORDS) for name in names)
    return Facts(
        min(context, length),
        knowledge.horizon,
        unit_of(knowledge),
        dated,
        middle,
        spread,
        words,
        static_middle,
        static_spread,
    )


def unit_of(knowledge: Knowledge) -> Unit:
    grid = knowledge.grid
    if are_small_counts(grid):
        return "counts"
    sizes = np.abs(grid.values)
    steps = np.abs(np.diff(grid.values, axis=1))
    size = _mean(sizes)
    share = np.divide(_mean(steps), size, out=np.zeros(len(size)), where=size > 0)
    is_signed = bool((grid.values < 0).any())
    return "change" if is_signed or float(np.median(share)) < LEAST_STEP else "ratio"


def windows_of(knowledge: Knowledge, facts: Facts, series: Places, origins: Places) -> Windows:
    """`series`, `origins` (P,): row and column of the grid, the origin being the last period that is seen."""
    columns = origins[:, None] + np.arange(1 - facts.context, 1)[None, :]
    is_before = columns < 0
    at = np.maximum(columns, 0)
    seen = knowledge.grid.values[series[:, None], at]
    seen[is_before] = np.nan
    level, scale = _unit(seen, facts.unit)
    known = ~np.isnan(seen)
    relative = np.where(known, (seen - level[:, None]) / scale[:, None], 0.0)
    relative = np.clip(relative, -FARTHEST, FARTHEST)
    steps = np.arange(1, facts.horizon + 1)
    number = len(knowledge.known)
    now: list[Numbers] = []
    later: list[Numbers] = []
    for place, plane in enumerate((*knowledge.known, *knowledge.lagged)):
        then = _standard(plane[series[:, None], at], facts, place) * ~is_before
        now.append(then)
        if place < number:
            ahead = _standard(plane[series[:, None], origins[:, None] + steps], facts, place)
            later += [ahead, ahead - then.mean(axis=1, keepdims=True)]
    past = np.stack([relative, known, *now], axis=2)
    past = np.concatenate([past, _dated(knowledge, facts, series, columns)], axis=2)
    later += _ago(knowledge, series, origins, steps, level, scale)
    of_dates = _dated(knowledge, facts, series, origins[:, None] + steps)
    told = np.concatenate([np.stack(later, axis=2), of_dates], axis=2)
    static = np.column_stack([np.log1p(scale), *_static(knowledge, facts, series)])
    return Windows(*(np.asarray(part, np.float32) for part in (past, told, static, level, scale)))


def targets_of(knowledge: Knowledge, windows: Windows, series: Places, origins: Places) -> Numbers:
    """(P, H) what was then, as it is told; NaN is unknown."""
    length = knowledge.grid.values.shape[1]
    columns = origins[:, None] + np.arange(1, windows.ahead.shape[1] + 1)
    values = knowledge.grid.values[series[:, None], np.minimum(columns, length - 1)]
    values = np.where(columns < length, values, np.nan)
    relative = (values - windows.level[:, None]) / windows.scale[:, None]
    return np.asarray(np.clip(relative, -FARTHEST, FARTHEST), np.float32)


def _unit(seen: Floats, unit: Unit) -> tuple[Floats, Floats]:
    """Level and scale, (P,) each; scale is above 0."""
    size = _mean(np.abs(seen))
    if unit == "counts":
        return np.zeros(len(seen)), np.sqrt(size + 0.25)
    if unit == "ratio":
        return np.zeros(len(seen)), np.where(size > 0, size, 1.0)
    known = ~np.isnan(seen)
    newest = seen.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    level = np.nan_to_num(seen[np.arange(len(seen)), newest])
    step = _mean(np.abs(np.diff(seen, axis=1)))
    # What hardly moved is not told in units of next to nothing.
    step = np.maximum(step, 1e-3 * size)
    return level, np.where(step > 0, step, 1.0)


def _standard(values: Numbers, facts: Facts, place: int) -> Numbers:
    told = (values - facts.middle[place]) / facts.spread[place]
    return np.asarray(np.clip(np.nan_to_num(told), -FARTHEST, FARTHEST), np.float32)


def _ago(
    knowledge: Knowledge, series: Places, origins: Places, steps: Places, level: Floats, scale: Floats
) -> list[Numbers]:
    """(P, H) each: the newest value of the same phase of the season, the mean of the newest four of them, and
    the value of a year before; and whether that is known."""
    grid = knowledge.grid

    def at(back: Places) -> Floats:
        columns = origins[:, None] - back[None, :]
        found = grid.values[series[:, None], np.maximum(columns, 0)]
        found = np.where(columns >= 0, found, np.nan)
        return np.asarray(np.clip((found - level[:, None]) / scale[:, None], -FARTHEST, FARTHEST))

    first = np.ceil(steps / grid.season).astype(np.intp) * grid.season - steps
    phases = np.stack([at(first + grid.season * turn) for turn in range(4)])
    year = YEAR[grid.period]
    year_ago = at(np.ceil(steps / year).astype(np.intp) * year - steps)
    mean = _mean(np.moveaxis(phases, 0, -1))
    told = (np.nan_to_num(phases[0]), mean, np.nan_to_num(year_ago), ~np.isnan(year_ago))
    return [np.asarray(part, np.float32) for part in told]


def _dated(knowledge: Knowledge, facts: Facts, series: Places, columns: Places) -> Numbers:
    """(P, n, …) where in the year a date lies and, of days, in the week and in the month."""
    if not facts.dated:
        return np.empty((*columns.shape, 0), np.float32)
    offsets = (columns - (knowledge.grid.values.shape[1] - 1)).astype(np.int64)
    rows = np.repeat(series, columns.shape[1])
    days = target_dates(knowledge.grid, offsets.ravel(), rows).astype("datetime64[D]")
    years = days.astype("datetime64[Y]").astype("datetime64[D]")
    angle = 2 * np.pi * (days - years).astype(np.float64) / 365.25
    parts = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
    if knowledge.grid.period == "day":
        months = days.astype("datetime64[M]").astype("datetime64[D]")
        angle = 2 * np.pi * (days - months).astype(np.float64) / 30.5
        weekday = (days.astype(np.int64) + 3) % 7
        parts += [np.sin(angle), np.cos(angle), *(weekday == day for day in range(7))]
    told = np.stack([np.asarray(part, np.float32) for part in parts], axis=1)
    return told.reshape(*columns.shape, -1)


def _static(knowledge: Knowledge, facts: Facts, series: Places) -> list[Numbers]:
    found: list[Numbers] = []
    for place, number in enumerate(facts.words):
        column = knowledge.static[series, place]
        if number:
            found += [(column == word).astype(np.float32) for word in range(number)]
        else:
            told = (column - facts.static_middle[place]) / facts.static_spread[place]
            found.append(np.clip(np.nan_to_num(told), -FARTHEST, FARTHEST))
    return found


def _moments(columns: list[Numbers]) -> tuple[Numbers, Numbers]:
    """(n,) mean and standard deviation of what is known of each; 0 and 1 where nothing is or varies."""
    middle, spread = np.zeros(len(columns), np.float32), np.ones(len(columns), np.float32)
    for place, column in enumerate(columns):
        told = column[np.isfinite(column)]
        if len(told):
            middle[place] = told.mean()
            spread[place] = told.std() if told.std() > LEAST_SPREAD else 1.0
    return middle, spread


def _mean(numbers: Floats) -> Floats:
    """Over the last axis, of what is known; 0 where nothing is."""
    known = ~np.isnan(numbers)
    sums, number = np.where(known, numbers, 0.0).sum(axis=-1), known.sum(axis=-1)
    return np.asarray(np.divide(sums, number, out=np.zeros(sums.shape), where=number > 0))


def facts_to_table(facts: Facts) -> Mapping[str, list[object]]:
    """One row, but for `words`; `facts_from` is its inverse."""
    return {
        "context": [facts.context],
        "horizon": [facts.horizon],
        "unit": [facts.unit],
        "dated": [facts.dated],
        "words": [list(facts.words)],
    }


def facts_from(row: Mapping[str, object], weights: Mapping[str, NDArray[np.float32]]) -> Facts:
    words: list[int] = row["words"]  # type: ignore[assignment]
    return Facts(
        int(str(row["context"])),
        int(str(row["horizon"])),
        row["unit"],  # type: ignore[arg-type]
        bool(row["dated"]),
        weights["regressor_middle"],
        weights["regressor_spread"],
        tuple(words),
        weights["static_middle"],
        weights["static_spread"],
    )
