"""Days that neither the trend nor the weekday explains.

A robust additive decomposition: the trend is a centered running midmean over four weeks, the season
the midmean of what is left by weekday, and a day is unusual where its residual is at least 3.5
robust standard deviations from their median (midmean, the mean of the middle half: Tukey,
"Exploratory Data Analysis", 1977; the modified z-score and its limit: Iglewicz and Hoaglin, "How
to Detect and Handle Outliers", 1993). Unusual days themselves thus hardly move the trend.
Seasons of the year are left in the trend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any

WEEK = range(7)
WINDOW_WEEKS = 4
HALF_WINDOW = 14
# A weekday that sold in at most this share of its weeks is one on which the shop is closed.
MOST_OPEN = 0.1
LEAST_DAYS = 56
PASSES = 3
LIMIT = 3.5
# The median absolute deviation and the mean one, of a normal distribution with deviation 1.
MEDIAN_DEVIATION = 0.6745
MEAN_DEVIATION = 0.7979


@dataclass(frozen=True, slots=True)
class UnusualDay:
    """A local date, its value, what trend and weekday led to expect, and the robust z-score."""

    day: date
    value: float
    expected: float
    z: float

    def as_record(self) -> dict[str, Any]:
        return {
            "date": self.day.isoformat(),
            "value": round(self.value, 4),
            "expected": round(self.expected, 4),
            "z": round(self.z, 2),
        }


def find_unusual_days(values: Mapping[date, float], limit: float = LIMIT) -> list[UnusualDay]:
    """The unusual days, in order. A date within the range without a value counts as 0.

    Fewer than 56 days, or days without any variation, have none. Weekdays on which the shop is
    closed are left out: nothing is sold then, however the rest of the week goes.
    """
    if len(values) == 0 or (max(values) - min(values)).days + 1 < LEAST_DAYS:
        return []
    first = min(values)
    calendar = [first + timedelta(days=i) for i in range((max(values) - first).days + 1)]
    closed = _closed_weekdays(calendar, values)
    days = [day for day in calendar if day.weekday() not in closed]
    series = [float(values.get(day, 0.0)) for day in days]
    expected = _expected(series, len(WEEK) - len(closed))
    residuals = [value - fit for value, fit in zip(series, expected, strict=True)]
    center = median(residuals)
    spread = _spread([residual - center for residual in residuals])
    if not spread:
        return []
    scores = [(residual - center) / spread for residual in residuals]
    return [
        UnusualDay(day, value, fit + center, score)
        for day, value, fit, score in zip(days, series, expected, scores, strict=True)
        if abs(score) >= limit
    ]


def _closed_weekdays(calendar: list[date], values: Mapping[date, float]) -> set[int]:
    """Weekdays without a sale in nearly every week; none if that would be all of them."""
    closed = set()
    for weekday in WEEK:
        sold = [bool(values.get(day)) for day in calendar if day.weekday() == weekday]
        if sum(sold) <= MOST_OPEN * len(sold):
            closed.add(weekday)
    return closed if len(closed) < len(WEEK) else set()


def _expected(series: list[float], period: int) -> list[float]:
    """Trend plus the weekday's effect, each found again with the other taken off, as STL does
    (Cleveland et al., Journal of Official Statistics, 1990), with midmeans for its regressions."""
    season = [0.0] * period
    trend: list[float] = []
    for _ in range(PASSES):
        trend = _trend([value - season[i % period] for i, value in enumerate(series)], period)
        left = [value - level for value, level in zip(series, trend, strict=True)]
        season = [_midmean(left[place::period]) for place in range(period)]
    return [level + season[i % period] for i, level in enumerate(trend)]


def _trend(series: list[float], period: int) -> list[float]:
    """The running midmean; before the first and after the last full window, on along the slope."""
    window = min(len(series), WINDOW_WEEKS * period + 1)
    half = window // 2
    inner = [_midmean(series[i : i + window]) for i in range(len(series) - window + 1)]
    rise, fall = _slope(series[:window], period), _slope(series[-window:], period)
    head = [inner[0] - rise * (half - i) for i in range(half)]
    tail = [inner[-1] + fall * (i + 1) for i in range(len(series) - len(inner) - half)]
    return head + inner + tail


def _midmean(values: list[float]) -> float:
    """The mean of the middle half: as safe from unusual days as it needs to be, and smoother than
    the median, which would pass exactly through so many days that the rest looked unusual."""
    cut = len(values) // 4
    return fmean(sorted(values)[cut : len(values) - cut])


def _slope(series: list[float], period: int) -> float:
    """The median change a day, over a week each, so that weekdays cancel out."""
    return median(later - day for day, later in zip(series, series[period:], strict=False)) / period


def _spread(deviations: list[float]) -> float:
    """A robust standard deviation; where most days fit perfectly, from the mean deviation."""
    sizes = [abs(deviation) for deviation in deviations]
    by_median = median(sizes) / MEDIAN_DEVIATION
    # Rounding alone (1e-9 of the largest) is no variation.
    return by_median if by_median > 1e-9 * max(sizes) else fmean(sizes) / MEAN_DEVIATION
