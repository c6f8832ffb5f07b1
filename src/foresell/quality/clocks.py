"""Which times of a numbered sequence fit another clock better than their own.

Two witnesses: the shop's week (a shop sells little while it is closed, so a block that fits its usual hours
only when it is moved by some hours was written by another clock), and the order of the ids (they grow with
time: a time far from those of its neighbors by id, which falls among them once day and month are exchanged,
was read in the wrong format). Blocks are found by a hidden Markov model over chunks of neighbors: its states
are offsets, its emissions the log-likelihood of the hours of the week, its transitions the usual steps from a
chunk to the next. The most probable path is Viterbi's (1967).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOURS = 3_600_000_000
DAY = 24 * HOURS
WEEK = 7 * 24
# Zones reach from -12 to +14; a day off is a date written too early or too late.
OFFSETS = np.array([0, *range(-12, 0), *range(1, 15), -24, 24], dtype=np.int64)
# Sales of one hour are not independent: one visitor, one promotion. Their evidence counts this much.
WEIGHT = 0.5
# In nats: how unlikely it is a priori that a clock changes, and that it changes back.
LEAVE, RETURN = 9.0, 2.0
# A clock that was wrong makes the steps into and out of its block stand out, never mending it.
MOST_LOST_AT_AN_EDGE = 3.0
# Weight of the hours of all days together in those of one weekday, in orders.
PRIOR_ORDERS = 50.0
# A day of the week with less than this share of the usual day's sales is one on which the shop is closed.
CLOSED_SHARE = 0.1
# Whatever the profile says, this share of sales is anywhere in the week.
ANYWHERE = 0.002
MOST_CHUNKS = 8_000
# Neighbors by id on each side that say when an order was made.
NEIGHBORS = 10
# Ids follow time where the ranks of the two differ by no more, in the middle and as a share of all.
MOST_RANK_DISTANCE = 0.01
STEP_EDGES = np.array(
    [-1e6, -72, -36, -26, -20, -12, -6, -3, -1.5, -0.5, -0.02, 3, 8, 14, 18, 26, 50, 100, 1e6]
)


@dataclass(frozen=True, slots=True)
class ClockFaults:
    """By position in the input: the hours that a block's clock is ahead (0: none), the evidence for it in
    nats, and whether day and month are exchanged. `is_exchanged_in_utc`: the source wrote UTC when it was
    read so, not the shop's clock."""

    hours_ahead: Ints
    evidence: Floats
    is_exchanged: npt.NDArray[np.bool_]
    is_exchanged_in_utc: bool = False


def find_clock_faults(times: Ints, utc: Ints, ids: Ints | None, least_evidence: float) -> ClockFaults:
    """`times`: the shop's own clock, in microseconds since 1970, and `utc` the same moments in UTC, since a
    source may have written either. `ids`: the number in each id; None, or where they do not grow with time:
    only days as a whole are compared with the week, none is out of order."""
    exchanged, in_utc = np.zeros(len(times), dtype=bool), False
    ahead, evidence = np.zeros(len(times), dtype=np.int64), np.zeros(len(times))
    ordered = ids is not None and follows_time(times, ids)
    sequence = np.lexsort((times, ids)) if ordered and ids is not None else np.argsort(times, kind="stable")
    if ordered:
        exchanged[sequence], in_utc = _exchanged(times[sequence], utc[sequence])
        sequence = sequence[~exchanged[sequence]]
    chunks = _chunks(times[sequence], ordered)
    hours, gains = _offsets(times[sequence], chunks, ordered, least_evidence)
    ahead[sequence], evidence[sequence] = hours[chunks], gains[chunks]
    return ClockFaults(ahead, evidence, exchanged, in_utc)


def follows_time(times: Ints, ids: Ints) -> bool:
    """Whether ids grow with time, but for few."""
    ranks = [np.argsort(np.argsort(values, kind="stable")) for values in (times, ids)]
    if len(times) < 2:
        return False
    # A tenth of the times may be wrong: the median distance of ranks is not moved by them.
    distance = np.median(np.abs(ranks[0] - ranks[1])) / len(times)
    return bool(distance <= MOST_RANK_DISTANCE)


