"""Distributions of what sells now and then: many zeros, else a few.

`negative_binomial` is for counts: its quantiles are whole numbers, the least k with P(Y ≤ k) ≥ level, so that
a randomized PIT can be told from them. `zero_inflated` is for amounts, such as money: zeros, else the sizes
that were seen.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import LEVELS_ARRAY

# A variance of so many means, neither less nor more.
DISPERSIONS = (1.05, 20.0)
# Means below this are no counts, and have no variance to speak of.
LEAST_MEAN = 0.05


def negative_binomial(means: Floats, dispersions: Floats) -> Floats:
    """(…, LEVELS) quantiles of counts with those means and variances of mean × dispersion, both (…); where
    the mean is 0: 0."""
    safe = np.maximum(means, 1e-9)[..., None]
    ratio = np.clip(dispersions, *DISPERSIONS)[..., None]
    found = nbinom.ppf(LEVELS_ARRAY, safe / (ratio - 1), 1 / ratio)
    return np.where(means[..., None] > 0, found, 0.0)


def dispersions_of(values: Floats) -> Floats:
    """(N,) variance over mean of each series' known values, half way (in logarithms) to that of a typical
    one: a short history tells its variance badly. `values` (N, T) with NaN for unknown."""
    known = ~np.isnan(values)
    number = np.maximum(known.sum(axis=1), 1)
    means = np.nansum(values, axis=1) / number
    variances = np.nansum((np.where(known, values, 0.0) - means[:, None] * known) ** 2, axis=1) / number
    own = np.clip(variances / np.maximum(means, LEAST_MEAN), *DISPERSIONS)
    all_together = np.clip(variances.sum() / max(float(means.sum()), LEAST_MEAN), *DISPERSIONS)
    return np.asarray(np.sqrt(own * all_together))


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
    last = np.maximum(number - 1, 0)[:, None]
    place = levels * last
    low = np.floor(place).astype(np.intp)
    below = np.take_along_axis(sizes, low, axis=1)
    above = np.take_along_axis(sizes, np.minimum(low + 1, last), axis=1)
    return np.asarray(np.nan_to_num(below + (place - low) * (above - below)))


def whole_quantiles_of_sorted(sizes: Floats, number: NDArray[np.intp]) -> Floats:
    """(N, LEVELS) of rows as `quantiles_of_sorted` has them: the least value that is not exceeded by a
    share of the row of at least the level, one of the values themselves; 0 where there is none."""
    rank = np.ceil(LEVELS_ARRAY[None, :] * number[:, None] - 1e-9).astype(np.intp)
    return np.asarray(np.nan_to_num(np.take_along_axis(sizes, np.maximum(rank - 1, 0), axis=1)))
