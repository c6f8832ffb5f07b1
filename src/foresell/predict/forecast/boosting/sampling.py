"""Which series, origins and steps are learned from: all of them, or as many as are worth their time."""

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.boosting.features import Places
from foresell.predict.forecast.grid import Grid

# A pair of series and origin gives so many rows, of steps drawn without repeats.
STEPS_A_PAIR = 4


def pairs_of(
    grid: Grid, horizon: int, newest: int, max_rows: int, fewest: int, random: np.random.Generator
) -> tuple[Places, Places, Places]:
    """Series (P,), origins (P,), steps (P, S), S at most the horizon.

    Origins lie from the `fewest`th known period of a series on, up to one period before column `newest`, the
    last whose value may be learned. Where there are more rows than `max_rows`, as many pairs are drawn.
    """
    length = grid.values.shape[1]
    first = length - grid.lengths + fewest - 1
    possible = np.arange(length)[None, :] >= first[:, None]
    possible[:, newest:] = False
    series, origins = np.nonzero(possible)
    if len(series) * horizon <= max_rows:
        steps = np.tile(np.arange(1, horizon + 1), (len(series), 1))
        return series, origins, steps
    number = min(horizon, STEPS_A_PAIR)
    wanted = max_rows // number
    if len(series) > wanted:
        drawn = np.sort(random.choice(len(series), wanted, replace=False))
        series, origins = series[drawn], origins[drawn]
    return series, origins, _steps(len(series), horizon, number, random)


def _steps(pairs: int, horizon: int, number: int, random: np.random.Generator) -> NDArray[np.intp]:
    """(pairs, number) one step from each of as many equal parts of the horizon."""
    edges = np.linspace(0, horizon, number + 1)
    low = np.floor(edges[:-1]).astype(np.intp)
    high = np.maximum(np.floor(edges[1:]).astype(np.intp), low + 1)
    return np.asarray(random.integers(low, high, size=(pairs, number)) + 1, np.intp)
