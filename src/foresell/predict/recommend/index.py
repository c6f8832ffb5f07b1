"""The products whose vectors have the largest inner product with a query: exact to 200,000, faiss above."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from foresell.contracts.errors import InputError
from foresell.predict.recommend.exact_search import Doubles, ExactSearch, Flags, Floats, Ints, nothing

if TYPE_CHECKING:
    from foresell.predict.recommend.inverted import Inverted

MOST_EXACT = 200_000
# A filter that leaves no more is answered exactly at any size; a filtered search of the cells takes longer.
MOST_GATHERED = 100_000
# Far below what would overflow float32 in an inner product.
MOST_LENGTH = 1e15
SLOW = (
    "{num:,} products are searched one by one, exactly but slowly: above {most:,} faiss is faster. "
    "pip install 'foresell[faiss]'"
)


@dataclass(frozen=True)
class VectorIndex:
    """Never changes: `updated` gives another one, while this one still answers. Threads may share it."""

    _exact: ExactSearch
    _inverted: "Inverted | None"

    @classmethod
    def of(cls, vectors_PD: Floats, queries_BD: Floats | None = None) -> "VectorIndex":
        """Of the products' vectors; float32 with contiguous rows is not copied, and must not change.

        Above MOST_EXACT it learns cells from a sample, in seconds (2 million of width 64 on one core: some
        10), and `queries_BD`, vectors as they will be asked, set how many of them are searched; without,
        made-up ones do. Raises InputError for what is no matrix, is not finite, or is longer than 1e15.
        """
        vectors = _checked(vectors_PD)
        exact = ExactSearch.of(vectors)
        _check_length(exact)
        if len(vectors) <= MOST_EXACT or find_spec("faiss") is None:
            return cls(exact, None)
        from foresell.predict.recommend.inverted import Inverted

        queries = None if queries_BD is None else _queries(queries_BD, vectors.shape[1])
        return cls(exact, Inverted.of(exact, queries))

    @classmethod
    def exact(cls, vectors_PD: Floats) -> "VectorIndex":
        """The same without cells at any size: nothing is learned, every product is looked at."""
        exact = ExactSearch.of(_checked(vectors_PD))
        _check_length(exact)
        return cls(exact, None)

    @property
    def size(self) -> int:
        return len(self._exact.vectors_PD)

    @property
    def width(self) -> int:
        return int(self._exact.vectors_PD.shape[1])

    @property
    def is_exact(self) -> bool:
        return self._inverted is None

    @property
    def note(self) -> str:
        """What its owner should know, in words; "" for nothing."""
        is_slow = self.is_exact and self.size > MOST_EXACT
        return SLOW.format(num=self.size, most=MOST_EXACT) if is_slow else ""

    def vectors(self, positions: Ints) -> Floats:
        return self._exact.vectors_PD[positions]

    def search(
        self, queries: Floats, k: int, allowed: Flags | None = None, bias_P: Doubles | None = None
    ) -> tuple[Ints, Floats]:
        """Positions (B, k), int64, and scores (B, k), float32, of each query's k best products, best first.

        `queries`: (B, width), or (width,) for one. `allowed`: (P,) for all queries, or (B, P); the others
        never come back, and if k are allowed, k do. Where fewer are: position −1 and score −inf.
        `bias_P`: (P,) finite, what each product's score has beside the inner product.
        A score is the inner product in float64, with the bias, rounded to float32; equal scores go by
        position. Where `is_exact`, the answer is what sorting all products would give, alone and in a batch.
        Elsewhere a few of the k best may be missed (`recall`; more with a bias, which cells do not know),
        unless the filter leaves MOST_GATHERED or fewer.
        Raises InputError for k below 1, or queries or a mask of another shape.
        """
        queries_BD = _queries(queries, self.width)
        if k < 1:
            raise InputError("k must be at least 1", received=k)
        if allowed is not None and allowed.shape not in ((self.size,), (len(queries_BD), self.size)):
            raise InputError(
                "A filter has one flag a product", received=allowed.shape, do=f"Products: {self.size}."
            )
        if self._inverted is None or not len(queries_BD):
            return self._exact.top(queries_BD, k, allowed, bias_P)
        return self._search_inverted(self._inverted, queries_BD, k, allowed, bias_P)

    def inner(self, query_D: Floats, positions: Ints) -> Doubles:
        """(N,) a query's inner products with some products, in float64."""
        return self._exact.inner(query_D[None], np.zeros(len(positions), np.int64), positions)

    def log_sums(self, queries_BD: Floats) -> Doubles:
        """(B,) the logarithm of the sum, over all products, of e to the inner product; in float32."""
        return self._exact.log_sums(_queries(queries_BD, self.width))

    def recall(self, queries: Floats, k: int, allowed: Flags | None = None) -> float:
        """The share of the exact k best that `search` finds (equally good ones count); 1 where exact."""
        if self._inverted is None:
            return 1.0
        from foresell.predict.recommend.inverted import recall

        _, found = self.search(queries, k, allowed)
        _, best = self._exact.top(_queries(queries, self.width), k, allowed)
        return recall(found, best)

    def updated(self, origins_P: Ints, new_ND: Floats) -> "VectorIndex":
        """The index of a changed catalog, without learning again.

        `origins_P`: for each product of the new catalog its position in this index, none twice; −1: its
        vector is the next of `new_ND`. So products may go, come, change their vectors and move. Where much
        has changed since the cells were learned (a quarter gone, or twice as many), they are learned again,
        in seconds.
        """
        is_new = origins_P < 0
        new = _checked(new_ND) if len(new_ND) else np.zeros((0, self.width), np.float32)
        self._check_update(origins_P[~is_new], int(is_new.sum()), new)
        vectors = np.empty((len(origins_P), self.width), np.float32)
        vectors[is_new] = new
        vectors[~is_new] = self._exact.vectors_PD[origins_P[~is_new]]
        if self._inverted is not None and len(vectors) > MOST_EXACT:
            inverted = self._inverted.updated(origins_P, new, self.size)
            if inverted is not None:
                exact = ExactSearch.of(vectors)
                _check_length(exact)
                return VectorIndex(exact, inverted)
        return VectorIndex.of(vectors)

    def _check_update(self, origins: Ints, num_new: int, new_ND: Floats) -> None:
        is_once = len(np.unique(origins)) == len(origins)
        if not is_once or (len(origins) and origins.max() >= self.size):
            raise InputError("A product's origin is no position of the index, or another product's as well")
        if new_ND.shape != (num_new, self.width):
            raise InputError("New products and their vectors do not fit", received=new_ND.shape)

    def _search_inverted(
        self,
        inverted: "Inverted",
        queries_BD: Floats,
        k: int,
        allowed: Flags | None,
        bias_P: Doubles | None,
    ) -> tuple[Ints, Floats]:
        best_BK, scores_BK = nothing(len(queries_BD), k)
        for row, query in enumerate(queries_BD):
            own = allowed if allowed is None or allowed.ndim == 1 else allowed[row]
            if own is not None and np.count_nonzero(own) <= max(MOST_GATHERED, k):
                answer = self._exact.top_of(np.flatnonzero(own), query[None], k, bias_P)
            else:
                answer = inverted.top(self._exact, query, k, own, bias_P)
            best_BK[row], scores_BK[row] = answer[0][0], answer[1][0]
        return best_BK, scores_BK


def _checked(vectors: Any) -> Floats:
    matrix = np.ascontiguousarray(vectors, np.float32)
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise InputError("Vectors are a matrix, one row a product", received=matrix.shape)
    return matrix


def _check_length(exact: ExactSearch) -> None:
    if not exact.longest < MOST_LENGTH:
        raise InputError("A product's vector is not finite", do="Train the model again.")


def _queries(queries: Any, width: int) -> Floats:
    queries_BD = np.ascontiguousarray(np.atleast_2d(queries), np.float32)
    if queries_BD.ndim != 2 or queries_BD.shape[1] != width:
        raise InputError("A query is as wide as the products' vectors", received=queries_BD.shape)
    if not (np.abs(queries_BD) < MOST_LENGTH).all():
        raise InputError("A query's vector is not finite")
    return queries_BD
