"""What a regression sees of a period: where it lies in time and season, and the known regressors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowledge import Knowledge, target_dates
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.panel import Period

# A trend fades: of each step's growth so much is left at the next.
DAMPING = 0.97
# Longer seasons are told by so many waves instead of a number for each period.
LONGEST_SEASON = 24
WAVES = 4
YEAR_WAVES = 3
PERIODS_A_YEAR: dict[Period, float] = {"day": 365.25, "week": 365.25 / 7, "month": 12.0}
# How much each kind is pulled to 0, in units of the penalty.
TREND, SEASON, REGRESSOR = 10.0, 1.0, 0.3


@dataclass(frozen=True)
class Design:
    """`names` (F,) of the columns, `groups` (F,): trend, season or the name of a regressor; `pulls` (F,)."""

    season: int
    has_year: bool
    names: tuple[str, ...]
    groups: tuple[str, ...]
    pulls: Floats


def design_of(knowledge: Knowledge) -> Design:
    """The year has waves of its own, where periods are days or the season is a year's weeks."""
    season, period = knowledge.grid.season, knowledge.grid.period
    phases = season if 1 < season <= LONGEST_SEASON else 0
    length = knowledge.grid.values.shape[1]
    waves = 0
    if season > LONGEST_SEASON:
        waves = WAVES
    elif period == "day" and length >= 1.5 * PERIODS_A_YEAR["day"]:
        waves = YEAR_WAVES
    told = [("trend", "trend", TREND)]
    told += [(f"season {phase}", "season", SEASON) for phase in range(phases)]
    told += [
        (f"year {side} {wave + 1}", "season", SEASON) for wave in range(waves) for side in ("sine", "cosine")
    ]
    told += [(name, name, REGRESSOR) for name in knowledge.names[0]]
    names, groups, pulls = zip(*told, strict=True)
    return Design(phases, waves > 0, names, groups, np.array(pulls))


def columns_of(
    knowledge: Knowledge, design: Design, rows: NDArray[np.intp], offsets: NDArray[np.int64], usual: Floats
) -> Floats:
    """(n, offsets, F): of the series `rows` the periods that lie `offsets` after the last (0: the last one).

    `usual` (2, n, K): mean and deviation of each known regressor, by which it is told; unknown is as usual.
    """
    number, length = len(rows), knowledge.grid.values.shape[1]
    parts = [np.broadcast_to(_trend(offsets, knowledge.grid.period), (number, len(offsets)))[:, :, None]]
    dates = target_dates(knowledge.grid, offsets[None, :], rows[:, None])
    if design.season:
        phases = _phases(dates, offsets, knowledge.grid.period, design.season)
        parts.append(np.eye(design.season)[phases])
    waves = sum(name.startswith("year") for name in design.names) // 2
    if waves:
        day = (dates.astype("datetime64[D]") - dates.astype("datetime64[Y]")).astype(np.float64)
        angle = 2 * np.pi * day[:, :, None] * np.arange(1, waves + 1) / 365.25
        parts.append(
            np.stack([np.sin(angle), np.cos(angle)], axis=3).reshape(number, len(offsets), 2 * waves)
        )
    for place in range(len(knowledge.known)):
        plane = knowledge.known[place]
        seen = plane[rows, :length]
        lowest, highest = np.fmin.reduce(seen, axis=1), np.fmax.reduce(seen, axis=1)
        # An effect was learned between these, and says nothing of what lies beyond.
        told = np.clip(
            plane[rows[:, None], length - 1 + offsets[None, :]], lowest[:, None], highest[:, None]
        ).astype(np.float64)
        away = (told - usual[0][:, place, None]) / usual[1][:, place, None]
        parts.append(np.nan_to_num(away)[:, :, None])
    return np.concatenate(parts, axis=2)


def _trend(offsets: NDArray[np.int64], period: Period) -> Floats:
    """In years; past the last period it fades."""
    ahead = np.maximum(offsets, 0)
    faded = DAMPING * (1 - DAMPING**ahead) / (1 - DAMPING)
    return np.asarray((np.minimum(offsets, 0) + faded) / PERIODS_A_YEAR[period])


def _phases(
    dates: NDArray[np.datetime64], offsets: NDArray[np.int64], period: Period, season: int
) -> NDArray[np.int64]:
    """Which period of the season: of the calendar where it is one (week, year), else counted back."""
    if period == "day" and season == 7:
        return np.asarray((dates.astype(np.int64) + 3) % 7)
    if period == "month" and season == 12:
        return np.asarray(dates.astype("datetime64[M]").astype(np.int64) % 12)
    return np.broadcast_to(offsets % season, dates.shape)


def usual_of(knowledge: Knowledge, rows: NDArray[np.intp]) -> Floats:
    """(2, n, K) mean and deviation of each known regressor in the past; a constant one has a deviation of
    1."""
    length = knowledge.grid.values.shape[1]
    past = knowledge.known[:, rows, :length].astype(np.float64)
    told = ~np.isnan(past)
    number = np.maximum(told.sum(axis=2), 1)
    mean = np.nansum(past, axis=2) / number
    spread = np.sqrt(np.nansum((past - mean[:, :, None]) ** 2, axis=2) / number)
    return np.stack([mean.T, np.where(spread > 1e-9, spread, 1.0).T])
