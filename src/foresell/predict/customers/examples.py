"""What a model of customers learns from: a row an entity and cutoff; features before it, labels after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.features.feature import Feature

Floats = NDArray[np.float64]
KEYS = ("entity_id", "cutoff_at")


@dataclass(frozen=True, slots=True)
class Examples:
    """n examples.

    keys        (n rows) entity_id (String), cutoff_at (Datetime UTC); pairs are distinct
    features    (n rows) one column for each of `described`, in its order: Float64, or String of a category
    labels      (n,) 0 or 1, an amount, or days; NaN: censored (it had not happened when the horizon ended)
    groups      (n rows) what fairness is asked by (age band, region, …), never features; no columns: nothing
    vectors     (n, D) of the behavior model as of each cutoff; (n, 0): none
    weights     (n,) how much each counts when a model learns, above 0; (0,): all alike
    """

    keys: pl.DataFrame
    features: pl.DataFrame
    labels: Floats
    described: tuple[Feature, ...]
    groups: pl.DataFrame = field(default_factory=pl.DataFrame)
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    weights: Floats = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.described]
        if self.features.columns != names:
            raise InputError(
                "Examples have other features than those described",
                received=", ".join(sorted(set(self.features.columns) ^ set(names))) or "another order",
                do="Give a column for each feature, in the order of `described`.",
            )
        if not len(self.keys) == len(self.features) == len(self.labels):
            raise InputError(
                "The parts of examples must have the same number of rows",
                received=f"{len(self.keys)} keys, {len(self.features)} features, {len(self.labels)} labels",
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: "NDArray[np.int64] | NDArray[np.bool_]") -> "Examples":
        """The examples at these positions, or where a mask is true, in that order."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Examples(
            self.keys[places],
            self.features[places],
            self.labels[places],
            self.described,
            self.groups[places] if self.groups.width else self.groups,
            self.vectors[places] if self.vectors.shape[1] else self.vectors,
            self.weights[places] if len(self.weights) else self.weights,
        )


def together(parts: Sequence[Examples]) -> Examples:
    """All examples of parts that have the same features.

    Raises InputError where there are none.
    """
    if not parts:
        raise InputError("There are no examples", do="Give at least one part.")
    first = parts[0]
    return Examples(
        pl.concat([part.keys for part in parts]),
        pl.concat([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        first.described,
        pl.concat([part.groups for part in parts]) if first.groups.width else first.groups,
        np.concatenate([part.vectors for part in parts]) if first.vectors.shape[1] else first.vectors,
        np.concatenate([part.weights for part in parts]) if len(first.weights) else first.weights,
    )