def exchange_day_and_month(times: Ints) -> Ints:
    """The same clock with day and month exchanged; unchanged where there is no such date."""
    stamps = times.astype("datetime64[us]")
    months = stamps.astype("datetime64[M]")
    days = (stamps.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    month = months.astype(np.int64) % 12 + 1
    year_start = stamps.astype("datetime64[Y]").astype("datetime64[M]")
    can = (days <= 12) & (days != month)
    other_month = year_start + (np.where(can, days, month) - 1).astype("timedelta64[M]")
    other = other_month.astype("datetime64[D]") + (np.where(can, month, days) - 1).astype("timedelta64[D]")
    in_day = times % DAY
    exchanged: Ints = other.astype("datetime64[us]").astype(np.int64) + in_day
    return exchanged


def _exchanged(times: Ints, utc: Ints) -> tuple[npt.NDArray[np.bool_], bool]:
    """Times in id order that lie far from their neighbors, and among them once exchanged; and whether they
    fall there better as UTC than by the shop's clock, where the date may be another one."""
    if len(times) < 2 * NEIGHBORS + 1:
        return np.zeros(len(times), dtype=bool), False
    padded = np.pad(times, NEIGHBORS, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBORS + 1), axis=1)
    distance = np.abs(times - usual)
    near = max(2 * np.quantile(distance, 0.9), 1.5 * DAY)
    readings = (exchange_day_and_month(times), exchange_day_and_month(utc) - utc + times)
    by_shop, by_utc = ((distance > near) & (np.abs(reading - usual) <= near) for reading in readings)
    return by_shop | by_utc, bool(by_utc.sum() > by_shop.sum())


