"""Chance as a function: the same question always has the same answer, whoever asks it, in whatever order.

A draw is a hash of the seed, its purpose and its keys (a person, a day, a product …) by the finalizer of
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). So a world does not depend on the number of processes, and
two policies meet the same customers in the same mood: common random numbers, without any bookkeeping.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = int | NDArray[np.int64] | NDArray[np.int32]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
# 53 bits make a double; the half keeps every draw strictly inside (0, 1).
STEP = 2.0**-53


class Draws:
    """Uniform, normal and other draws of one world, by purpose and keys.

    Keys broadcast against each other as NumPy arrays do, and the result has their shape.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._start = _mixed(np.array(seed & (2**63 - 1), dtype=np.uint64))

    def uniform(self, purpose: str, *keys: Key) -> Floats:
        """Uniform on the open interval (0, 1)."""
        bits = self._bits(purpose, keys)
        return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * STEP

    def normal(self, purpose: str, *keys: Key) -> Floats:
        """Standard normal, by the inverse of its distribution function."""
        return np.asarray(ndtri(self.uniform(purpose, *keys)), dtype=np.float64)

    def gumbel(self, purpose: str, *keys: Key) -> Floats:
        """Standard Gumbel: the largest of utilities plus these is a choice by multinomial logit."""
        return np.asarray(-np.log(-np.log(self.uniform(purpose, *keys))))

    def below(self, bound: int | Ints, purpose: str, *keys: Key) -> Ints:
        """Whole numbers from 0 to `bound` − 1."""
        return (self.uniform(purpose, *keys) * bound).astype(np.int64)

    def choice(self, weights: Sequence[float] | Floats, purpose: str, *keys: Key) -> Ints:
        """Indexes of `weights`, each with a probability in proportion to its weight."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges / edges[-1], self.uniform(purpose, *keys), side="right").clip(
            max=len(edges) - 1
        )

    def _bits(self, purpose: str, keys: Sequence[Key]) -> NDArray[np.uint64]:
        bits = _mixed(self._start ^ np.array(zlib.crc32(purpose.encode()), dtype=np.uint64))
        for key in keys:
            bits = _mixed(bits ^ np.asarray(key).astype(np.uint64))
        return bits


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finalizer; it wraps around, as it must."""
    with np.errstate(over="ignore"):
        bits = np.atleast_1d(bits) + GOLDEN if bits.ndim == 0 else bits + GOLDEN
        bits = (bits ^ (bits >> np.uint64(30))) * FIRST
        bits = (bits ^ (bits >> np.uint64(27))) * SECOND
        return bits ^ (bits >> np.uint64(31))
