"""How sure a score is that is no mean, such as AUROC: bootstrap over entities by weights.

The same customer stands at several cutoffs, and those rows err together; so whole entities are drawn, with
all their rows, and two models are compared on the same draws.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 (units that are drawn whole)
and 13 (percentile intervals).
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.intervals import SAMPLES, Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Weights of the rows, 0 or more → the score; NaN where it is not defined.
Weighted = Callable[[Floats], float]


def weighted_draws(entities: ArrayLike, *, seed: int, samples: int = SAMPLES) -> Iterator[Floats]:
    """`samples` times the (n,) weights of rows: how often the entity of each was drawn, with replacement,
    among all distinct entities. The same for the same seed and order of the rows."""
    codes = entity_codes(entities)
    number = int(codes.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    for _ in range(samples if number else 0):
        drawn = random.integers(number, size=number)
        yield np.bincount(drawn, minlength=number).astype(np.float64)[codes]


def entity_codes(entities: ArrayLike) -> Ints:
    """(n,) from 0, in the order of the entities. Null is an entity."""
    column = entities if isinstance(entities, pl.Series) else pl.Series(np.asarray(entities))
    first = 0 if column.null_count() else 1
    return column.rank("dense").fill_null(0).cast(pl.Int64).to_numpy() - first


def entity_folds(entities: ArrayLike, folds: int, *, seed: int) -> Ints:
    """(n,) 0 to `folds` − 1: parts of like numbers of entities, each with all its rows."""
    codes = entity_codes(entities)
    places = np.random.default_rng(seed).permutation(int(codes.max(initial=-1)) + 1)
    return np.asarray(places[codes] % folds, np.int64)


def intervals_of(
    scores: Mapping[str, Weighted],
    entities: ArrayLike,
    *,
    seed: int,
    level: float = 0.95,
    samples: int = SAMPLES,
    centers: Mapping[str, Weighted] | None = None,
) -> dict[str, Interval]:
    """Each score of all rows, with its percentile interval over draws of entities.

    `entities`: (n,) whose row each is. Draws where a score is NaN are left out of its interval; NaN ends
    where none is left. `centers`: in the place of a score on drawn rows, where that is needed to be fair.
    """
    ones = np.ones(len(entity_codes(entities)))
    on_draws = {**scores, **(centers or {})}
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for weights in weighted_draws(entities, seed=seed, samples=samples):
        for name in scores:
            drawn[name].append(on_draws[name](weights))
    return {name: _interval(score(ones), drawn[name], level) for name, score in scores.items()}


def differences_of(
    first: Mapping[str, Weighted],
    second: Mapping[str, Weighted],
    entities: ArrayLike,
    *,
    seed: int,
    level: float = 0.95,
    samples: int = SAMPLES,
) -> dict[str, Interval]:
    """Each score of the second model less that of the first, both on the same draws of entities.

    Raises InputError where the two have other scores.
    """
    if set(first) != set(second):
        raise InputError(
            "Two models can be compared by scores that both have",
            received=", ".join(sorted(set(first) ^ set(second))),
        )

    def less(name: str) -> Weighted:
        return lambda weights: second[name](weights) - first[name](weights)

    return intervals_of(
        {name: less(name) for name in first}, entities, seed=seed, level=level, samples=samples
    )


def differences_between(
    scores: Mapping[str, Callable[[Floats, Floats], Weighted]],
    labels: Floats,
    first: Floats,
    second: Floats,
    entities: ArrayLike,
    *,
    seed: int,
    samples: int,
) -> dict[str, Interval]:
    """As `differences_of`, of (n,) predictions of two models; `scores`: by labels and predictions."""
    return differences_of(
        {name: score(labels, first) for name, score in scores.items()},
        {name: score(labels, second) for name, score in scores.items()},
        entities,
        seed=seed,
        samples=samples,
    )


def _interval(value: float, drawn: list[float], level: float) -> Interval:
    usable = np.array([one for one in drawn if not np.isnan(one)])
    tail = (1 - level) / 2
    lower, upper = np.quantile(usable, [tail, 1 - tail]) if len(usable) else (np.nan, np.nan)
    return Interval(float(value), float(lower), float(upper))
