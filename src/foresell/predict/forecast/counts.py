"""Distributions of what sells now and then: many zeros, else a few.

`zero_inflated` takes the sizes as they were seen.
"""

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import LEVELS_ARRAY


def zero_inflated(values: Floats, means: Floats, chances: Floats) -> Floats:
    """(N, LEVELS) quantiles of 0 with probability 1 − chance, else one of the sizes of the series, scaled
    so that the mean is `means`.

    `values` (N, T) with NaN for unknown; `means`, `chances` (N,). Where nothing sold: 0.
    """
    sizes = np.sort(np.where(values > 0, values, np.nan), axis=1)
    number = (~np.isnan(sizes)).sum(axis=1)
    average = np.divide(np.nansum(sizes, axis=1), number, out=np.ones(len(values)), where=number > 0)
    chance = np.clip(chances, 1e-12, 1.0)
    scale = means / (chance * average)
    within = (LEVELS_ARRAY[None, :] - 1 + chance[:, None]) / chance[:, None]
    sized = quantiles_of_sorted(sizes, number, np.clip(within, 0.0, 1.0)) * scale[:, None]
    is_sold = (within > 0) & (number > 0)[:, None] & (means > 0)[:, None]
    return np.where(is_sold, sized, 0.0)


def quantiles_of_sorted(sizes: Floats, number: NDArray[np.intp], levels: Floats) -> Floats:
    """(N, L) of rows that are sorted with NaN last; `number` (N,) are not NaN; `levels` (N, L). Linear
    between order statistics; 0 where there is none."""
    place = levels * np.maximum(number - 1, 0)[:, None]
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(number - 1, 0)[:, None])
    below = np.take_along_axis(sizes, low, axis=1)
    above = np.take_along_axis(sizes, high, axis=1)
    return np.asarray(np.nan_to_num(below + (place - low) * (above - below)))
