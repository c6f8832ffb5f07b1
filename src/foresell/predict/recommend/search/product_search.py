"""Search: by id, by words and by meaning, in one order, for one customer if it is known who asks.

Source: Cormack, Clarke and Büttcher, Reciprocal rank fusion outperforms Condorcet and individual rank
learning methods, SIGIR 2009.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.behavior.text import TextEncoder
from foresell.contracts.errors import InputError
from foresell.predict.recommend.exact_search import Flags, Floats, Ints
from foresell.predict.recommend.search.catalog import FIELDS
from foresell.predict.recommend.search.meaning import MeaningIndex
from foresell.predict.recommend.search.words import WordIndex

# Cormack et al.'s constant.
FUSED_FROM = 60
# Ranked by each way: what only one of them finds, or a boost lifts, may still be among the k.
CANDIDATES, CANDIDATES_OF_K = 100, 10
MOST_QUERY = 1_000
BY_ID, BY_WORDS, BY_MEANING = "id", "words", "meaning"


@dataclass(frozen=True, eq=False)
class Found:
    """Products best first. `ways_K`: by what each was found, of "id", "words", "meaning"."""

    positions_K: Ints
    scores_K: Floats
    ways_K: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class ProductSearch:
    """Over one state of the catalog; never changed. Position: the product's row in `product_ids`."""

    position_of: dict[str, int]
    words: WordIndex
    meaning: MeaningIndex

    @classmethod
    def of(cls, said: pl.DataFrame, encoder: TextEncoder) -> "ProductSearch":
        """Of the frame `catalog.SAID`.

        Raises InputError where nothing is said of any product, and without the extra `search`.
        """
        if said.select(pl.all_horizontal(pl.col(*FIELDS).is_null().all())).item():
            raise InputError(
                "Nothing is said of any product: no title, brand, category or description",
                do="Import the catalog (products), with its titles.",
            )
        positions = {product_id: place for place, product_id in enumerate(said["product_id"])}
        return cls(positions, WordIndex.of(said), MeaningIndex.of(said, encoder))

    def search(self, query: str, k: int, eligible: Flags | None = None, boost: Floats | None = None) -> Found:
        """The k best eligible products for a query, equal ones by position.

        `eligible` (P,): the others never come back, and if k of those that match are eligible, k do. A query
        that is a product's id, or of ids only, gives these first. Of the others a score is the sum of
        1 / (60 + rank) over words and meaning (equal ones share the better rank), times `boost` (P,), ≥ 0;
        the CANDIDATES + CANDIDATES_OF_K · k best of each are looked at.
        Raises InputError for a query without a letter or digit or of more than MOST_QUERY signs, and for k
        below 1.
        """
        _require(query, k)
        num = CANDIDATES + CANDIDATES_OF_K * k
        by_words = self.words.search(query, num, eligible)
        by_meaning = self.meaning.search(query, num, eligible)
        by_id = self._named(query, eligible)
        positions = np.unique(np.concatenate([by_id, by_words[0], by_meaning[0]]))
        scores = _fused(positions, by_words) + _fused(positions, by_meaning)
        if boost is not None:
            scores *= boost[positions]
        is_named = np.isin(positions, by_id)
        order = np.lexsort((positions, -scores, ~is_named))[:k]
        ways = {BY_ID: by_id, BY_WORDS: by_words[0], BY_MEANING: by_meaning[0]}
        chosen = positions[order]
        by = {way: np.isin(chosen, found) for way, found in ways.items()}
        told = tuple(tuple(way for way in by if by[way][place]) for place in range(len(chosen)))
        return Found(chosen, scores[order].astype(np.float32), told)

    def _named(self, query: str, eligible: Flags | None) -> Ints:
        words = list(dict.fromkeys(query.split()))
        asked = words if all(word in self.position_of for word in words) else [query.strip()]
        positions = [self.position_of[one] for one in asked if one in self.position_of]
        return np.array([one for one in positions if eligible is None or eligible[one]], np.int64)


def _fused(positions: Ints, ranked: tuple[Ints, Floats]) -> NDArray[np.float64]:
    """1 / (60 + rank) of each position; 0 for those that were not found this way."""
    found, scores = ranked
    # Scores descend: the rank of the first of equals.
    ranks = np.searchsorted(-scores, -scores, side="left") + 1
    given = np.zeros(len(positions), np.float64)
    given[np.searchsorted(positions, found)] = 1.0 / (FUSED_FROM + ranks)
    return given


def _require(query: str, k: int) -> None:
    if not any(sign.isalnum() for sign in query):
        raise InputError(
            "There is nothing to search for", received=repr(query), do="Say a word of the product."
        )
    if len(query) > MOST_QUERY:
        raise InputError("A search is too long", received=f"{len(query)} signs", do=f"At most {MOST_QUERY}.")
    if k < 1:
        raise InputError("k must be at least 1", received=k)
