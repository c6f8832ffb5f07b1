"""Do contributions name what the model reads: does it miss the top features more than features at random?

Source: Samek et al., IEEE TNNLS 28, 2017 (removing what is said to matter and watching the prediction).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions, Floats
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.mixtures import Predict, mixed, predicted


@dataclass(frozen=True, slots=True, eq=False)
class Removed:
    """(n,) how far each prediction moves, in size, when as many groups lose the customer's own values: the
    largest contributions, or groups at random (the mean over several choices). Pairs for a paired test."""

    top: Floats
    random: Floats


def removed(
    predict: Predict,
    rows: pl.DataFrame,
    contributions: Contributions,
    background: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    *,
    number: int = 3,
    choices: int = 5,
    draws: int = 20,
    seed: int = 0,
) -> Removed:
    """`number` groups are replaced by those of `draws` background customers, whose mean counts.

    Raises InputError where the contributions are not of these rows and groups, or fewer than `number`.
    """
    if contributions.names != tuple(group.name for group in groups) or len(contributions) != rows.height:
        raise InputError(
            "The contributions are not of these customers and groups",
            received=f"{len(contributions)} of {len(contributions.names)} groups",
        )
    if not 0 < number < len(groups):
        raise InputError(f"Of {len(groups)} groups some can be removed, not all", received=number)
    random = np.random.default_rng(seed)
    before = predicted(predict, rows)
    others = random.integers(background.height, size=(rows.height, draws))
    top = np.zeros((rows.height, len(groups)), np.bool_)
    np.put_along_axis(top, contributions.top(number), True, axis=1)
    sets = [top]
    for _ in range(choices):
        order = random.random((rows.height, len(groups))).argsort(axis=1)
        sets.append(order < number)
    moved = [_moved(predict, rows, background, groups, others, chosen, before) for chosen in sets]
    return Removed(moved[0], np.asarray(np.mean(moved[1:], axis=0)))


def _moved(
    predict: Predict,
    rows: pl.DataFrame,
    background: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    others: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    before: Floats,
) -> Floats:
    draws = others.shape[1]
    frame = mixed(
        rows,
        background,
        groups,
        owner=np.repeat(np.arange(rows.height), draws),
        other=others.ravel(),
        is_replaced=np.repeat(chosen, draws, axis=0),
    )
    return np.asarray(np.abs(predicted(predict, frame).reshape(-1, draws).mean(axis=1) - before))
