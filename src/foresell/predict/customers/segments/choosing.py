"""How many segments: every candidate judged by how separate, how stable and how large its groups are.

Sources: Rousseeuw, Silhouettes, Journal of Computational and Applied Mathematics 20, 1987; Tibshirani,
Walther and Hastie, the gap statistic, Journal of the Royal Statistical Society B 63, 2001; stability by pairs
of half samples as in Ben-Hur, Elisseeff and Guyon, Pacific Symposium on Biocomputing 2002.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.predict.customers.segments.agreement import adjusted_rand, contingency
from foresell.predict.customers.segments.kmeans import k_means, nearest_two, unit_length

Floats = NDArray[np.float64]
# Never fewer people in a segment: it could not be exported.
LEAST_PEOPLE = 10
# Customers that candidates are judged on; silhouettes take all pairs of fewer.
MOST_JUDGED, MOST_PAIRED = 4_000, 1_500
REFERENCES = 8
PAIRS = 4
HALF = 0.5
SCHEMA = {
    "num_segments": pl.Int64,
    "silhouette": pl.Float64,
    "gap": pl.Float64,
    "gap_error": pl.Float64,
    "stability": pl.Float64,
    "weakest": pl.Float64,
    "smallest_share": pl.Float64,
    "is_allowed": pl.Boolean,
    "is_chosen": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class Choosing:
    """`fewest` … `most` groups are tried; `num_segments` above 0: that many, whatever the candidates say.

    Allowed is a candidate of which each group holds `least_share` of the customers (and 10 people) and is
    found again in halves of the customers: a mean Jaccard of `least_found` at least even of the weakest one.
    Chosen is, of those allowed, the one with the most groups: more say more, as long as each is found again.
    Where none is allowed: the one whose weakest group is found best, ties to the fewer groups.
    """

    num_segments: int = 0
    fewest: int = 2
    most: int = 8
    least_share: float = 0.02
    least_found: float = 0.75


def judge_candidates(
    points: Floats, choosing: Choosing, *, seed: int, is_spherical: bool = False
) -> pl.DataFrame:
    """A row a candidate, ascending: num_segments, silhouette (−1 to 1), gap and gap_error (of one group too,
    whose rest is null), stability (mean adjusted Rand of two halves' groups), weakest (mean Jaccard of the
    group that is found worst in halves), smallest_share, is_allowed, is_chosen.

    Candidates are judged on 4,000 customers drawn by the seed. Raises InputError where there are fewer than
    20 customers, or the choice contradicts itself.
    """
    least = 2 * LEAST_PEOPLE
    if len(points) < least:
        raise InputError(
            f"Segments need at least {least} customers", received=len(points), do="Choose a wider population."
        )
    if not 2 <= choosing.fewest <= choosing.most:
        raise InputError(
            "The numbers of segments to try must be 2 and more, the fewest first",
            received=f"{choosing.fewest} to {choosing.most}",
        )
    random = np.random.default_rng(seed)
    judged = points[np.sort(random.permutation(len(points))[:MOST_JUDGED])]
    tried = _tried(choosing, len(judged), len(np.unique(judged, axis=0)))
    references = [_reference(judged, random, is_spherical) for _ in range(REFERENCES)]
    rows = [
        {
            "num_segments": k,
            **_gap(judged, references, k, seed, is_spherical),
            **(_separation(judged, k, seed, is_spherical, len(points)) if k > 1 else {}),
        }
        for k in [1, *tried]
    ]
    return _chosen(pl.DataFrame(rows, schema=SCHEMA), choosing, len(points))


def chosen_number(candidates: pl.DataFrame) -> int:
    return int(candidates.filter("is_chosen")["num_segments"][0])


def choose_again(candidates: pl.DataFrame, choosing: Choosing, before: int) -> pl.DataFrame:
    """The candidates with the number of before chosen where it is still allowed: a number that changes at
    every fit would tear segments apart that are found again."""
    is_before = (pl.col("num_segments") == before) & pl.col("is_allowed")
    if choosing.num_segments or not candidates.select(is_before.any()).item():
        return candidates
    return candidates.with_columns(is_chosen=pl.col("num_segments") == before)


def are_separate(candidates: pl.DataFrame) -> bool:
    """Whether the gap statistic sees groups at all: some number of them beats one group by its error. Where
    it does not, segments are cuts through what is really one crowd: of use, but no discovery."""
    alone = candidates.filter(pl.col("num_segments") == 1)["gap"][0]
    more = candidates.filter(pl.col("num_segments") > 1)
    return bool(((more["gap"] - more["gap_error"]) > alone).any())


def silhouette(points: Floats, labels: NDArray[np.int64]) -> float:
    """The mean silhouette over all points; that of a point alone in its group is 0."""
    distances = np.sqrt(np.maximum(_pairwise(points), 0.0))
    groups = np.unique(labels)
    sums = np.column_stack([distances[:, labels == group].sum(axis=1) for group in groups])
    counts = np.array([(labels == group).sum() for group in groups])
    own = np.searchsorted(groups, labels)
    rows = np.arange(len(points))
    inside = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    largest = np.maximum(np.maximum(inside, outside), 1e-300)
    return float(np.where(counts[own] > 1, (outside - inside) / largest, 0.0).mean())


def _pairwise(points: Floats) -> Floats:
    squares = (points**2).sum(axis=1)
    return np.asarray(squares[:, None] + squares[None] - 2 * points @ points.T)


def _tried(choosing: Choosing, num: int, num_different: int) -> list[int]:
    if choosing.num_segments:
        wanted = choosing.num_segments
        if wanted < 2 or wanted * LEAST_PEOPLE > num or wanted > num_different:
            raise InputError(
                "There are too few customers for so many segments",
                received=f"{wanted} segments of {num} customers, {num_different} of them different",
                do=f"Ask for 2 to {max(2, min(num // LEAST_PEOPLE, num_different))}.",
            )
        return sorted(
            {wanted, *range(choosing.fewest, min(choosing.most, num // LEAST_PEOPLE, num_different) + 1)}
        )
    most = min(choosing.most, num // LEAST_PEOPLE, num_different)
    if most < choosing.fewest:
        raise InputError(
            "There are too few different customers for segments",
            received=f"{num} customers, {num_different} of them different",
            do="Choose a wider population, or more features.",
        )
    return list(range(choosing.fewest, most + 1))


def _reference(points: Floats, random: np.random.Generator, is_spherical: bool) -> Floats:
    """As many points without groups: uniform in the box along the principal axes; on the sphere, directions
    with the same center and spread."""
    middle = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    turned = (points - middle) @ axes.T
    if is_spherical:
        drawn = random.normal(size=turned.shape) * turned.std(axis=0)
        return unit_length(drawn @ axes + middle)
    drawn = random.uniform(turned.min(axis=0), turned.max(axis=0), size=turned.shape)
    return np.asarray(drawn @ axes + middle)


def _gap(
    points: Floats, references: list[Floats], k: int, seed: int, is_spherical: bool
) -> dict[str, float | None]:
    def spread(of: Floats, starts: int) -> float:
        inertia = k_means(of, k, seed=seed, is_spherical=is_spherical, starts=starts).inertia
        return float(np.log(max(inertia, 1e-300)))

    expected = np.array([spread(reference, 1) for reference in references])
    error = float(expected.std() * np.sqrt(1 + 1 / len(references)))
    return {"gap": float(expected.mean() - spread(points, 3)), "gap_error": error}


def _separation(points: Floats, k: int, seed: int, is_spherical: bool, num: int) -> dict[str, float]:
    found = k_means(points, k, seed=seed, is_spherical=is_spherical)
    random = np.random.default_rng([seed, k])
    some = random.permutation(len(points))[:MOST_PAIRED]
    shares = np.bincount(found.labels, minlength=k) / len(points)
    return {
        "silhouette": silhouette(points[some], found.labels[some]),
        **_stability(points, found.labels, k, random, is_spherical),
        "smallest_share": float(shares.min()),
    }


def _stability(
    points: Floats, labels: NDArray[np.int64], k: int, random: np.random.Generator, is_spherical: bool
) -> dict[str, float]:
    """Each half's centers divide all customers: how alike those of two halves are, and how well the worst
    group of all customers is found by a half."""
    agreements, overlaps = [], []
    for pair in range(PAIRS):
        order = random.permutation(len(points))
        middle = int(len(points) * HALF)
        found = []
        for half in (order[:middle], order[middle:]):
            if len(np.unique(points[half], axis=0)) < k:
                return {"stability": 0.0, "weakest": 0.0}
            centers = k_means(points[half], k, seed=pair, is_spherical=is_spherical, starts=4).centers
            found.append(nearest_two(points, centers)[0])
            overlaps.append(_overlaps(labels, found[-1]))
        agreements.append(adjusted_rand(found[0], found[1]))
    return {
        "stability": float(np.mean(agreements)),
        "weakest": float(np.mean(overlaps, axis=0).min()),
    }


def _overlaps(labels: NDArray[np.int64], found: NDArray[np.int64]) -> Floats:
    """Of each group the largest Jaccard with a group of `found`."""
    shared = contingency(labels, found)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    return np.asarray((shared / either).max(axis=1))


def _chosen(candidates: pl.DataFrame, choosing: Choosing, num: int) -> pl.DataFrame:
    least_share = max(choosing.least_share, LEAST_PEOPLE / num)
    is_allowed = (pl.col("smallest_share") >= least_share) & (pl.col("weakest") >= choosing.least_found)
    judged = candidates.with_columns(is_allowed=is_allowed.fill_null(False))
    return judged.with_columns(is_chosen=pl.col("num_segments") == _choice(judged, choosing))


def _choice(judged: pl.DataFrame, choosing: Choosing) -> int:
    if choosing.num_segments:
        return choosing.num_segments
    allowed = judged.filter("is_allowed")
    if allowed.is_empty():
        several = judged.filter(pl.col("num_segments") > 1)
        return int(several.sort(["weakest", "num_segments"], descending=[True, False])["num_segments"][0])
    return int(allowed["num_segments"].max())  # type: ignore[arg-type]
