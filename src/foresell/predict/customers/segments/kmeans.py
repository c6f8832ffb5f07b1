"""k-means: groups of points around centers, deterministic by seed.

Source: Lloyd, IEEE Transactions on Information Theory 28, 1982; starts by Arthur and Vassilvitskii,
k-means++, SODA 2007. Spherical: Dhillon and Modha, Machine Learning 42, 2001 (points and centers of length
1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.contracts.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STARTS = 8
MOST_ROUNDS = 100
# Squared distances held at once: 64 MB.
DISTANCES_AT_ONCE = 8_000_000


@dataclass(frozen=True, slots=True)
class Grouping:
    """`centers` (k, D), those of the larger groups first, ties by their coordinates; `labels` (n,) the center
    of each point; `inertia` the sum of squared distances to it."""

    centers: Floats
    labels: Ints
    inertia: float


def k_means(
    points: Floats, k: int, *, seed: int, is_spherical: bool = False, starts: int = STARTS
) -> Grouping:
    """The best of several starts. `points` (n, D); of `is_spherical` of length 1 each (or all 0).

    A point equally near to two centers belongs to the first. Raises InputError where there are fewer distinct
    points than groups.
    """
    found = len(np.unique(points[: 100 * k], axis=0))
    if k < 1 or (found < k and len(np.unique(points, axis=0)) < k):
        raise InputError(
            "There are fewer different customers than groups",
            received=f"{k} groups of {len(points)} customers",
            do="Ask for fewer groups.",
        )
    random = np.random.default_rng(seed)
    best: Grouping | None = None
    for _ in range(starts):
        run = _lloyd(points, _first_centers(points, k, random), is_spherical)
        if best is None or run.inertia < best.inertia:
            best = run
    if best is None:
        raise InputError("k-means needs a start", received=starts, do="Give at least one.")
    return _in_order(best)


def nearest_two(points: Floats, centers: Floats) -> tuple[Ints, Floats, Floats]:
    """The nearest center of each point, and the squared distances to it and to the next (inf: there is
    none)."""
    labels = np.empty(len(points), np.int64)
    first, second = np.empty(len(points)), np.full(len(points), np.inf)
    at_once = max(1, DISTANCES_AT_ONCE // max(len(centers), 1))
    for start in range(0, len(points), at_once):
        rows = slice(start, start + at_once)
        distances = _squared_distances(points[rows], centers)
        labels[rows] = distances.argmin(axis=1)
        if len(centers) > 1:
            two = np.partition(distances, 1, axis=1)
            first[rows], second[rows] = two[:, 0], two[:, 1]
        else:
            first[rows] = distances[:, 0]
    return labels, first, second


def unit_length(points: Floats) -> Floats:
    """Each row divided by its length; a row of zeros stays."""
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0))


def _squared_distances(points: Floats, centers: Floats) -> Floats:
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ centers.T + (centers**2).sum(axis=1)
    return np.asarray(np.maximum(squares, 0.0))


def _first_centers(points: Floats, k: int, random: np.random.Generator) -> Floats:
    centers = [points[int(random.integers(len(points)))]]
    nearest = _squared_distances(points, centers[0][None])[:, 0]
    for _ in range(1, k):
        total = nearest.sum()
        place = (
            int(random.integers(len(points)))
            if total <= 0
            else int(np.searchsorted(np.cumsum(nearest), random.random() * total, side="right"))
        )
        centers.append(points[min(place, len(points) - 1)])
        nearest = np.minimum(nearest, _squared_distances(points, centers[-1][None])[:, 0])
    return np.array(centers)


def _lloyd(points: Floats, centers: Floats, is_spherical: bool) -> Grouping:
    labels, nearest, _ = nearest_two(points, centers)
    for _ in range(MOST_ROUNDS):
        centers = _means(points, labels, nearest, len(centers))
        if is_spherical:
            centers = unit_length(centers)
        moved, nearest, _ = nearest_two(points, centers)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return Grouping(centers, labels, float(nearest.sum()))


def _means(points: Floats, labels: Ints, nearest: Floats, k: int) -> Floats:
    """The mean of each group; a group that lost all its points starts again at the farthest point."""
    counts = np.bincount(labels, minlength=k)
    centers = np.zeros((k, points.shape[1]))
    for group in np.flatnonzero(counts):
        centers[group] = points[labels == group].mean(axis=0)
    for place, empty in enumerate(np.flatnonzero(counts == 0)):
        centers[empty] = points[np.argsort(-nearest, kind="stable")[place]]
    return centers


def _in_order(found: Grouping) -> Grouping:
    counts = np.bincount(found.labels, minlength=len(found.centers))
    order = np.lexsort((*np.round(found.centers, 9).T[::-1], -counts))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return Grouping(found.centers[order], places[found.labels], found.inertia)
