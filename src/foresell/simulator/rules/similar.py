"""Recommendations by what a visitor looked at before."""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from foresell.simulator.draws import Floats, Ints
from foresell.simulator.policies import ShopView, Visitors

# Scores held at once: 32 MB.
SCORES_AT_ONCE = 4_000_000


@dataclass
class CoViews:
    """How often products stood together among the last views of a visitor, from day to day."""

    counts: sparse.csr_array | None = None

    def add(self, looked_at: sparse.csr_array) -> sparse.csr_array:
        """With what today's visitors (S, P) looked at; cosines of the columns (P, P), 1 with themselves."""
        pairs = (looked_at.T @ looked_at).tocsr()
        self.counts = pairs if self.counts is None else self.counts + pairs
        length = np.sqrt(np.maximum(self.counts.diagonal(), 1))
        scale = sparse.diags_array(1 / length)
        return (scale @ self.counts @ scale).tocsr()


@dataclass(frozen=True)
class MoreLikeViewed:
    """What goes with the products that a visitor looked at last: themselves, what others look at beside them
    (Linden, Smith and York, IEEE Internet Computing 2003), and what sells in their categories; who looked at
    nothing gets best sellers."""

    co_views: float = 1.0
    category: float = 0.5
    popularity: float = 0.1
    _memory: CoViews = field(default_factory=CoViews, init=False, repr=False, compare=False)

    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        number = len(view.category)
        looked_at = _looked_at(visitors.last_viewed, number)
        likeness = self._memory.add(looked_at)
        popular = view.sold[-28:].sum(axis=0) + 0.01
        in_category = popular / np.bincount(view.category, weights=popular)[view.category]
        chosen = np.full((len(visitors.ids), k), -1, dtype=np.int64)
        at_once = max(1, SCORES_AT_ONCE // number)
        for first in range(0, len(visitors.ids), at_once):
            some = looked_at[first : first + at_once]
            scores = self.co_views * (some @ likeness).toarray()
            scores += self.category * _by_category(some, view.category) * in_category
            scores += self.popularity * popular / popular.max()
            chosen[first : first + at_once] = _best(np.where(view.is_listed, scores, -1.0), k)
        return chosen


def _looked_at(last_viewed: Ints, number: int) -> sparse.csr_array:
    """(S, P) 1 where a visitor looked at a product."""
    row, place = np.nonzero(last_viewed >= 0)
    ones = np.ones(len(row))
    found = sparse.csr_array((ones, (row, last_viewed[row, place])), shape=(len(last_viewed), number))
    found.data[:] = 1.0
    return found


def _by_category(looked_at: sparse.csr_array, category: Ints) -> Floats:
    """(S, P) how many products of each product's category a visitor looked at."""
    number = len(category)
    ones = np.ones(number)
    members = sparse.csr_array((ones, (np.arange(number), category)), shape=(number, category.max() + 1))
    return np.asarray((looked_at @ members).toarray()[:, category])


def _best(scores: Floats, k: int) -> Ints:
    """(n, k) the columns with the highest scores, −1 where there are no more; ties by number."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    chosen = np.where(np.take_along_axis(scores, best, axis=1) >= 0, best, -1)
    return np.pad(chosen, ((0, 0), (0, k - chosen.shape[1])), constant_values=-1)
