"""How much to order, by the spread of demand."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from foresell.simulator.draws import Ints
from foresell.simulator.policies import ShopView


@dataclass(frozen=True)
class SafetyStock:
    """Order up to the mean of demand over the lead time and a day, and as many of its standard deviations as
    serve that share of them (Silver, Pyke and Thomas, Inventory and Production Management, 2017, chapter 6).

    Both are taken from the days of the last eight weeks on which the product was there in the morning; a
    variance below the mean counts as the mean. `lateness`: how many times the mean lead time to plan with.
    """

    service_rate: float = 0.95
    lateness: float = 1.3

    def order(self, view: ShopView) -> Ints:
        was_there = view.in_stock
        days = np.maximum(was_there.sum(axis=0), 1)
        mean = (view.sold * was_there).sum(axis=0) / days
        spread = ((view.sold - mean) ** 2 * was_there).sum(axis=0) / days
        covered = view.lead_time_days * self.lateness + 1
        deviations = float(ndtri(min(max(self.service_rate, 0.0001), 0.9999)))
        target = mean * covered + deviations * np.sqrt(np.maximum(spread, mean) * covered)
        missing = np.ceil(target - view.on_hand - view.on_order)
        return np.where(view.is_listed, np.maximum(missing, 0), 0).astype(np.int64)
