"""Quantiles that held in the past, by group.

Split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Romano,
Patterson and Candès, Conformalized Quantile Regression, 2019): of n exchangeable errors the ceil((n + 1)
l)-th smallest is not exceeded by the next one with a probability of at least l.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats
from foresell.predict.forecast.model import LEVELS, SHARES

# A group with fewer errors cannot tell the level .975 from the largest error.
FEWEST_ERRORS = 40


def conformal_quantiles(errors: Floats, levels: Sequence[float] = LEVELS) -> Floats:
    """(levels,) bounds that the next error stays below with at least that probability; for levels under one
    half, stays above with at least one less it. NaN among `errors` (n,) is left out; NaN for none at all.

    Where n is too small for a level, the outermost error is told: it covers n ÷ (n + 1).
    """
    known = np.sort(errors[~np.isnan(errors)])
    if not len(known):
        return np.full(len(levels), np.nan)
    wanted = np.asarray(levels)
    # Rounding must not raise a rank that is whole.
    upper = np.ceil((len(known) + 1) * wanted - 1e-9)
    lower = np.floor((len(known) + 1) * wanted + 1e-9)
    rank = np.where(wanted > 0.5, upper, lower).astype(np.intp)
    found = known[np.clip(rank, 1, len(known)) - 1]
    return np.asarray(np.where(wanted == 0.5, np.median(known), found))


@dataclass(frozen=True, eq=False)
class Offsets:
    """`table` (groups, LEVELS): how far each quantile lies from the median, in units of the spread; `means`
    (groups,): the mean of those quantiles, each for its share of chance: one wild error moves it no more
    than it moves them."""

    table: Floats
    means: Floats

    def paths(self, medians: Floats, spreads: Floats, groups: NDArray[np.intp]) -> Floats:
        """(…, VALUES) of medians, spreads and groups of one shape (…): the mean and the quantiles."""
        quantiles = medians[..., None] + spreads[..., None] * self.table[groups]
        means = medians + spreads * self.means[groups]
        return np.concatenate([means[..., None], quantiles], axis=-1)


def offsets_of(
    errors: Floats, groups: NDArray[np.intp], number: int, *, fewest: int = FEWEST_ERRORS
) -> Offsets:
    """The conformal quantiles of each group. `errors` (n,): (actual − median) ÷ spread, NaN is left out;
    `groups` (n,): below `number`.

    A group with fewer than `fewest` errors takes in its neighbors, the nearest first, one on each side at a
    time, until there are enough or no more: groups are in an order, such as steps ahead.
    """
    known = ~np.isnan(errors)
    sizes = np.bincount(groups[known], minlength=number)
    tables = []
    for group in range(number):
        reach = 0
        while sizes[max(0, group - reach) : group + reach + 1].sum() < fewest and reach < number:
            reach += 1
        inside = errors[known & (np.abs(groups - group) <= reach)]
        tables.append(conformal_quantiles(inside))
    table = np.maximum.accumulate(np.array(tables), axis=1)
    return Offsets(table, table @ SHARES)
