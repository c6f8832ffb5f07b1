"""The space that customers are grouped in: their numbers, on one scale."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, did_you_mean
from foresell.features.feature import Feature
from foresell.predict.customers.segments.plain import plain_features
from foresell.predict.customers.segments.segmentation import Customers

Floats = NDArray[np.float64]
# A column in which a larger share has one and the same value tells few customers apart.
MOST_THE_SAME = 0.9
# Of two columns that say the same, the first is kept.
MOST_ALIKE = 0.95
# From this skewness on, a column without negative values is taken by its logarithm.
SKEWED = 1.0
FARTHEST = 4.0
# The interquartile range of a normal distribution, in standard deviations.
NORMAL_RANGE = 1.349


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """D columns as robust standard scores: (value − median) / (interquartile range / 1.349), logarithms
    (log(1 + value)) of what is skewed, cut at ±4.

    A value that is not known counts as the median; of a column of days as the longest seen, since what never
    happened is longer ago than anything that did.
    """

    columns: tuple[str, ...]
    is_log: NDArray[np.bool_]
    fill: Floats
    center: Floats
    scale: Floats

    def points(self, features: pl.DataFrame) -> Floats:
        """(n, D). Raises InputError naming a column that is missing."""
        missing = [name for name in self.columns if name not in features.columns]
        if missing:
            raise InputError(
                "Features lack a column that the segments were learned from",
                received=", ".join(missing),
                do=did_you_mean(missing[0], features.columns),
            )
        values = _numbers(features, self.columns)
        values = np.where(np.isnan(values), self.fill, values)
        logs = np.log1p(np.maximum(values, 0.0))
        scaled = (np.where(self.is_log, logs, values) - self.center) / self.scale
        return np.asarray(np.clip(scaled, -FARTHEST, FARTHEST))

    def to_table(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "column": pl.Series(self.columns, dtype=pl.String),
                "is_log": pl.Series(self.is_log, dtype=pl.Boolean),
                "fill": self.fill,
                "center": self.center,
                "scale": self.scale,
            }
        )

    @classmethod
    def from_table(cls, table: pl.DataFrame) -> "FeatureSpace":
        return cls(
            tuple(table["column"]),
            table["is_log"].to_numpy(),
            *(table[name].to_numpy() for name in ("fill", "center", "scale")),
        )


def fit_space(
    features: pl.DataFrame, described: tuple[Feature, ...], chosen: tuple[str, ...] = ()
) -> FeatureSpace:
    """The space of the numbers among the features; `chosen`: of these alone.

    Without a choice, columns are left out in which nine in ten customers have one and the same value (or
    none), and those that another column before them already says (correlation above 0.95). Raises InputError
    for a column that is unknown or no number, and where no column is left.
    """
    numbers = {feature.name: feature for feature in described if feature.kind == "number"}
    for name in chosen:
        if name not in numbers:
            raise InputError(
                f"There is no number '{name}' among the features", do=did_you_mean(name, numbers)
            )
    names = chosen or tuple(numbers)
    fitted = [_fit_column(features[name], numbers[name]) for name in names]
    varied = [
        (name, *one)
        for name, one in zip(names, fitted, strict=True)
        if one and (chosen or one[4] <= MOST_THE_SAME)
    ]
    if not varied:
        raise InputError(
            "No feature tells customers apart", received=f"{len(names)} columns", do="Give more features."
        )
    space = _made([row[:5] for row in varied])
    return space if chosen else _without_copies(space, features)


def chosen_space(customers: Customers, columns: tuple[str, ...]) -> FeatureSpace:
    """The space of these columns of customers; none named: of their `plain_features` that do not grow with
    the shop's history."""
    described = customers.described if columns else plain_features(customers.described, with_growing=False)
    return fit_space(customers.features, described, columns)


def _numbers(features: pl.DataFrame, columns: tuple[str, ...]) -> Floats:
    values = features.select(pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in columns).to_numpy()
    return np.asarray(np.where(np.isfinite(values), values, np.nan))


def _fit_column(column: pl.Series, feature: Feature) -> tuple[bool, float, float, float, float] | None:
    """is_log, fill, center, scale, share of the commonest value; None: nothing varies."""
    values = _numbers(column.to_frame(), (column.name,))[:, 0]
    known = values[~np.isnan(values)]
    if not len(known) or known.min() == known.max():
        return None
    fill = float(known.max() if feature.unit == "days" else np.median(known))
    filled = np.where(np.isnan(values), fill, values)
    counts = np.unique(filled, return_counts=True)[1]
    is_log = bool(known.min() >= 0 and _skewness(filled) > SKEWED)
    scaled = np.log1p(filled) if is_log else filled
    low, center, high = np.quantile(scaled, [0.25, 0.5, 0.75])
    # Of a column that is mostly one value the range is 0; its spread then is.
    scale = (high - low) / NORMAL_RANGE or float(scaled.std())
    return None if scale == 0 else (is_log, fill, float(center), float(scale), counts.max() / len(filled))


def _skewness(values: Floats) -> float:
    spread = values.std()
    return 0.0 if spread == 0 else float((((values - values.mean()) / spread) ** 3).mean())


def _made(rows: list[tuple[str, bool, float, float, float]]) -> FeatureSpace:
    names, is_log, fill, center, scale = zip(*rows, strict=True)
    return FeatureSpace(
        tuple(names),
        np.array(is_log, np.bool_),
        *(np.array(one, np.float64) for one in (fill, center, scale)),
    )


def _without_copies(space: FeatureSpace, features: pl.DataFrame) -> FeatureSpace:
    points = space.points(features)
    points = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-12)
    alike = np.abs(points.T @ points) / len(points)
    kept: list[int] = []
    for place in range(len(space.columns)):
        if all(alike[place, other] <= MOST_ALIKE for other in kept):
            kept.append(place)
    places = np.array(kept, np.int64)
    return FeatureSpace(
        tuple(space.columns[place] for place in kept),
        space.is_log[places],
        space.fill[places],
        space.center[places],
        space.scale[places],
    )
