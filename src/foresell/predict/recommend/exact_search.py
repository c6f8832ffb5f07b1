"""The k largest inner products of a query with many vectors: shortlisted in float32, decided in float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Doubles = NDArray[np.float64]

# Scores computed at once: 1 MB, what a core's own cache holds.
CELLS_AT_ONCE = 262_144
# So many found above the edge, and the edge is raised.
MOST_FOUND = 16_384
# Of so many the k-th best is the first edge: of more it would be higher, and take longer than it spares.
LOOKED_AT_FIRST = 16_384
# A mask that leaves a smaller share than this is applied before the products, not after.
SPARSE_SHARE = 1 / 16
# The unit roundoff u of float32.
ROUNDING = 2.0**-24
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class ExactSearch:
    """`vectors_PD`: float32, rows contiguous; `longest`: no vector is longer."""

    vectors_PD: Floats
    longest: float

    @classmethod
    def of(cls, vectors_PD: Floats) -> "ExactSearch":
        squares = np.einsum("pd,pd->p", vectors_PD, vectors_PD)
        return cls(vectors_PD, float(np.sqrt(squares.max(initial=0.0))) * 1.01)

    def top(
        self, queries_BD: Floats, k: int, allowed: Flags | None = None, bias_P: Doubles | None = None
    ) -> tuple[Ints, Floats]:
        """Positions (B, k) and scores of each query's k best vectors, best first.

        A score is the inner product in float64, plus the product's bias, rounded to float32; equal scores go
        by position. `allowed`, (P,) or (B, P): the others are never found. Where fewer than k are allowed:
        position −1, score −inf. Alone or in a batch, a query gets the same answer.
        """
        if allowed is not None and np.count_nonzero(allowed) < SPARSE_SHARE * allowed.size:
            if allowed.ndim == 1:
                return self.top_of(np.flatnonzero(allowed), queries_BD, k, bias_P)
            return self._one_by_one(queries_BD, k, allowed, bias_P)
        if not len(queries_BD) or not len(self.vectors_PD):
            return nothing(len(queries_BD), k)
        rows, positions = self._shortlist(queries_BD, min(k, len(self.vectors_PD)), allowed, bias_P)
        return self.ranked(queries_BD, rows, positions, k, bias_P)

    def top_of(
        self, some: Ints, queries_BD: Floats, k: int, bias_P: Doubles | None = None
    ) -> tuple[Ints, Floats]:
        """As `top`, of these ascending positions only."""
        bias = None if bias_P is None else bias_P[some]
        found_BK, scores_BK = ExactSearch(self.vectors_PD[some], self.longest).top(queries_BD, k, None, bias)
        is_found = found_BK != NOWHERE
        found_BK[is_found] = some[found_BK[is_found]]
        return found_BK, scores_BK

    def inner(self, queries_BD: Floats, rows: Ints, positions: Ints) -> Doubles:
        """(N,) the inner products of queries and vectors."""
        products = self.vectors_PD[positions].astype(np.float64)
        products *= queries_BD[rows]
        sums: Doubles = products.sum(axis=1)
        return sums

    def ranked(
        self, queries_BD: Floats, rows: Ints, positions: Ints, k: int, bias_P: Doubles | None = None
    ) -> tuple[Ints, Floats]:
        """The k best of each query's candidates, as `top` gives them; candidate i is `positions[i]`, for
        query `rows[i]`, none twice.
        """
        sums = self.inner(queries_BD, rows, positions)
        scores = (sums if bias_P is None else sums + bias_P[positions]).astype(np.float32)
        order = np.lexsort((positions, -scores, rows))
        rows, positions, scores = rows[order], positions[order], scores[order]
        places = _places(rows, len(queries_BD))
        is_best = places < k
        best_BK, scores_BK = nothing(len(queries_BD), k)
        best_BK[rows[is_best], places[is_best]] = positions[is_best]
        scores_BK[rows[is_best], places[is_best]] = scores[is_best]
        return best_BK, scores_BK

    def _one_by_one(
        self, queries_BD: Floats, k: int, allowed_BP: Flags, bias_P: Doubles | None
    ) -> tuple[Ints, Floats]:
        each = zip(queries_BD, allowed_BP, strict=True)
        answers = [self.top(query[None], k, own, bias_P) for query, own in each]
        return np.concatenate([one for one, _ in answers]), np.concatenate([one for _, one in answers])

    def _shortlist(
        self, queries_BD: Floats, k: int, allowed: Flags | None, bias_P: Doubles | None
    ) -> tuple[Ints, Ints]:
        """Rows and positions among which each query's exact k best are, whatever float32 rounds away."""
        found = _Found(len(queries_BD), k, self._slack(queries_BD, bias_P))
        bias = None if bias_P is None else bias_P.astype(np.float32)
        size = max(1, CELLS_AT_ONCE // len(queries_BD))
        for start in range(0, len(self.vectors_PD), size):
            scores_BN = queries_BD @ self.vectors_PD[start : start + size].T
            if bias is not None:
                scores_BN += bias[start : start + size]
            found.take(scores_BN, None if allowed is None else allowed[..., start : start + size], start)
        found.raise_edges()
        return found.rows, found.positions

    def log_sums(self, queries_BD: Floats) -> Doubles:
        """(B,) the logarithm of the sum, over all vectors, of e to the inner product; in float32."""
        highest = np.full(len(queries_BD), -np.inf, np.float32)
        sums = np.zeros(len(queries_BD))
        size = max(1, CELLS_AT_ONCE // max(len(queries_BD), 1))
        for start in range(0, len(self.vectors_PD), size):
            scores_BN = queries_BD @ self.vectors_PD[start : start + size].T
            higher = np.maximum(highest, scores_BN.max(axis=1))
            scores_BN -= higher[:, None]
            np.exp(scores_BN, out=scores_BN)
            sums *= np.exp(highest - higher, dtype=np.float64)
            sums += scores_BN.sum(axis=1)
            highest = higher
        with np.errstate(divide="ignore"):
            return np.asarray(highest + np.log(sums))

    def _slack(self, queries_BD: Floats, bias_P: Doubles | None = None) -> Doubles:
        """How far below the k-th best of float32 an exact one of the k best may lie.

        An inner product of D terms in float32, in any order, is off by at most γ·|v|·|q|, γ = D·u / (1 − D·u)
        (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), and the exact one by u of
        itself when rounded; twice both, and a little for the terms too small for float32. A bias is rounded,
        and so is the sum with it.
        """
        unit = self.vectors_PD.shape[1] * ROUNDING
        relative = unit / (1 - unit) + ROUNDING
        lengths = np.linalg.norm(queries_BD.astype(np.float64), axis=1)
        underflow = 2 * self.vectors_PD.shape[1] * np.finfo(np.float32).tiny
        slack: Doubles = 2.02 * relative * self.longest * lengths + underflow
        if bias_P is not None:
            largest = float(np.abs(bias_P).max(initial=0.0))
            slack += 2.02 * ROUNDING * (2 * largest + self.longest * lengths)
        return slack


def nothing(num_rows: int, k: int) -> tuple[Ints, Floats]:
    return np.full((num_rows, k), NOWHERE, np.int64), np.full((num_rows, k), -np.inf, np.float32)


def _places(rows: Ints, num_rows: int) -> Ints:
    """The place, from 0, of each of the ascending rows among its equals."""
    places: Ints = np.arange(len(rows)) - np.searchsorted(rows, np.arange(num_rows))[rows]
    return places


class _Found:
    """Candidates of each query so far, and the score below which none can be among the k best."""

    def __init__(self, num_rows: int, k: int, slack_B: Doubles) -> None:
        self.k, self.slack_B = k, slack_B
        self.edge_B = np.full(num_rows, -np.inf, np.float32)
        self.rows = self.positions = np.zeros(0, np.int64)
        self.scores = np.zeros(0, np.float32)
        self._parts: list[tuple[Ints, Ints, Floats]] = []

    def take(self, scores_BN: Floats, allowed: Flags | None, start: int) -> None:
        self._set_first_edges(scores_BN, allowed)
        flat = np.flatnonzero(scores_BN >= self.edge_B[:, None])
        rows, columns = np.divmod(flat, scores_BN.shape[1])
        if allowed is not None:
            kept = allowed[columns] if allowed.ndim == 1 else allowed[rows, columns]
            rows, columns = rows[kept], columns[kept]
        self._parts.append((rows, columns + start, scores_BN[rows, columns]))
        if sum(len(part[0]) for part in self._parts) > MOST_FOUND:
            self.raise_edges()

    def _set_first_edges(self, scores_BN: Floats, allowed: Flags | None) -> None:
        """For a query without an edge, the k-th best of this block's first, if it has k."""
        open_rows = np.flatnonzero(np.isneginf(self.edge_B))
        width = min(scores_BN.shape[1], max(LOOKED_AT_FIRST, self.k))
        place = width - self.k
        if not len(open_rows) or place < 0:
            return
        scores = scores_BN[open_rows, :width]
        if allowed is not None:
            scores[~np.broadcast_to(allowed, scores_BN.shape)[open_rows, :width]] = -np.inf
        scores.partition(place, axis=1)
        self._set_edges(open_rows, scores[:, place])

    def _set_edges(self, rows: Ints, kth: Any) -> None:
        self.edge_B[rows] = np.nextafter((kth - self.slack_B[rows]).astype(np.float32), np.float32(-np.inf))

    def raise_edges(self) -> None:
        """Keep of each query what may still be among its k best."""
        rows, positions, scores = (np.concatenate(some) for some in zip(*self._parts, strict=True))
        order = np.lexsort((-scores, rows))
        rows, positions, scores = rows[order], positions[order], scores[order]
        is_kth = _places(rows, len(self.edge_B)) == self.k - 1
        self._set_edges(rows[is_kth], scores[is_kth])
        kept = scores >= self.edge_B[rows]
        self.rows, self.positions, self.scores = rows[kept], positions[kept], scores[kept]
        self._parts = [(self.rows, self.positions, self.scores)]
