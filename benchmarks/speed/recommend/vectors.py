"""Made-up vectors of products and customers, in any number and bounded memory; filters; sessions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

SEED = 11
WIDTH = 64
AT_ONCE = 100_000
# Clustered: kinds of products, a few with most; directions that differ in weight; lengths by popularity.
NUM_KINDS, KINDS_EXPONENT, WITHIN, LENGTHS_SIGMA = 4_000, 1.0, 0.5, 0.35
TASTES, TASTE_NOISE = 5, 0.2
SHARE_FORBIDDEN, OWN_FORBIDDEN = 0.2, 10
SESSIONS, SESSION_STEPS, POPULARITY_EXPONENT = 200_000, 6, 0.9

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def products(kind: str, num: int) -> Floats:
    """(num, 64): "gaussian", all directions alike, the hardest; "clustered"; or rows of a .npy file, repeated
    with a little noise where it has fewer.
    """
    random = np.random.default_rng([SEED, 0])
    if kind.endswith(".npy"):
        return _enlarged(np.load(Path(kind), allow_pickle=False).astype(np.float32), num, random)
    vectors = np.empty((num, WIDTH), np.float32)
    directions = _directions()
    kinds = random.standard_normal((NUM_KINDS, WIDTH), dtype=np.float32) * directions
    shares = np.arange(1, NUM_KINDS + 1) ** -KINDS_EXPONENT
    for start in range(0, num, AT_ONCE):
        some = vectors[start : start + AT_ONCE]
        random.standard_normal(out=some, dtype=np.float32)
        if kind == "clustered":
            some *= WITHIN * directions
            some += kinds[random.choice(NUM_KINDS, len(some), p=shares / shares.sum())]
            some /= np.linalg.norm(some, axis=1, keepdims=True)
            some *= random.lognormal(0, LENGTHS_SIGMA, (len(some), 1)).astype(np.float32)
    return vectors


def customers(kind: str, vectors: Floats, num: int) -> Floats:
    """Gaussian ones where the products are; else means of a few products, and noise."""
    random = np.random.default_rng([SEED, 1])
    noise = random.standard_normal((num, vectors.shape[1]), dtype=np.float32)
    if kind == "gaussian":
        return noise
    taken = random.integers(len(vectors), size=(num, TASTES))
    scale = TASTE_NOISE * (_directions() if kind == "clustered" else vectors[taken[:, 0]].std())
    means: Floats = vectors[taken].mean(axis=1)
    return means + noise * scale


def forbidden_to_all(num: int) -> Flags:
    flags: Flags = np.random.default_rng([SEED, 2]).random(num) < SHARE_FORBIDDEN
    return flags


def allowed_to(customer: int, forbidden: Flags) -> Flags:
    """What the shop allows but for what this customer has."""
    allowed = ~forbidden
    allowed[np.random.default_rng([SEED, 3, customer]).integers(len(forbidden), size=OWN_FORBIDDEN)] = False
    return allowed


def sessions(num_products: int) -> pl.DataFrame:
    """Interactions: customers of SESSION_STEPS products each, chains of neighbors begun by popularity."""
    random = np.random.default_rng([SEED, 4])
    popularity = np.cumsum(np.arange(1, num_products + 1) ** -POPULARITY_EXPONENT)
    begun = np.searchsorted(popularity, random.random(SESSIONS) * popularity[-1])
    steps = random.integers(1, 20, (SESSIONS, SESSION_STEPS)).cumsum(axis=1)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    minutes = np.sort(random.integers(0, 180 * 1440, SESSIONS))[:, None] + np.arange(SESSION_STEPS)
    return pl.DataFrame(
        {
            "customer_id": pl.Series(np.repeat(np.arange(SESSIONS), SESSION_STEPS)).cast(pl.String),
            "product_id": pl.Series(((begun[:, None] + steps) % num_products).ravel()).cast(pl.String),
            "occurred_at": (start + pl.Series(minutes.ravel()).cast(pl.Int64) * timedelta(minutes=1)).cast(
                pl.Datetime("us", "UTC")
            ),
            "weight": 1.0,
        }
    )


def _directions() -> Floats:
    return (np.arange(1, WIDTH + 1) ** -0.5).astype(np.float32)


def _enlarged(vectors: Floats, num: int, random: np.random.Generator) -> Floats:
    rows = np.arange(num) % len(vectors)
    noise = random.standard_normal((num, vectors.shape[1]), dtype=np.float32) * (0.1 * vectors.std())
    noise[: len(vectors)] = 0
    enlarged: Floats = vectors[rows] + noise
    return enlarged
