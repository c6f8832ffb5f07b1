"""Features as an array: which columns a model learned from, and the categories that it knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.predict.customers.examples import Examples, Floats

# Of more categories than this the rarest count as unknown.
MOST_CATEGORIES = 100
LEAST_ROWS = 10
TABLE = "columns"
SCHEMA = pl.Schema({"feature": pl.String(), "is_category": pl.Boolean(), "category": pl.String()})


@dataclass(frozen=True)
class Columns:
    """`names`: of the features, in the order of the array. `categories`: of each, those that are known, in
    the order of their codes; None: it is a number."""

    names: tuple[str, ...]
    categories: tuple[tuple[str, ...] | None, ...]

    @classmethod
    def learn(cls, examples: Examples, only: Sequence[str] = ()) -> Self:
        """Of all features, or those of `only`. A category in fewer than LEAST_ROWS rows counts as unknown.

        Raises NotFoundError for a name in `only` that is no feature; InputError where there is no feature.
        """
        described = {feature.name: feature for feature in examples.described}
        for name in only:
            if name not in described:
                raise NotFoundError(f"There is no feature '{name}'", do=did_you_mean(name, described))
        names = tuple(only) or tuple(described)
        if not names:
            raise InputError("There are no features to learn from", do="Describe at least one.")
        return cls(
            names,
            tuple(
                _common(examples.features[name]) if described[name].kind == "category" else None
                for name in names
            ),
        )

    @property
    def is_category(self) -> tuple[bool, ...]:
        return tuple(known is not None for known in self.categories)

    def matrix(self, features: pl.DataFrame) -> Floats:
        """(n, F) in the order of `names`: numbers, and the codes of categories from 0; NaN: unknown (null,
        not finite, or a category that is not among those known).

        Raises InputError naming columns that are missing, or that hold text where numbers were learned.
        """
        given = set(features.columns)
        if missing := [name for name in self.names if name not in given]:
            raise InputError(
                "Features that the model learned from are missing",
                received=", ".join(features.columns) or "no columns",
                do=f"Add {', '.join(missing)}.",
            )
        try:
            found = features.select(self._expressions)
        except pl.exceptions.PolarsError as error:
            raise InputError(
                "A feature is not of the type that the model learned from", received=error
            ) from error
        array = found.to_numpy()
        return np.where(np.isfinite(array), array, np.nan)

    @cached_property
    def _expressions(self) -> list[pl.Expr]:
        return [
            pl.col(name).cast(pl.Float64)
            if known is None
            else pl.col(name)
            .cast(pl.String)
            .cast(pl.Enum(known), strict=False)
            .to_physical()
            .cast(pl.Float64)
            for name, known in zip(self.names, self.categories, strict=True)
        ]

    def to_table(self) -> pl.DataFrame:
        """feature, is_category, category: a row a number, and a row each category (null: none is known)."""
        rows = [
            (name, known is not None, category)
            for name, known in zip(self.names, self.categories, strict=True)
            for category in (known or (None,))
        ]
        return pl.DataFrame(rows, SCHEMA, orient="row")

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> Self:
        names = tuple(table["feature"].unique(maintain_order=True))
        parts = {str(key[0]): rows for key, rows in table.group_by("feature", maintain_order=True)}
        return cls(
            names,
            tuple(
                tuple(parts[name]["category"].drop_nulls()) if parts[name]["is_category"][0] else None
                for name in names
            ),
        )


def _common(column: pl.Series) -> tuple[str, ...]:
    counts = column.cast(pl.String).drop_nulls().rename("category").value_counts()
    kept = counts.filter(pl.col("count") >= LEAST_ROWS).sort(["count", "category"], descending=[True, False])
    return tuple(sorted(kept["category"].head(MOST_CATEGORIES)))


def row_weights(examples: Examples, balance: float = 0.0) -> Floats:
    """(n,) with a mean of 1: what `examples` say, or all alike.

    `balance`: 1: the rows of each cutoff count together as much as those of any other, so that a busy month
    does not outvote the others, of which the next may be more like; 0: as many as they are.
    """
    weights = examples.weights if len(examples.weights) else np.ones(len(examples))
    if balance:
        _, which, counts = np.unique(
            examples.keys["cutoff_at"].to_physical().to_numpy(), return_inverse=True, return_counts=True
        )
        weights = weights * (1 / counts[which]) ** balance
    return np.asarray(weights / weights.mean(), np.float64)


def checked_labels(examples: Examples, target: str) -> Floats:
    """The labels, where a model can learn from them.

    Raises InputError where one is not known, no number that the target allows, or where all are the same.
    """
    labels = examples.labels
    if not len(labels):
        raise InputError(
            "There are no examples to learn from", do="Import a longer history, or choose earlier cutoffs."
        )
    if not np.isfinite(labels).all():
        raise InputError(
            "A label is not known",
            received=f"{int((~np.isfinite(labels)).sum())} of {len(labels)} labels",
            do="Leave out the examples whose outcome is not known.",
        )
    if target == "happens" and not np.isin(labels, (0.0, 1.0)).all():
        raise InputError(
            "A label of what happens is 0 or 1", received=labels[~np.isin(labels, (0.0, 1.0))][0]
        )
    if labels.min() < 0:
        raise InputError("A label of an amount is 0 or more", received=labels.min())
    if labels.min() == labels.max():
        what = {"happens": {0.0: "It happened to nobody", 1.0: "It happened to everybody"}}.get(target, {})
        raise InputError(
            f"{what.get(float(labels[0]), 'All amounts are the same')}: there is nothing to tell apart",
            received=f"{len(labels)} examples with the label {labels[0]:g}",
            do="Change the horizon or the population of the task, or import a longer history.",
        )
    return labels


def vectors_of(vectors: NDArray[np.float32] | None, width: int, rows: int) -> Floats:
    """(rows, width), as float64. Raises InputError for others, and where there are none."""
    if vectors is None or vectors.shape != (rows, width):
        raise InputError(
            "The model reads a vector of the behavior model for each row",
            received="none" if vectors is None else f"shape {vectors.shape}, not {(rows, width)}",
            do="Give the vectors of the behavior model that it was fitted with, or choose another model.",
        )
    return vectors.astype(np.float64)
