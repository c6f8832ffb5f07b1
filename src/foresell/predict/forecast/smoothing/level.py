"""Levels and trends by exponential smoothing, the weights chosen from a grid for all series at once.

Source: Hyndman et al., Forecasting with Exponential Smoothing, 2008, the additive forms (A,N,N), (A,A,N) and
(A,Ad,N); their forecast variance, chapter 6.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats

# Series of one pass, so that its arrays stay near the processor.
SERIES_AT_ONCE = 1_024
# So many of the first values tell where the trend begins.
FIRST = 10


@dataclass(frozen=True, eq=False)
class Weights:
    """(G,) each: of the newest error in the level, of it in the trend, and what is left of the trend a step.
    `parameters`: how many a choice of each has to pay for."""

    level: Floats
    trend: Floats
    damping: Floats
    parameters: Floats


def level_weights(levels: tuple[float, ...]) -> Weights:
    """Levels without a trend."""
    number = len(levels)
    return Weights(np.array(levels), np.zeros(number), np.zeros(number), np.full(number, 2.0))


def trend_weights(
    levels: tuple[float, ...], shares: tuple[float, ...], dampings: tuple[float, ...]
) -> Weights:
    """Every combination of a level's weight, of the trend's as a share of it, and of a damping (1: none)."""
    level, share, damping = (part.ravel() for part in np.meshgrid(levels, shares, dampings, indexing="ij"))
    return Weights(level, level * share, damping, np.where(damping < 1, 5.0, 4.0))


def together(first: Weights, second: Weights) -> Weights:
    return Weights(
        np.concatenate([first.level, second.level]),
        np.concatenate([first.trend, second.trend]),
        np.concatenate([first.damping, second.damping]),
        np.concatenate([first.parameters, second.parameters]),
    )


@dataclass(frozen=True, eq=False)
class Smoothed:
    """(N,) each: where level and trend stand after the last column, the weights chosen, the deviation of the
    errors one step ahead."""

    level: Floats
    trend: Floats
    weight: Floats
    trend_weight: Floats
    damping: Floats
    deviation: Floats

    def means(self, horizon: int) -> Floats:
        """(N, horizon)"""
        return np.asarray(self.level[:, None] + self.trend[:, None] * faded(self.damping, horizon))

    def deviations(self, horizon: int) -> Floats:
        """(N, horizon) of the errors so many steps ahead."""
        moved = self.weight[:, None] + self.trend_weight[:, None] * faded(self.damping, horizon)
        before = np.cumsum(np.pad(moved[:, :-1] ** 2, ((0, 0), (1, 0))), axis=1)
        return np.asarray(self.deviation[:, None] * np.sqrt(1 + before))


def faded(damping: Floats, horizon: int) -> Floats:
    """(N, horizon) Σ damping^i, i from 1 to the step."""
    return np.asarray(np.cumsum(damping[:, None] ** np.arange(1, horizon + 1), axis=1))


def smooth(values: Floats, weights: Weights) -> Smoothed:
    """(N, T), NaN is unknown: what is expected stands for it. The weights with the least corrected AIC, equal
    ones the first. Every row has a known value; a row of one has a deviation of NaN."""
    parts = [
        _smooth(values[start : start + SERIES_AT_ONCE], weights)
        for start in range(0, len(values), SERIES_AT_ONCE)
    ]
    return Smoothed(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _smooth(values: Floats, weights: Weights) -> tuple[Floats, ...]:
    number, groups = len(values), len(weights.level)
    known = ~np.isnan(values)
    start = known.argmax(axis=1)
    slope = _first_slope(values, start)
    level = np.zeros((number, groups))
    trend = slope[:, None] * (weights.parameters > 2)
    squares, filled = np.zeros((number, groups)), np.nan_to_num(values)
    begun = np.zeros((number, 1), np.bool_)
    for place in range(values.shape[1]):
        now = known[:, place : place + 1]
        value = filled[:, place : place + 1]
        damped = trend * weights.damping
        expected = level + damped
        missed = np.where(now & begun, value - expected, 0.0)
        squares += missed**2
        first = now & ~begun
        begun |= now
        level = np.where(first, value, np.where(begun, expected + weights.level * missed, level))
        trend = np.where(first | ~begun, trend, damped + weights.trend * missed)
    num_errors = np.maximum(known.sum(axis=1) - 1, 0)
    best = _criterion(squares, num_errors, weights.parameters).argmin(axis=1)
    rows = np.arange(number)
    spare = np.maximum(num_errors - weights.parameters[best] + 1, 1)
    deviation = np.sqrt(np.where(num_errors > 0, squares[rows, best] / spare, np.nan))
    chosen = (weights.level[best], weights.trend[best], weights.damping[best])
    return (level[rows, best], trend[rows, best], *chosen, deviation)


def _first_slope(values: Floats, start: NDArray[np.intp]) -> Floats:
    """(N,) of a line through the first values; 0 where fewer than 3 are known."""
    places = start[:, None] + np.arange(FIRST)
    inside = places < values.shape[1]
    first = values[np.arange(len(values))[:, None], np.minimum(places, values.shape[1] - 1)]
    usable = inside & ~np.isnan(first)
    count = np.maximum(usable.sum(axis=1), 1)
    time = np.arange(FIRST) - (usable * np.arange(FIRST)).sum(axis=1, keepdims=True) / count[:, None]
    told = np.where(usable, first, 0.0)
    top = (usable * time * told).sum(axis=1)
    bottom = (usable * time**2).sum(axis=1)
    found = np.divide(top, bottom, out=np.zeros(len(values)), where=(bottom > 0) & (count >= 3))
    return np.asarray(found)


def _criterion(squares: Floats, number: NDArray[np.intp], parameters: Floats) -> Floats:
    """(N, G) the corrected AIC; too few errors for a form's parameters rule it out but for the simplest."""
    count = np.maximum(number, 1)[:, None].astype(np.float64)
    spare = count - parameters - 2
    penalty = 2 * (parameters + 1) * count / np.maximum(spare, 1e-9)
    fit = count * np.log(np.maximum(squares / count, 1e-12))
    ruled_out = (spare <= 0) & (parameters > parameters.min())
    return np.where(ruled_out, np.inf, fit + np.where(spare > 0, penalty, 0.0))
