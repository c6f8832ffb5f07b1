"""What a shop decides: policies as plain objects, and the rules of thumb that most shops go by.

A policy sees what a shop knows (`ShopView`), never the truth of the world. Any object with the right method
is one: a model of another room joins by a few lines that put its answers into the shapes below. A policy may
remember what it saw; give each life its own. Asked the same, it must answer the same: chance comes from
`draws.Draws`, by visitor and day, or policies could not be compared by common random numbers.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from foresell.simulator.draws import Floats, Ints

HISTORY_DAYS = 56


@dataclass(frozen=True)
class ShopView:
    """What is known when a day begins. P products; `sold`: (HISTORY_DAYS, P) units of the days before, the
    latest last; `in_stock`: (HISTORY_DAYS, P) whether a product was there when those days began."""

    day: int
    category: Ints
    list_price: Floats
    cost: Floats
    price: Floats
    is_listed: np.ndarray
    on_hand: Ints
    on_order: Ints
    sold: Ints
    in_stock: np.ndarray
    lead_time_days: float


@dataclass(frozen=True)
class Visitors:
    """The S visitors of a day, by number, and the last products that each looked at: (S, 5), −1 for none."""

    ids: Ints
    last_viewed: Ints


class RecommendationPolicy(Protocol):
    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        """(S, k) products for the first page, best first; −1 where there is none. Asked once a day."""


class PricePolicy(Protocol):
    def price(self, view: ShopView) -> Floats:
        """(P,) prices of the day, before promotions."""


class PromotionPolicy(Protocol):
    def promote(self, view: ShopView, planned: Floats) -> Floats:
        """(P,) share off the price today, given what the calendar of promotions has planned."""


class ReplenishmentPolicy(Protocol):
    def order(self, view: ShopView) -> Ints:
        """(P,) units to order from the suppliers today."""


@dataclass(frozen=True)
class BestSellers:
    """The products that sold most in the last four weeks; ties by number."""

    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        sold = view.sold[-28:].sum(axis=0)
        ranked = np.argsort(-np.where(view.is_listed, sold, -1), kind="stable")[:k]
        chosen = np.full(k, -1, dtype=np.int64)
        chosen[: len(ranked)] = np.where(view.is_listed[ranked], ranked, -1)
        return np.broadcast_to(chosen, (len(visitors.ids), k))


@dataclass(frozen=True)
class CostPlus:
    """Cost plus a fixed markup; None: the list price, whatever margin that is. So is what costs nothing."""

    markup: float | None = None

    def price(self, view: ShopView) -> Floats:
        if self.markup is None:
            return view.list_price
        return np.where(view.cost > 0, np.round(view.cost * (1 + self.markup), 2), view.list_price)


@dataclass(frozen=True)
class AsPlanned:
    """Promotions as the calendar has them."""

    def promote(self, view: ShopView, planned: Floats) -> Floats:
        return planned


@dataclass(frozen=True)
class WeeksOfCover:
    """Order up to so many weeks of the mean sales of the last four weeks, beyond the lead time."""

    weeks: float = 2.0

    def order(self, view: ShopView) -> Ints:
        daily = view.sold[-28:].mean(axis=0)
        target = daily * (7 * self.weeks + view.lead_time_days)
        missing = np.ceil(target - view.on_hand - view.on_order)
        return np.where(view.is_listed, np.maximum(missing, 0), 0).astype(np.int64)


@dataclass(frozen=True)
class Policies:
    """One policy of each kind; the defaults are the rules of thumb."""

    recommend: RecommendationPolicy = field(default_factory=BestSellers)
    price: PricePolicy = field(default_factory=CostPlus)
    replenish: ReplenishmentPolicy = field(default_factory=WeeksOfCover)
    promote: PromotionPolicy = field(default_factory=AsPlanned)
