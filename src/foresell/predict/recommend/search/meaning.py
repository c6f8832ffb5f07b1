"""Products by the likeness of their texts' vectors to the query's."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.behavior.text import TextEncoder
from foresell.predict.recommend.exact_search import Flags, Floats, Ints
from foresell.predict.recommend.index import VectorIndex
from foresell.predict.recommend.search.catalog import FIELDS
from foresell.predict.recommend.search.tokens import folded

SEED = 13
NUM_NONSENSE, NONSENSE_WORDS, SHORTEST, LONGEST = 64, 2, 5, 9
LETTERS = "bcdfghjklmnpqrstvwxz"
# A description is too long to be like a query.
ENCODED = tuple(name for name in FIELDS if name != "description")


@dataclass(frozen=True)
class MeaningIndex:
    """`floor`: what is not more alike than this is no match, since nonsense reaches it too."""

    encoder: TextEncoder
    index: VectorIndex
    floor: float

    @classmethod
    def of(cls, said: pl.DataFrame, encoder: TextEncoder) -> "MeaningIndex":
        """Of the frame `catalog.SAID`: title, brand and category of each product, encoded as one text.

        The floor is the greatest likeness that NUM_NONSENSE random strings have to any product.
        """
        texts = said.select(pl.concat_str(ENCODED, separator=" ", ignore_nulls=True)).to_series()
        index = VectorIndex.of(encoder.encode([folded(text) for text in texts.fill_null("")]))
        _, likeness = index.search(encoder.encode(_nonsense()), 1)
        return cls(encoder, index, max(0.0, float(likeness.max(initial=0.0))))

    def search(self, query: str, num: int, eligible: Flags | None = None) -> tuple[Ints, Floats]:
        """Positions and likeness (cosine) of the `num` most alike eligible products, best first, equal ones
        by position; none for what is no more alike than nonsense.
        """
        positions, likeness = self.index.search(self.encoder.encode([folded(query)]), num, eligible)
        is_like = likeness[0] > self.floor
        return positions[0][is_like], likeness[0][is_like]


def _nonsense() -> list[str]:
    random = np.random.default_rng(SEED)
    words = [
        "".join(random.choice(list(LETTERS), random.integers(SHORTEST, LONGEST + 1)))
        for _ in range(NUM_NONSENSE * NONSENSE_WORDS)
    ]
    return [" ".join(words[start::NUM_NONSENSE]) for start in range(NUM_NONSENSE)]
