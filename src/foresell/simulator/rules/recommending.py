"""Recommendations that are the same for everybody, or for nobody in particular."""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.draws import Draws, Ints
from foresell.simulator.policies import ShopView, Visitors

DAYS_OF_SALES = 28


@dataclass(frozen=True)
class BestEarners:
    """The products that earned most in the last four weeks, at today's margins; ties by number."""

    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        earned = view.sold[-DAYS_OF_SALES:].sum(axis=0) * np.maximum(view.price - view.cost, 0)
        ranked = np.argsort(-np.where(view.is_listed, earned, -1), kind="stable")[:k]
        chosen = np.full(k, -1, dtype=np.int64)
        chosen[: len(ranked)] = np.where(view.is_listed[ranked], ranked, -1)
        return np.broadcast_to(chosen, (len(visitors.ids), k))


@dataclass(frozen=True)
class AtRandom:
    """Products by chance: each visitor gets a stretch of the day's shuffled catalog."""

    seed: int = 1

    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        draws = Draws(self.seed)
        listed = np.flatnonzero(view.is_listed)
        if not len(listed):
            return np.full((len(visitors.ids), k), -1, dtype=np.int64)
        shuffled = listed[np.argsort(draws.uniform("shuffled", listed, view.day))]
        start = draws.below(len(shuffled), "start", visitors.ids, view.day)
        places = start[:, None] + np.arange(k)
        chosen = shuffled[places % len(shuffled)]
        return np.where(np.arange(k) < len(shuffled), chosen, -1)
