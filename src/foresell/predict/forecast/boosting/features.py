"""What the trees see of a series at an origin, for a step ahead of it.

All that is measured in the unit of the series is told relative to its own level and scale at the origin, so
that one model serves small and large series; nothing lies after the origin but what is known of the future.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.alike import YEAR_OF_DAYS, alike_means, beside, year_ago
from foresell.predict.forecast.boosting.knowledge import Knowledge, Numbers, target_dates
from foresell.predict.forecast.panel import Period

Places = NDArray[np.intp]
# What is learned of a value: how many times the usual size of its series it is; by how many usual steps it
# differs from the newest; or which count it is.
Target = Literal["ratio", "change", "classes"]
NUM_LAGS = 8
MEANS = (2, 4, 8, 13, 26, 52)
LONG = 26
SHORTEST_WINDOW = 56
# Of short seasons no more than so many periods.
MOST_SHORT = 112
SMOOTHINGS = (0.1, 0.3)


@dataclass(frozen=True, eq=False)
class Rows:
    """`matrix` (R, features); a target y is learned as (y − level) / scale, both (R,)."""

    matrix: Numbers
    level: Numbers
    scale: Numbers


def window_of(season: int, longest: int) -> int:
    """How many periods back the trees look: two seasons of a year and a bit, sixteen of short ones."""
    return min(
        longest, max(SHORTEST_WINDOW, min(16 * season, MOST_SHORT) if season <= LONG else 2 * season + 4)
    )


def reach_of(window: int, period: Period) -> int:
    """How many periods of each series are needed to see all that the trees look at."""
    return max(window, YEAR_OF_DAYS + LONG + 2) if period == "day" else window


def feature_names(knowledge: Knowledge) -> list[str]:
    known, lagged, static = knowledge.names
    is_daily = knowledge.grid.period == "day"
    return [
        "step",
        *[f"lag {lag}" for lag in range(1, NUM_LAGS + 1)],
        *[f"mean of {length}" for length in MEANS],
        "smoothed by 0.1", "smoothed by 0.3", "share of 8 that sold", "share of all that sold", "spread of 8",
        "spread of all", "mean when sold", "least when sold", "most", "periods since it sold", "even numbers",
        "size", "age", "all series",
        "same season 1", "same season 2", "mean of same seasons", "around the same season",
        "month", "day of month", "day of week", "week of year",
        *[f"{name}" for name in known],
        *[f"{name} less usual" for name in known],
        *[f"{name} {side}" for side in ("before", "after") for name in known],
        *(["periods like it", "how like it"] if known else []),
        *(["week around the year before", "weeks of the year before"] if is_daily else []),
        *[f"{name} at the origin" for name in lagged],
        *[f"{name} less usual at the origin" for name in lagged],
        *static,
    ]  # fmt: skip


def category_places(knowledge: Knowledge) -> list[int]:
    """Which features are categories."""
    names = feature_names(knowledge)
    first = len(names) - len(knowledge.names[2])
    return [first + i for i, name in enumerate(knowledge.names[2]) if name in knowledge.vocabulary]


def rows_of(
    knowledge: Knowledge, series: Places, origins: Places, steps: Places, target: Target, window: int
) -> Rows:
    """(P · S, features), a pair of series and origin with all its steps after each other.

    `series`, `origins` (P,): row and column of the grid, the origin being the last that is known; `steps`
    (P, S) from 1.
    """
    values = knowledge.grid.values
    seen, scale, level = _seen(values, series, origins, target, window)
    number = steps.shape[1]
    dated, known = _of_steps(knowledge, seen, series, origins, steps)
    parts = [
        steps.reshape(-1, 1),
        np.repeat(_of_pairs(seen, scale), number, axis=0),
        np.repeat(_of_all(knowledge, origins), number, axis=0),
        dated,
        known,
        beside(knowledge, series, origins, steps),
        alike_means(knowledge, seen, series, origins, steps),
        year_ago(knowledge, series, origins, steps, level, scale),
        np.repeat(_of_lagged(knowledge, series, origins), number, axis=0),
        np.repeat(knowledge.static[series], number, axis=0),
    ]
    matrix = np.concatenate([np.asarray(part, np.float32) for part in parts], axis=1)
    return Rows(matrix, np.repeat(level, number), np.repeat(scale, number))


def _seen(
    values: NDArray[np.float64], series: Places, origins: Places, target: Target, window: int
) -> tuple[Numbers, Numbers, Numbers]:
    """(P, window) what was seen up to the origin, relative; scale and level (P,)."""
    columns = origins[:, None] + np.arange(1 - window, 1)[None, :]
    seen = values[series[:, None], np.maximum(columns, 0)]
    seen[columns < 0] = np.nan
    known = ~np.isnan(seen)
    level = np.zeros(len(seen))
    if target == "classes":
        size = np.ones(len(seen))
    elif target == "ratio":
        size = np.nansum(np.abs(seen), axis=1) / np.maximum(known.sum(axis=1), 1)
    else:
        newest = window - 1 - known[:, ::-1].argmax(axis=1)
        level = np.nan_to_num(seen[np.arange(len(seen)), newest])
        moved = np.abs(np.diff(seen, axis=1))
        size = np.nansum(moved, axis=1) / np.maximum((~np.isnan(moved)).sum(axis=1), 1)
    scale = np.where(size > 0, size, 1.0)
    relative = (seen - level[:, None]) / scale[:, None]
    return relative.astype(np.float32), scale.astype(np.float32), level.astype(np.float32)


def _of_pairs(seen: Numbers, scale: Numbers) -> Numbers:
    """(P, …) what does not depend on the step."""
    number, window = seen.shape
    known = ~np.isnan(seen)
    zeroed = np.nan_to_num(seen)
    nothing = np.full(number, np.nan)
    lags = [seen[:, window - lag] if lag <= window else nothing for lag in range(1, NUM_LAGS + 1)]
    means = [_mean(zeroed[:, -length:], known[:, -length:]) for length in MEANS]
    sold = known & (np.abs(zeroed) > 0)
    newest = np.where(sold.any(axis=1), sold[:, ::-1].argmax(axis=1), window)
    when_sold = np.where(sold, seen, np.nan)
    is_even = sold & (np.round(zeroed) % 2 == 0)
    others = [
        *[_smoothed(zeroed, known, weight) for weight in SMOOTHINGS],
        _mean(sold[:, -8:], known[:, -8:]),
        _mean(sold, known),
        _spread(zeroed[:, -8:], known[:, -8:]),
        _spread(zeroed, known),
        _mean(zeroed, sold),
        np.nan_to_num(np.fmin.reduce(when_sold, axis=1)),
        np.nan_to_num(np.fmax.reduce(seen, axis=1)),
        newest,
        _mean(is_even, sold),
        np.log(scale),
        np.where(known.any(axis=1), window - known.argmax(axis=1), 0),
    ]
    return np.column_stack([*lags, *means, *others]).astype(np.float32)


def _smoothed(zeroed: Numbers, known: NDArray[np.bool_], weight: float) -> Numbers:
    weights = (1 - weight) ** np.arange(zeroed.shape[1] - 1, -1, -1)
    sums, total = zeroed @ weights, known @ weights
    found = np.divide(sums, total, out=np.full(len(sums), np.nan), where=total > 0)
    return np.asarray(found, np.float32)


def _of_all(knowledge: Knowledge, origins: Places) -> Numbers:
    """(P, 1) how high all series together stand: the newest 4 periods over the newest LONG."""
    totals = np.nansum(knowledge.grid.values, axis=0)
    sums = np.concatenate([[0.0], np.cumsum(totals)])

    def mean_of(length: int) -> NDArray[np.float64]:
        first = np.maximum(origins + 1 - length, 0)
        return np.asarray((sums[origins + 1] - sums[first]) / (origins + 1 - first))

    long = mean_of(LONG)
    found = np.divide(mean_of(4), long, out=np.ones(len(origins)), where=long != 0)
    return np.asarray(found[:, None], np.float32)


def _of_lagged(knowledge: Knowledge, series: Places, origins: Places) -> Numbers:
    """(P, 2 L) the regressors of which only the past is known: at the origin, and less their newest mean."""
    now = [plane[series, origins] for plane in knowledge.lagged]
    usual = []
    for plane, then in zip(knowledge.lagged, now, strict=True):
        past = plane[series[:, None], np.maximum(origins[:, None] + np.arange(-7, 1)[None, :], 0)]
        usual.append(then - _mean(np.nan_to_num(past), ~np.isnan(past)))
    if not now:
        return np.empty((len(series), 0), np.float32)
    return np.column_stack([*now, *usual]).astype(np.float32)


def _of_steps(
    knowledge: Knowledge, seen: Numbers, series: Places, origins: Places, steps: Places
) -> tuple[Numbers, Numbers]:
    """(P · S, …) the same season of other years and the date; and the known regressors."""
    grid, window = knowledge.grid, seen.shape[1]
    ago = _seasonal(seen, steps, grid.season)
    offsets = (origins[:, None] + steps - (grid.values.shape[1] - 1)).astype(np.int64)
    dates = target_dates(grid, offsets.ravel(), np.repeat(series, steps.shape[1]))
    months, days = dates.astype("datetime64[M]"), dates.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype("datetime64[D]")
    parts = [
        months.astype(np.int64) % 12,
        (days - months.astype("datetime64[D]")).astype(np.int64),
        (days.astype(np.int64) + 3) % 7,
        (days - years).astype(np.int64) // 7,
    ]
    dated = np.concatenate([ago, np.column_stack(parts).astype(np.float32)], axis=1)
    columns = origins[:, None] + steps
    regressors = []
    for plane in knowledge.known:
        then = plane[series[:, None], columns]
        past = plane[series[:, None], np.maximum(origins[:, None] + np.arange(1 - window, 1)[None, :], 0)]
        usual = _mean(np.nan_to_num(past), ~np.isnan(past))
        regressors.append((then.ravel(), (then - usual[:, None]).ravel()))
    empty = np.empty((steps.size, 0), np.float32)
    known = (
        np.column_stack([one for one, _ in regressors] + [two for _, two in regressors])
        if regressors
        else empty
    )
    return dated, known.astype(np.float32)


def _seasonal(seen: Numbers, steps: Places, season: int) -> Numbers:
    """(P · S, 4): the values one and two seasons before the target, as far as they are seen; the mean of all
    of the same phase; and the mean of the three around one season before."""
    number, window = seen.shape
    flat = np.repeat(np.arange(number), steps.shape[1])
    first = np.ceil(steps / season).astype(np.intp) * season - steps
    back = first.ravel()

    def at(periods: NDArray[np.intp]) -> Numbers:
        column = window - 1 - periods
        found = seen[flat, np.clip(column, 0, window - 1)]
        return np.where((column >= 0) & (column < window), found, np.nan).astype(np.float32)

    one, two = at(back), at(back + season)
    phases = [one, two, *[at(back + season * k) for k in range(2, max(2, window // season))]]
    around = np.stack([at(back - 1), one, at(back + 1)])
    same = np.stack(phases)
    known, near = ~np.isnan(same), ~np.isnan(around)
    return np.column_stack(
        [one, two, _mean(np.nan_to_num(same).T, known.T), _mean(np.nan_to_num(around).T, near.T)]
    ).astype(np.float32)


def _mean(numbers: NDArray[np.generic], counted: NDArray[np.bool_]) -> Numbers:
    """(n,) of those that count; NaN where none does. What does not count in `numbers` may be anything
    finite."""
    sums = (numbers * counted).sum(axis=1, dtype=np.float64)
    number = counted.sum(axis=1)
    found = np.divide(sums, number, out=np.full(len(sums), np.nan), where=number > 0)
    return np.asarray(found, np.float32)


def _spread(numbers: Numbers, counted: NDArray[np.bool_]) -> Numbers:
    middle = np.nan_to_num(_mean(numbers, counted))
    return np.asarray(np.sqrt(_mean((numbers - middle[:, None]) ** 2, counted)))
