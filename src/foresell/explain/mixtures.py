"""Customers whose features are partly another's: what explanations of any model ask the model about."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import FeatureGroup

Floats = NDArray[np.float64]
# (n rows of features) → (n,) probabilities, amounts or days; the same rows always get the same.
Predict = Callable[[pl.DataFrame], Floats]
# Cells of mixtures held at once: 160 MB.
CELLS_AT_ONCE = 20_000_000


def predicted(predict: Predict, frame: pl.DataFrame) -> Floats:
    """What the model says of each row. ValueError where it does not give one finite number a row."""
    found = np.asarray(predict(frame), dtype=np.float64)
    if found.shape != (frame.height,) or not np.isfinite(found).all():
        raise ValueError(f"predict gave {found.shape} for {frame.height} rows, or numbers that are none")
    return found


def background_sample(frame: pl.DataFrame, size: int, seed: int = 0) -> pl.DataFrame:
    """`size` rows drawn without replacement, in their order; all of them where there are no more.

    Raises InputError for a frame without rows.
    """
    if frame.is_empty():
        raise InputError("There are no customers to compare with", do="Give at least one.")
    if frame.height <= size:
        return frame
    drawn = np.random.default_rng(seed).choice(frame.height, size, replace=False)
    return frame[np.sort(drawn)]


def mixed(
    owners: pl.DataFrame,
    others: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    *,
    owner: NDArray[np.int64],
    other: NDArray[np.int64],
    is_replaced: NDArray[np.bool_],
) -> pl.DataFrame:
    """(r) rows: row i is that of owners[owner[i]], but for the groups where `is_replaced[i]` (r, G) is true,
    whose features are those of others[other[i]]. Columns: those of `owners`, in their order, of the others'
    types; what is in no group stays the owner's.

    Raises InputError where either frame lacks a feature of the groups.
    """
    place_of = {name: place for place, group in enumerate(groups) for name in group.columns}
    for name in place_of:
        if name not in owners.columns or name not in others.columns:
            have = owners.columns if name not in owners.columns else others.columns
            raise InputError(
                "A feature is missing", received=", ".join(have[:20]), do=f"Add the column {name}."
            )
    columns = {}
    for name in owners.columns:
        if name not in place_of:
            columns[name] = owners[name].gather(owner)
            continue
        source = np.where(is_replaced[:, place_of[name]], owners.height + other, owner)
        columns[name] = pl.concat([owners[name].cast(others.schema[name]), others[name]]).gather(source)
    return pl.DataFrame(columns)
