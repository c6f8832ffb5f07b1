"""Features as the columns of a linear model: filled, drawn together, of like spread, categories as flags."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl

from foresell.predict.customers.columns import Columns
from foresell.predict.customers.examples import Floats

# Above this skewness a number that is never below 0 is seen as log(1 + x).
SKEWED = 1.0
# In standard deviations: what lies beyond counts as this, so that no single value decides.
FARTHEST = 4.0
LEAST_SPREAD = 1e-12


@dataclass(frozen=True)
class Design:
    """One row a feature: how its number becomes a column. A category's row says nothing.

    Columns: each number, then a flag "unknown" for each feature that was unknown in some row, then a flag for
    each known category. Flags are as they are, 0 or 1; numbers have mean 0 and spread 1.
    """

    columns: Columns
    is_log: tuple[bool, ...]
    fill: tuple[float, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]
    has_unknown: tuple[bool, ...]

    @classmethod
    def learn(cls, columns: Columns, array: Floats) -> Self:
        """`array`: (n, F) of `columns.matrix`."""
        number = array.shape[1]
        is_log = [False] * number
        fill, middle, spread = np.zeros(number), np.zeros(number), np.ones(number)
        for place in np.flatnonzero(~np.array(columns.is_category)):
            known = array[:, place][~np.isnan(array[:, place])]
            if not len(known):
                continue
            is_log[place] = bool(known.min() >= 0 and _skewness(known) > SKEWED)
            seen = np.log1p(known) if is_log[place] else known
            fill[place] = float(np.median(seen))
            middle[place], deviation = float(seen.mean()), float(seen.std())
            spread[place] = deviation if deviation > LEAST_SPREAD else 1.0
        unknown = np.isnan(array).any(axis=0)
        return cls(
            columns,
            tuple(is_log),
            tuple(fill.tolist()),
            tuple(middle.tolist()),
            tuple(spread.tolist()),
            tuple(bool(flag) for flag in unknown | np.array(columns.is_category)),
        )

    @cached_property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """(feature, what) of each column: "value", "unknown", or "is CATEGORY"."""
        names, known = self.columns.names, self.columns.categories
        values = [(name, "value") for name, of in zip(names, known, strict=True) if of is None]
        unknown = [(name, "unknown") for name, flag in zip(names, self.has_unknown, strict=True) if flag]
        flags = [(name, f"is {one}") for name, of in zip(names, known, strict=True) for one in (of or ())]
        return (*values, *unknown, *flags)

    def apply(self, array: Floats) -> Floats:
        """(n, len(terms)) of (n, F)."""
        is_category = np.array(self.columns.is_category)
        places = np.flatnonzero(~is_category)
        parts = [np.empty((len(array), 0))]
        if len(places):
            parts.append(self._numbers(array[:, places], places))
        unknown = np.flatnonzero(np.array(self.has_unknown))
        parts.append(np.isnan(array[:, unknown]).astype(np.float64))
        for place in np.flatnonzero(is_category):
            codes = np.arange(len(self.columns.categories[place] or ()))
            parts.append((array[:, [place]] == codes).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def _numbers(self, values: Floats, places: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
        is_log = np.array(self.is_log)[places]
        drawn = np.where(is_log, np.log1p(np.maximum(np.where(is_log, values, 0.0), 0.0)), values)
        filled = np.where(np.isnan(drawn), np.array(self.fill)[places], drawn)
        scaled = (filled - np.array(self.middle)[places]) / np.array(self.spread)[places]
        return np.asarray(np.clip(scaled, -FARTHEST, FARTHEST), np.float64)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {
            "columns": self.columns.to_table(),
            "design": pl.DataFrame(
                {
                    "feature": self.columns.names,
                    "is_log": self.is_log,
                    "fill": self.fill,
                    "middle": self.middle,
                    "spread": self.spread,
                    "has_unknown": self.has_unknown,
                }
            ),
        }

    @classmethod
    def from_tables(cls, columns: pl.DataFrame, design: pl.DataFrame) -> Self:
        return cls(
            Columns.from_table(columns),
            tuple(design["is_log"]),
            tuple(design["fill"]),
            tuple(design["middle"]),
            tuple(design["spread"]),
            tuple(design["has_unknown"]),
        )


def _skewness(values: Floats) -> float:
    deviation = values.std()
    if deviation <= LEAST_SPREAD:
        return 0.0
    return float((((values - values.mean()) / deviation) ** 3).mean())
