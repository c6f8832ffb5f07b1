"""What a target's own circumstances say: periods like it, what lies beside it, and the year before."""

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowledge import Knowledge, Numbers

Places = NDArray[np.intp]
# Of a period of another phase of the season, and of one a whole range of a regressor away, so much counts;
# and of each period back.
OTHER_PHASE = 0.05
FAR = 0.05
FADING = 0.98
# Numbers of one array at once.
AT_ONCE = 20_000_000
YEAR_OF_DAYS = 364


def alike_means(
    knowledge: Knowledge, seen: Numbers, series: Places, origins: Places, steps: Places
) -> Numbers:
    """(P · S, 2): the mean of what was seen (P, window), each period counting the more the more its known
    regressors and its phase of the season are like the target's; and how much was like it. Without known
    regressors: no column."""
    number, window = seen.shape
    if not len(knowledge.known):
        return np.empty((steps.size, 0), np.float32)
    found = np.empty((number, steps.shape[1], 2), np.float32)
    at_once = max(1, AT_ONCE // (steps.shape[1] * window))
    for start in range(0, number, at_once):
        part = slice(start, start + at_once)
        found[part] = _alike(knowledge, seen[part], series[part], origins[part], steps[part])
    return found.reshape(-1, 2)


def _alike(knowledge: Knowledge, seen: Numbers, series: Places, origins: Places, steps: Places) -> Numbers:
    window = seen.shape[1]
    back = np.arange(window - 1, -1, -1)
    is_same = (steps[:, :, None] + back) % knowledge.grid.season == 0
    weights = np.where(is_same, 1.0, OTHER_PHASE).astype(np.float32) * (FADING**back).astype(np.float32)
    columns = np.maximum(origins[:, None] - back, 0)
    for plane in knowledge.known:
        past = plane[series[:, None], columns]
        then = plane[series[:, None], origins[:, None] + steps]
        apart = np.abs(past[:, None, :] - then[:, :, None]) / _range(plane)
        weights *= np.where(np.isnan(apart), 1.0, np.exp(np.log(FAR) * np.minimum(apart, 1.0)))
    weights *= ~np.isnan(seen)[:, None, :]
    total = weights.sum(axis=2)
    sums = np.einsum("psw,pw->ps", weights, np.nan_to_num(seen))
    mean = np.divide(sums, total, out=np.full(total.shape, np.nan, np.float32), where=total > 0)
    return np.asarray(np.stack([mean, total], axis=2), np.float32)


def _range(plane: Numbers) -> float:
    known = plane[~np.isnan(plane)]
    return max(float(known.max() - known.min()), 1e-9) if len(known) else 1.0


def beside(knowledge: Knowledge, series: Places, origins: Places, steps: Places) -> Numbers:
    """(P · S, 2 K): the known regressors of the periods before and after the target; after the last:
    unknown."""
    columns = origins[:, None] + steps
    told = []
    for apart in (-1, 1):
        wanted = columns + apart
        inside = wanted < knowledge.known.shape[2]
        for plane in knowledge.known:
            near = plane[series[:, None], np.minimum(wanted, plane.shape[1] - 1)]
            told.append(np.where(inside, near, np.nan).ravel())
    return np.column_stack(told) if told else np.empty((steps.size, 0), np.float32)


def year_ago(
    knowledge: Knowledge, series: Places, origins: Places, steps: Places, level: Numbers, scale: Numbers
) -> Numbers:
    """(P · S, 2) of series by days: the week around the day 364 days before the target, and the four weeks
    up to 364 days before the origin; relative. Other periods know their year by their season: no column."""
    if knowledge.grid.period != "day":
        return np.empty((steps.size, 0), np.float32)
    columns = origins[:, None] + steps - YEAR_OF_DAYS
    around = _mean_between(knowledge, series[:, None], columns - 3, columns + 3)
    newest = np.broadcast_to((origins - YEAR_OF_DAYS)[:, None], steps.shape)
    before = _mean_between(knowledge, series[:, None], newest - 27, newest)
    both = np.stack([around, before], axis=2)
    return np.asarray(((both - level[:, None, None]) / scale[:, None, None]).reshape(-1, 2), np.float32)


def _mean_between(knowledge: Knowledge, rows: Places, first: Places, last: Places) -> NDArray[np.float64]:
    """Of what is known from one column to another, both within; NaN where nothing is."""
    sums, counts = knowledge.running
    low, high = np.clip(first, 0, sums.shape[1] - 1), np.clip(last + 1, 0, sums.shape[1] - 1)
    number = counts[rows, high] - counts[rows, low]
    total = sums[rows, high] - sums[rows, low]
    return np.asarray(np.divide(total, number, out=np.full(number.shape, np.nan), where=number > 0))
