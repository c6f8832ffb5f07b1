"""What distinguishes each segment, in words: a short name and one sentence, in English and Chinese."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.features.feature import Feature
from foresell.predict.customers.segments.plain import name_part, plain_features
from foresell.predict.customers.segments.space import FeatureSpace, fit_space
from foresell.predict.customers.segments.words import IN_THE_MIDDLE, sentence, value_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# A difference of fewer standard deviations is not said; of two columns that go together, the stronger is.
LEAST_DIFFERENCE = 0.3
# Nor is one of less than a tenth of the larger mean.
LEAST_GAP = 0.1
MOST_TOGETHER = 0.8
MOST_SAID = 3
TABLE = {
    "segment": pl.String,
    "name_zh": pl.String,
    "sentence": pl.String,
    "sentence_zh": pl.String,
    "num_customers": pl.Int64,
    "share": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How a segment differs from everyone else in one feature: `size` in standard deviations (of the scaled
    feature), and the two means as they are."""

    feature: Feature
    size: float
    inside: float
    outside: float


def describe(
    labels: Ints, num_segments: int, features: pl.DataFrame, described: Sequence[Feature]
) -> pl.DataFrame:
    """The table `segments` of a segmentation, a row a label 0 … num_segments − 1, in that order.

    Said are differences in `plain_features`. Names are distinct: the strongest difference, and as many more
    as it takes. Ties by the features' order.
    """
    plain = plain_features(described)
    space = fit_space(features, plain)
    said = differences(labels, num_segments, space, features, plain)
    names = distinct_names(said)
    counts = np.bincount(labels, minlength=num_segments)
    rows = []
    for place, found in enumerate(said):
        share = counts[place] / len(labels)
        facts = [
            (one.feature, value_text(one.feature, one.inside), value_text(one.feature, one.outside))
            for one in found[:MOST_SAID]
        ]
        texts = [sentence(int(counts[place]), share, facts, language) for language in ("en", "zh")]
        rows.append((*names[place], *texts, int(counts[place]), share))
    return pl.DataFrame(rows, schema=TABLE, orient="row")


def differences(
    labels: Ints, num_segments: int, space: FeatureSpace, features: pl.DataFrame, described: Sequence[Feature]
) -> list[list[Difference]]:
    """Of each segment, the largest first; only those that its plain means show too, and of columns that go
    together (correlation above 0.8) the strongest alone."""
    points = space.points(features)
    raw = features.select(pl.col(name).cast(pl.Float64) for name in space.columns).to_numpy()
    known = {feature.name: feature for feature in described}
    with np.errstate(invalid="ignore"):
        together = np.abs(np.nan_to_num(np.corrcoef(points.T))) if points.shape[1] > 1 else np.ones((1, 1))
    found = []
    for segment in range(num_segments):
        mine = labels == segment
        sizes = _standardized(points, mine)
        inside, outside = _means(raw[mine]), _means(raw[~mine])
        gaps = (inside - outside) / np.maximum(np.maximum(np.abs(inside), np.abs(outside)), 1e-12)
        places = _strongest(sizes, gaps, together)
        found.append(
            [
                Difference(known[space.columns[j]], float(sizes[j]), float(inside[j]), float(outside[j]))
                for j in places
            ]
        )
    return found


def distinct_names(said: Sequence[Sequence[Difference]]) -> list[tuple[str, str]]:
    """(English, Chinese) of each segment: as few differences as tell it from all others."""
    used = [1] * len(said)
    while True:
        names = [_name(found[:number]) for found, number in zip(said, used, strict=True)]
        counts = Counter(names)
        longer = [
            min(number + 1, len(found)) if counts[name] > 1 else number
            for name, found, number in zip(names, said, used, strict=True)
        ]
        if longer == used:
            return _numbered(names)
        used = longer


def _name(found: Sequence[Difference]) -> tuple[str, str]:
    if not found:
        return IN_THE_MIDDLE
    parts = [name_part(one.feature, is_high=one.size > 0) for one in found]
    return ", ".join(english for english, _ in parts), "，".join(chinese for _, chinese in parts)


def _numbered(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Segments that no difference tells apart get a number."""
    seen: Counter[str] = Counter()
    told = []
    for english, chinese in names:
        seen[english] += 1
        end = f" {seen[english]}" if seen[english] > 1 else ""
        told.append((english + end, chinese + end))
    return told


def _standardized(points: Floats, mine: NDArray[np.bool_]) -> Floats:
    """(D,) the difference of the means in pooled standard deviations; 0 where one side is empty."""
    inside, outside = points[mine], points[~mine]
    if not len(inside) or not len(outside):
        return np.zeros(points.shape[1])
    pooled = (inside.var(axis=0) * len(inside) + outside.var(axis=0) * len(outside)) / len(points)
    return np.asarray((inside.mean(axis=0) - outside.mean(axis=0)) / np.sqrt(np.maximum(pooled, 1e-12)))


def _means(values: Floats) -> Floats:
    """(D,) means of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0))


def _strongest(sizes: Floats, gaps: Floats, together: Floats) -> list[int]:
    order = np.argsort(-np.abs(sizes), kind="stable")
    kept: list[int] = []
    for j in order:
        if abs(sizes[j]) < LEAST_DIFFERENCE:
            break
        # The logarithm may lean one way and the mean, by a few large values, the other.
        if not gaps[j] * np.sign(sizes[j]) >= LEAST_GAP:
            continue
        if all(together[j, other] <= MOST_TOGETHER for other in kept):
            kept.append(int(j))
    return kept
