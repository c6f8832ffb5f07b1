"""Prices and promotions by simple rules."""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.draws import Floats
from foresell.simulator.policies import ShopView


@dataclass(frozen=True)
class ListPrice:
    """The list price times a factor, to the cent."""

    factor: float = 1.0

    def price(self, view: ShopView) -> Floats:
        return np.round(view.list_price * self.factor, 2)


@dataclass(frozen=True)
class Clearance:
    """The list price, less `discount` for what would last longer than `weeks` at the pace of four weeks."""

    weeks: float = 8.0
    discount: float = 0.25

    def price(self, view: ShopView) -> Floats:
        weekly = view.sold[-28:].mean(axis=0) * 7
        is_slow = view.on_hand > self.weeks * weekly
        return np.round(view.list_price * np.where(is_slow, 1 - self.discount, 1.0), 2)


@dataclass(frozen=True)
class ScaledPromotions:
    """What is planned, times a factor; 0: no promotions."""

    factor: float = 0.0

    def promote(self, view: ShopView, planned: Floats) -> Floats:
        return planned * self.factor
