"""Shapley values of any model: what a feature adds, averaged over the orders in which features become known.

A walk starts at another customer and takes over the explained one's features, one group after the other, in
a random order; what each step changes belongs to its group. Every walk is also walked backward (antithetic),
which makes the result exact, for the background given, for models in which at most two groups interact.

Sources: Štrumbelj and Kononenko, Knowledge and Information Systems 41, 2014; Mitchell et al., JMLR 23, 2022
(antithetic permutations). Absent features are taken from the background as if independent of those present.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions, Floats
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.mixtures import CELLS_AT_ONCE, Predict, mixed, predicted

WALKS = 100


def shapley_values(
    predict: Predict,
    rows: pl.DataFrame,
    background: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    *,
    rounds: int = 1,
    seed: int = 0,
) -> Contributions:
    """What each group adds to the prediction of each row, in the unit of `predict`.

    `background`: the customers to compare with (see `mixtures.background_sample`; WALKS are a good number).
    Each is the start of `rounds` pairs of walks, so a row costs 2 · rounds · |background| · |groups|
    predictions. base: the mean prediction of the background; base and contributions add up to the prediction
    up to floating point. Standard errors, NaN for a background of one: what other customers and other orders
    would have given. The same seed gives the same, whatever other rows are explained beside.

    Raises InputError for no background, or a feature that is missing.
    """
    if background.is_empty():
        raise InputError("There are no customers to compare with", do="Give at least one.")
    if rounds < 1:
        raise InputError("There must be a round at least", received=rounds)
    starts, ends = predicted(predict, background), predicted(predict, rows)
    ranks = _ranks(background.height * rounds, len(groups), seed)
    number = rows.height
    values, errors = np.empty((number, len(groups))), np.empty((number, len(groups)))
    for row in range(number):
        steps = _walked(predict, rows[row], background, groups, ranks, starts, float(ends[row]))
        # Walks from one customer are no independent draws: they count as one.
        per_start = steps.reshape(rounds, background.height, len(groups)).mean(axis=0)
        values[row] = per_start.mean(axis=0)
        errors[row] = _standard_error(per_start)
    base = np.full(number, float(starts.mean()))
    return Contributions(tuple(group.name for group in groups), base, values, errors)


def _ranks(walks: int, groups: int, seed: int) -> NDArray[np.int64]:
    """(walks, groups) the place of each group in the order of each walk."""
    random = np.random.default_rng(seed)
    return np.argsort(random.random((walks, groups)), axis=1, kind="stable")


def _standard_error(per_start: Floats) -> Floats:
    if len(per_start) < 2:
        return np.full(per_start.shape[1], np.nan)
    return np.asarray(per_start.std(axis=0, ddof=1) / len(per_start) ** 0.5)


def _walked(
    predict: Predict,
    row: pl.DataFrame,
    background: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    ranks: NDArray[np.int64],
    starts: Floats,
    end: float,
) -> Floats:
    """(walks, groups) what each group's step changes, the mean of the walk forward and backward."""
    num_walks, num_groups = ranks.shape
    steps = np.empty((num_walks, num_groups))
    columns = sum(len(group.columns) for group in groups)
    at_once = max(1, CELLS_AT_ONCE // (2 * num_groups * max(columns, 1)))
    for first in range(0, num_walks, at_once):
        part = ranks[first : first + at_once]
        other = np.arange(first, first + len(part)) % background.height
        both = np.stack([part, num_groups - 1 - part], axis=1)
        path = np.empty((len(part), 2, num_groups + 1))
        path[:, :, 0], path[:, :, -1] = starts[other][:, None], end
        if num_groups > 1:
            # Before step s the groups of rank s and later are still the other's.
            is_replaced = both[:, :, None, :] >= np.arange(1, num_groups)[:, None]
            frame = mixed(
                row,
                background,
                groups,
                owner=np.zeros(is_replaced[..., 0].size, np.int64),
                other=np.repeat(other, 2 * (num_groups - 1)),
                is_replaced=is_replaced.reshape(-1, num_groups),
            )
            path[:, :, 1:-1] = predicted(predict, frame).reshape(len(part), 2, num_groups - 1)
        changes = np.take_along_axis(np.diff(path, axis=2), both, axis=2)
        steps[first : first + len(part)] = changes.mean(axis=1)
    return steps
