"""Products by the words said of them: BM25 over fields, spelling mistakes forgiven (tantivy).

Source: Robertson and Zaragoza, The probabilistic relevance framework: BM25 and beyond, 2009; mistakes by
Levenshtein automata (Schulz and Mihov, 2002).
"""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.predict.recommend.exact_search import Flags, Floats, Ints
from foresell.predict.recommend.search.catalog import FIELDS
from foresell.predict.recommend.search.tokens import tokens

if TYPE_CHECKING:
    import tantivy

POSITION = "position"
HEAP_BYTES = 128_000_000
# Of words that nobody wrote so, mistakes are looked for in these fields.
MISTAKEN_IN = ("title", "brand", "category")
# Letters from which on one mistake, and two, are forgiven; and from which on a beginning will do.
ONE_MISTAKE, TWO_MISTAKES, BEGINNING = 4, 8, 3
# What a match with so many mistakes counts, against 1 of a field's weight; and a beginning.
ONE_WRONG, TWO_WRONG, BEGUN = 1.0, 0.5, 0.4
# So much less where the word is known as it was written.
IF_KNOWN = 0.2
MOST_WORDS = 32
HITS_AT_FIRST, TIMES_MORE = 100, 8


@dataclass(frozen=True)
class WordIndex:
    """In memory; never changed. Several threads may ask it."""

    _schema: Any
    _searcher: Any

    @classmethod
    def of(cls, said: pl.DataFrame) -> "WordIndex":
        """Of the frame `catalog.SAID`. Raises InputError without the extra `search`."""
        try:
            import tantivy
        except ImportError as error:
            raise InputError(
                "Searching by words needs tantivy", do="Install the extra: pip install 'foresell[search]'."
            ) from error
        builder = tantivy.SchemaBuilder()
        for name in FIELDS:
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field(POSITION, fast=True)
        schema = builder.build()
        index = tantivy.Index(schema)
        # One thread writes the products in their order, so that equal ones are found in it.
        writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
        for position, row in enumerate(said.select(*FIELDS).iter_rows()):
            writer.add_document(_document(tantivy.Document(), position, row))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return cls(schema, index.searcher())

    def search(self, query: str, num: int, eligible: Flags | None = None) -> tuple[Ints, Floats]:
        """Positions and scores of the `num` best products that have at least half of the query's words, each
        as it is written, begun or with a mistake; best first, equal scores by position.

        `eligible` (P,): the others never come back, and where `num` match, `num` do. Signs have no meaning.
        """
        asked = self._query(list(dict.fromkeys(tokens(query, is_query=True)))[:MOST_WORDS])
        if asked is None or not self._searcher.num_docs:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        limit = max(HITS_AT_FIRST, 2 * num)
        while True:
            hits = self._searcher.search(asked, limit=min(limit, self._searcher.num_docs)).hits
            positions, scores = self._eligible(hits, eligible)
            is_all = len(hits) < limit
            # Those that are as good as the last one must all be there, or chance decides among them.
            if is_all or (len(scores) >= num and hits[-1][0] < scores[num - 1]):
                return positions[:num], scores[:num]
            limit *= TIMES_MORE

    def _eligible(self, hits: list[Any], eligible: Flags | None) -> tuple[Ints, Floats]:
        found = self._searcher.fast_field_values(POSITION, [address for _, address in hits])
        positions = np.array(found, np.int64)
        scores = np.array([score for score, _ in hits], np.float32)
        if eligible is not None:
            kept = eligible[positions]
            positions, scores = positions[kept], scores[kept]
        order = np.lexsort((positions, -scores))
        return positions[order], scores[order]

    def _query(self, words: list[str]) -> "tantivy.Query | None":
        import tantivy

        if not words:
            return None
        each = [(tantivy.Occur.Should, self._of_word(word, is_last=word == words[-1])) for word in words]
        return tantivy.Query.boolean_query(each, minimum_number_should_match=ceil(len(words) / 2))

    def _of_word(self, word: str, *, is_last: bool) -> "tantivy.Query":
        """The best of: the word, in each field; with mistakes; as a beginning, if it is the last."""
        import tantivy

        query = tantivy.Query
        ways = [
            query.boost_query(query.term_query(self._schema, name, word, "freq"), weight)
            for name, weight in FIELDS.items()
        ]
        is_known = any(self._searcher.doc_freq(name, word) for name in FIELDS)
        for mistakes, worth in _mistakes(word, is_known=is_known):
            ways += [self._near(name, word, mistakes, worth) for name in MISTAKEN_IN]
        if is_last and len(word) >= BEGINNING:
            worth = BEGUN * (IF_KNOWN if is_known else 1.0)
            ways += [self._near(name, word, 0, worth, prefix=True) for name in MISTAKEN_IN]
        return query.disjunction_max_query(ways)

    def _near(self, name: str, word: str, mistakes: int, worth: float, *, prefix: bool = False) -> Any:
        import tantivy

        near = tantivy.Query.fuzzy_term_query(self._schema, name, word, distance=mistakes, prefix=prefix)
        return tantivy.Query.boost_query(near, worth * FIELDS[name])


def _mistakes(word: str, *, is_known: bool) -> list[tuple[int, float]]:
    """How many mistakes are forgiven, and what a match with them is worth."""
    if len(word) < ONE_MISTAKE:
        return []
    if is_known:
        return [(1, IF_KNOWN * ONE_WRONG)]
    return [(1, ONE_WRONG), (2, TWO_WRONG)] if len(word) >= TWO_MISTAKES else [(1, ONE_WRONG)]


def _document(document: Any, position: int, row: tuple[str | None, ...]) -> Any:
    document.add_unsigned(POSITION, position)
    for name, text in zip(FIELDS, row, strict=True):
        if text:
            document.add_text(name, " ".join(tokens(text)))
    return document
