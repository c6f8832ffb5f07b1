"""Vectors of texts that were encoded before, by the hash of the text: an encoder need not see one twice.

    <folder>/<encoder's name>/<random>.parquet    key (SHA-256), vector

Files are written whole, by a rename, and never changed, so that several processes may share a folder; one
that cannot be read counts as absent. The texts themselves are not kept.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foresell.behavior.text import TextEncoder
from foresell.behavior.text.plain import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

# As many as a slow encoder does in a minute: what a killed process loses.
TEXTS_PER_FILE = 2_000


@dataclass(frozen=True, slots=True)
class CachedEncoder:
    """The encoder, with `folder` as its memory; the folder is made at the first text. In RAM: what is asked
    for, and one file.
    """

    encoder: TextEncoder
    folder: Path

    @property
    def name(self) -> str:
        return self.encoder.name

    @property
    def width(self) -> int:
        return self.encoder.width

    def encode(self, texts: list[str]) -> "NDArray[np.float32]":
        keys = [self._key(text) for text in texts]
        places: dict[bytes, int] = {}
        first_texts = [text for text, key in zip(texts, keys, strict=True) if _is_new(places, key)]
        vectors = np.zeros((len(places), self.width), np.float32)
        is_known = np.zeros(len(places), bool)
        for key, vector in self._stored():
            _take(places, key, vector, vectors, is_known)
        missing = np.flatnonzero(~is_known)
        distinct = list(places)
        for start in range(0, len(missing), TEXTS_PER_FILE):
            some = missing[start : start + TEXTS_PER_FILE]
            vectors[some] = self.encoder.encode([first_texts[place] for place in some])
            self._store([distinct[place] for place in some], vectors[some])
        return vectors[[places[key] for key in keys]]

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{plain(text)}".encode()).digest()

    @property
    def _home(self) -> Path:
        return self.folder / self.name

    def _stored(self) -> "Iterator[tuple[pl.Series, NDArray[np.float32]]]":
        """The keys and vectors of each file that can be read and fits."""
        for path in sorted(self._home.glob("*.parquet")):
            try:
                frame = pl.read_parquet(path, columns=["key", "vector"])
                vectors = frame["vector"].to_numpy()
            except (OSError, pl.exceptions.PolarsError):
                continue
            if vectors.ndim == 2 and vectors.shape[1] == self.width and np.isfinite(vectors).all():
                yield frame["key"], vectors

    def _store(self, keys: list[bytes], vectors: "NDArray[np.float32]") -> None:
        if not np.isfinite(vectors).all():
            return
        self._home.mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(16)
        work = self._home / f".{name}"
        vector = pl.Series("vector", vectors, pl.Array(pl.Float32, self.width))
        pl.DataFrame({"key": pl.Series(keys, dtype=pl.Binary), "vector": vector}).write_parquet(work)
        work.rename(self._home / f"{name}.parquet")


def _is_new(places: dict[bytes, int], key: bytes) -> bool:
    """Gives a key that was not there the next place."""
    num_before = len(places)
    places.setdefault(key, num_before)
    return len(places) > num_before


def _take(
    places: dict[bytes, int],
    keys: pl.Series,
    stored: "NDArray[np.float32]",
    vectors: "NDArray[np.float32]",
    is_known: "NDArray[np.bool_]",
) -> None:
    """Copies the stored vectors of the keys that are asked for."""
    for row, key in enumerate(keys):
        if (place := places.get(key)) is not None:
            vectors[place] = stored[row]
            is_known[place] = True
