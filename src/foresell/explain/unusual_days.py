"""Days that neither the trend nor the weekday explains.

A robust additive decomposition: the trend is a centered running median over 29 days (four weeks
and the day), the season the median of what is left by weekday, and a day is unusual where its
residual is at least 3.5 robust standard deviations from their median (running medians: Tukey,
"Exploratory Data Analysis", 1977; the modified z-score and its limit: Iglewicz and Hoaglin, "How
to Detect and Handle Outliers", 1993). Medians keep the unusual days themselves out of the trend.
Seasons of the year are left in the trend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any

HALF_WINDOW = 14
LEAST_DAYS = 28
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

    Fewer than 28 days, or days without any variation, have none.
    """
    if len(values) == 0 or (max(values) - min(values)).days + 1 < LEAST_DAYS:
        return []
    first = min(values)
    days = [first + timedelta(days=i) for i in range((max(values) - first).days + 1)]
    series = [float(values.get(day, 0.0)) for day in days]
    expected = _expected(series)
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


def _expected(series: list[float]) -> list[float]:
    """Trend plus the weekday's effect."""
    trend = [median(series[max(0, i - HALF_WINDOW) : i + HALF_WINDOW + 1]) for i in range(len(series))]
    detrended = [value - level for value, level in zip(series, trend, strict=True)]
    season = [median(detrended[weekday::7]) for weekday in range(7)]
    return [level + season[i % 7] for i, level in enumerate(trend)]


def _spread(deviations: list[float]) -> float:
    """A robust standard deviation; where most days fit perfectly, from the mean deviation."""
    sizes = [abs(deviation) for deviation in deviations]
    by_median = median(sizes) / MEDIAN_DEVIATION
    # Rounding alone (1e-9 of the largest) is no variation.
    return by_median if by_median > 1e-9 * max(sizes) else fmean(sizes) / MEAN_DEVIATION