def _chunks(times: Ints, ordered: bool) -> Ints:
    """The number of each time's chunk: neighbors by id, or the days."""
    if not ordered:
        return np.unique(times // DAY, return_inverse=True)[1].astype(np.int64)
    size = max(1, -(-len(times) // MOST_CHUNKS))
    return np.arange(len(times), dtype=np.int64) // size


def _offsets(times: Ints, chunks: Ints, ordered: bool, least: float) -> tuple[Ints, Floats]:
    """Hours ahead and evidence by chunk; the profile is learned again from what the first pass mended."""
    num_chunks = int(chunks[-1]) + 1 if len(chunks) else 0
    hours = np.zeros(num_chunks, dtype=np.int64)
    gains = np.zeros(num_chunks)
    if not num_chunks:
        return hours, gains
    middles = _middles(times, chunks, num_chunks)
    for _ in range(2):
        mended = times - hours[chunks] * HOURS
        week = _week(mended)
        steps = _step_chances(middles - hours * HOURS) if ordered else None
        fits = WEIGHT * _emissions(times, chunks, num_chunks, week)
        path = _viterbi(fits, middles, steps)
        hours, gains = _believed(path, fits, middles, steps, least)
    return hours, gains


def _middles(times: Ints, chunks: Ints, num_chunks: int) -> Ints:
    bounds = np.searchsorted(chunks, np.arange(num_chunks + 1))
    return np.array([np.median(times[a:b]) for a, b in pairwise(bounds)], dtype=np.int64)


def _hours_of_week(times: Ints) -> Ints:
    return (times // HOURS) % WEEK


@dataclass(frozen=True, slots=True)
class _Week:
    """Log-likelihood of a sale in each hour of the week: of its hour among the hours of its weekday, and of
    a weekday on which the shop is closed."""

    hours: Floats
    closed: Floats


def _week(times: Ints) -> _Week:
    """Open weekdays count alike: their shares drift with the season, which would look like a shifted week."""
    counts = np.bincount(_hours_of_week(times), minlength=WEEK).reshape(7, 24).astype(np.float64)
    days, any_day = counts.sum(axis=1), (counts.sum(axis=0) + 0.5) / (counts.sum() + 12)
    shares = (counts + PRIOR_ORDERS * any_day) / (days + PRIOR_ORDERS)[:, None]
    hours = np.log((1 - ANYWHERE) * shares + ANYWHERE / 24)
    relative = np.maximum(days / np.median(days), ANYWHERE)
    closed = np.where(relative < CLOSED_SHARE, np.log(relative), 0.0)
    return _Week(hours.ravel(), np.repeat(closed, 24))


def _emissions(times: Ints, chunks: Ints, num_chunks: int, week: _Week) -> Floats:
    """By chunk and state. A whole day more or less is judged by closed days only: hours of weekdays are too
    much alike to say more than the season does."""
    hours = _hours_of_week(times)
    columns = []
    for offset in OFFSETS:
        there = (hours - offset) % WEEK
        fit = week.closed[there] + week.hours[there if abs(offset) < 24 else hours]
        columns.append(np.bincount(chunks, weights=fit, minlength=num_chunks))
    return np.stack(columns, axis=1)


def _step_chances(middles: Ints) -> Floats:
    """Log-probability of each range of steps (STEP_EDGES, hours) from a chunk to the next."""
    steps = np.diff(middles) / HOURS
    counts = np.histogram(steps, STEP_EDGES)[0] + 0.2
    chances: Floats = np.log(counts / counts.sum())
    return chances


def _step_fit(steps: Floats | None, step_hours: Any) -> Any:
    if steps is None:
        return np.zeros_like(step_hours)
    return steps[np.clip(np.searchsorted(STEP_EDGES, step_hours, side="right") - 1, 0, len(steps) - 1)]


def _viterbi(fits: Floats, middles: Ints, steps: Floats | None) -> Ints:
    """The most probable state of each chunk."""
    num_chunks, num_states = fits.shape
    change = np.full((num_states, num_states), -(LEAVE + RETURN))
    change[0, :], change[:, 0] = -LEAVE, -RETURN
    np.fill_diagonal(change, 0.0)
    apart = (OFFSETS[None, :] - OFFSETS[:, None]).astype(np.float64)
    step_hours = np.diff(middles) / HOURS
    best = fits[0] + np.where(OFFSETS == 0, 0.0, -LEAVE)
    came_from = np.zeros((num_chunks, num_states), dtype=np.int8)
    columns = np.arange(num_states)
    for i in range(1, num_chunks):
        scores = best[:, None] + change + _step_fit(steps, step_hours[i - 1] - apart)
        origin = scores.argmax(axis=0)
        came_from[i] = origin
        best = scores[origin, columns] + fits[i]
    path = np.zeros(num_chunks, dtype=np.int64)
    path[-1] = best.argmax()
    for i in range(num_chunks - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path


def _believed(
    path: Ints, fits: Floats, middles: Ints, steps: Floats | None, least: float
) -> tuple[Ints, Floats]:
    """Of each run of one state, hours and the evidence against "all is well".

    Not believed: runs of evidence below `least`, and those that, mended, would stand out of the order of
    their ids (an evening of late sales fits other hours better, but no other place).
    """
    hours, gains = OFFSETS[path].copy(), np.zeros(len(path))
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(path)], strict=True):
        state = path[start]
        if state == 0:
            continue
        at_edges = _gain_at_edges(int(start), int(end), int(OFFSETS[state]), middles, steps)
        gain = float((fits[start:end, state] - fits[start:end, 0]).sum()) + sum(at_edges)
        gains[start:end] = gain
        if gain < least or min(at_edges) < -MOST_LOST_AT_AN_EDGE:
            hours[start:end] = 0
    return hours, gains


def _gain_at_edges(start: int, end: int, ahead: int, middles: Ints, steps: Floats | None) -> list[float]:
    """How much likelier the steps into and out of a run are once it is mended, in nats."""
    gained = []
    for edge, sign in ((start, 1), (end, -1)):
        if 0 < edge < len(middles):
            step = (middles[edge] - middles[edge - 1]) / HOURS
            gained.append(float(_step_fit(steps, step - sign * ahead) - _step_fit(steps, step)))
    return gained or [0.0]
