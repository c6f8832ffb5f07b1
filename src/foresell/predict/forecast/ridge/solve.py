"""Ridge regressions of many series at once, the newest periods counting most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.knowledge import Knowledge
from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.ridge.design import PERIODS_A_YEAR, Design, columns_of, usual_of

# A period counts half as much as one that is this many years newer.
HALF_LIFE = 1.0
# No period older than this, in years, is learned from.
OLDEST = 4.0
# What of a series' newest errors is taken into its level.
LEVEL_SMOOTHING = 0.2
# Added before logarithms, in means of the series.
LOG_SHIFT = 0.05
SERIES_AT_ONCE = 512
# No value is told above so many times the largest that was seen.
LARGEST = 2.0
# Of the median deviation of all series.
LEAST_DEVIATION = 0.25


@dataclass(frozen=True, eq=False)
class Solved:
    """Of each series (n,): y is told as `size` times (u, or exp(u) − LOG_SHIFT with `is_log`), where
    u = `level` + columns · `coefficients` (n, F); `deviation` of u's errors; `usual` as `columns_of` takes
    it.
    """

    coefficients: Floats
    level: Floats
    size: Floats
    deviation: Floats
    most: Floats
    is_log: NDArray[np.bool_]
    usual: Floats

    def told(self, knowledge: Knowledge, design: Design, offsets: NDArray[np.int64]) -> Floats:
        """(n, offsets) u."""
        found = np.empty((len(self.level), len(offsets)))
        for start in range(0, len(found), SERIES_AT_ONCE):
            rows = np.arange(start, min(start + SERIES_AT_ONCE, len(found)))
            columns = columns_of(knowledge, design, rows, offsets, self.usual[:, rows])
            found[rows] = np.einsum("ntf,nf->nt", columns, self.coefficients[rows])
        return found + self.level[:, None]

    def unscaled(self, told: Floats) -> Floats:
        """u (n, …) as values."""
        shape = (-1,) + (1,) * (told.ndim - 1)
        is_log, size = self.is_log.reshape(shape), self.size.reshape(shape)
        bounded = np.minimum(told, self.most.reshape(shape))
        return np.asarray(
            size * np.where(is_log, np.exp(np.where(is_log, bounded, 0.0)) - LOG_SHIFT, bounded)
        )


def solve(
    knowledge: Knowledge, design: Design, newest: int, is_log: NDArray[np.bool_], penalty: Floats
) -> Solved:
    """From what is known up to column `newest` of the grid. `is_log`, `penalty` (n,)."""
    grid = knowledge.grid
    length = grid.values.shape[1]
    oldest = max(0, newest + 1 - int(OLDEST * PERIODS_A_YEAR[grid.period]))
    places = np.arange(oldest, newest + 1)
    values = grid.values[:, places]
    size = np.nan_to_num(np.nansum(np.abs(values), axis=1) / np.maximum((~np.isnan(values)).sum(axis=1), 1))
    size = np.where(size > 0, size, 1.0)
    relative = values / size[:, None]
    told = np.where(is_log[:, None], np.log(np.maximum(relative, 0.0) + LOG_SHIFT), relative)
    age = (newest - places) / PERIODS_A_YEAR[grid.period]
    weights = np.where(np.isnan(told), 0.0, 0.5 ** (age / HALF_LIFE))
    usual = usual_of(knowledge, np.arange(len(grid)))
    coefficients = np.empty((len(grid), len(design.names)))
    level, deviation = np.empty(len(grid)), np.empty(len(grid))
    offsets = places - (length - 1)
    for start in range(0, len(grid), SERIES_AT_ONCE):
        rows = np.arange(start, min(start + SERIES_AT_ONCE, len(grid)))
        columns = columns_of(knowledge, design, rows, offsets, usual[:, rows])
        found = _ridge(columns, np.nan_to_num(told[rows]), weights[rows], design.pulls, penalty[rows])
        coefficients[rows], level[rows], deviation[rows] = found
    largest = np.nanmax(np.where(np.isnan(relative), 0.0, relative), axis=1)
    most = np.where(is_log, np.log(LARGEST * largest + LOG_SHIFT), LARGEST * largest)
    return Solved(coefficients, level, size, _believable(deviation, is_log), most, is_log, usual)


def _believable(deviation: Floats, is_log: NDArray[np.bool_]) -> Floats:
    """A regression may fit a short series to nothing: no deviation is far below that of the others."""
    found = deviation.copy()
    for kind in (False, True):
        own = is_log == kind
        if own.any():
            found[own] = np.maximum(deviation[own], LEAST_DEVIATION * float(np.median(deviation[own])))
    return np.maximum(found, 1e-6)


def _ridge(
    columns: Floats, told: Floats, weights: Floats, pulls: Floats, penalty: Floats
) -> tuple[Floats, Floats, Floats]:
    """Coefficients (n, F); level (n,), moved by the newest errors; deviation (n,) of the errors."""
    total = np.maximum(weights.sum(axis=1), 1e-12)
    middle = (columns * weights[:, :, None]).sum(axis=1) / total[:, None]
    mean = (told * weights).sum(axis=1) / total
    away = columns - middle[:, None, :]
    weighted = away * weights[:, :, None]
    squares = np.einsum("ntf,ntg->nfg", weighted, away, optimize=True)
    products = np.einsum("ntf,nt->nf", weighted, told - mean[:, None])
    diagonal = np.arange(columns.shape[2])
    squares[:, diagonal, diagonal] += penalty[:, None] * pulls + 1e-9
    coefficients = np.linalg.solve(squares, products[:, :, None])[:, :, 0]
    missed = told - mean[:, None] - np.einsum("ntf,nf->nt", away, coefficients)
    deviation = np.sqrt((missed**2 * weights).sum(axis=1) / total)
    level = mean - (middle * coefficients).sum(axis=1) + _smoothed(missed, weights > 0)
    return coefficients, level, deviation


def _smoothed(missed: Floats, is_known: NDArray[np.bool_]) -> Floats:
    level = np.zeros(len(missed))
    for column, known in zip(missed.T, is_known.T, strict=True):
        level = np.where(known, level + LEVEL_SMOOTHING * (column - level), level)
    return level
