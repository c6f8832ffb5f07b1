"""Segments around centers: what k-means makes of points, whatever the points are made from."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.customers.segments.agreement import contingency
from foresell.predict.customers.segments.choosing import (
    Choosing,
    choose_again,
    chosen_number,
    judge_candidates,
)
from foresell.predict.customers.segments.describing import describe
from foresell.predict.customers.segments.kmeans import k_means, nearest_two
from foresell.predict.customers.segments.segmentation import Customers, FittedSegmentation

Floats = NDArray[np.float64]
# Centers are learned from so many customers; all are assigned.
MOST_LEARNED = 100_000
# A segment keeps its name where most of either one's customers are in both.
SAME_SEGMENT = 0.5


@dataclass(frozen=True, eq=False)
class Clusters:
    """`centers` (k, D), the segments' table in the same order, and the candidates."""

    centers: Floats
    segments: pl.DataFrame
    candidates: pl.DataFrame

    def nearest(self, points: Floats) -> pl.DataFrame:
        """segment, and confidence = 1 − distance to its center ÷ distance to the next one's: 0 on the border,
        1 at the center."""
        labels, first, second = nearest_two(points, self.centers)
        with np.errstate(invalid="ignore", divide="ignore"):
            near = np.sqrt(np.where(second > 0, first / second, 1.0))
        confidence = np.where(np.isfinite(second), 1.0 - near, 1.0)
        return pl.DataFrame({"segment": self.segments["segment"].gather(labels), "confidence": confidence})

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"segments": self.segments, "candidates": self.candidates}

    @classmethod
    def loaded(cls, tables: Any, centers: Floats) -> "Clusters":
        return cls(np.asarray(centers, np.float64), tables["segments"], tables["candidates"])


class FittedClusters(FittedSegmentation):
    """A segmentation by nearest center; kinds differ in `points`."""

    clusters: Clusters

    @property
    def segments(self) -> pl.DataFrame:  # type: ignore[override]
        return self.clusters.segments

    @property
    def candidates(self) -> pl.DataFrame:  # type: ignore[override]
        return self.clusters.candidates

    @abstractmethod
    def points(self, customers: Customers) -> Floats:
        """(n, D)"""

    def assign(self, customers: Customers) -> pl.DataFrame:
        return self.clusters.nearest(self.points(customers))

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {"centers": self.clusters.centers}


def fit_clusters(
    points: Floats,
    customers: Customers,
    choosing: Choosing,
    *,
    seed: int,
    is_spherical: bool = False,
    previous: FittedSegmentation | None = None,
) -> Clusters:
    """Choose the number of groups, find them, and say in words who they are.

    `previous`: its number of groups is kept while it is allowed, and its names for groups that are found
    again (most customers of either are in both).
    Raises InputError where there are too few customers.
    """
    candidates = judge_candidates(points, choosing, seed=seed, is_spherical=is_spherical)
    if previous is not None:
        candidates = choose_again(candidates, choosing, len(previous.segments))
    random = np.random.default_rng(seed)
    learned = np.sort(random.permutation(len(points))[:MOST_LEARNED])
    found = k_means(points[learned], chosen_number(candidates), seed=seed, is_spherical=is_spherical)
    labels = nearest_two(points, found.centers)[0]
    segments = describe(labels, len(found.centers), customers.features, customers.described)
    if previous is not None:
        segments = keep_names(segments, labels, previous, customers)
    return Clusters(found.centers, segments, candidates)


def keep_names(
    segments: pl.DataFrame, labels: NDArray[np.int64], previous: FittedSegmentation, customers: Customers
) -> pl.DataFrame:
    """The segments, those found again under the name that they had.

    A pair is the same segment where the customers in both are more than half of the customers in either
    (Jaccard), so a pair has no rival. A new name that an old one took gets a number.
    """
    old = previous.assign(customers)["segment"].to_numpy()
    names_before = np.unique(old)
    shared = contingency(labels, old)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    known = {row["segment"]: row["name_zh"] for row in previous.segments.iter_rows(named=True)}
    kept: dict[int, str] = {}
    for row, label in enumerate(np.unique(labels)):
        place = int(np.argmax(shared[row] / either[row]))
        if shared[row, place] / either[row, place] > SAME_SEGMENT:
            kept[int(label)] = str(names_before[place])
    names, chinese = list(segments["segment"]), list(segments["name_zh"])
    for label, name in kept.items():
        names[label], chinese[label] = name, known.get(name, name)
    taken = set(kept.values())
    for label in range(len(names)):
        if label not in kept:
            number = 1
            while (told := names[label] + (f" {number}" if number > 1 else "")) in taken:
                number += 1
            chinese[label] += f" {number}" if number > 1 else ""
            names[label] = told
            taken.add(told)
    return segments.with_columns(
        segment=pl.Series(names, dtype=pl.String), name_zh=pl.Series(chinese, dtype=pl.String)
    )
