"""The warehouse: what lies there, what is on its way, and who gets the last unit."""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings

PLENTY = 10**9


@dataclass(frozen=True)
class Delivery:
    """An order to a supplier, and the day it comes."""

    ordered_on: int
    arrives_on: int
    product: Ints
    quantity: Ints


class Stock:
    """Units by product; changes by day."""

    def __init__(self, settings: WorldSettings, draws: Draws, expected_daily: Floats) -> None:
        self._settings = settings.stock
        self._draws = draws
        first = np.ceil(expected_daily * settings.stock.first_cover_days).astype(np.int64)
        self.on_hand = first if self._settings.is_limited else np.full(len(first), PLENTY, dtype=np.int64)
        self.on_order = np.zeros(len(first), dtype=np.int64)
        self._coming: list[Delivery] = []

    def receive(self, day: int) -> list[Delivery]:
        """Put away what arrives on the day."""
        arrived = [delivery for delivery in self._coming if delivery.arrives_on == day]
        self._coming = [delivery for delivery in self._coming if delivery.arrives_on != day]
        for delivery in arrived:
            self.on_hand[delivery.product] += delivery.quantity
            self.on_order[delivery.product] -= delivery.quantity
        return arrived

    def order(self, day: int, quantity: Ints) -> None:
        """Order from the suppliers; some deliveries come twice as late."""
        product = np.flatnonzero(quantity > 0)
        if not self._settings.is_limited or not len(product):
            return
        wait = self._settings.lead_time_days * (0.7 + 0.6 * self._draws.uniform("lead_time", product, day))
        late = self._draws.uniform("is_late", product, day) < self._settings.late_rate
        days = np.maximum(np.round(np.where(late, 2 * wait, wait)), 1).astype(np.int64)
        self.on_order[product] += quantity[product]
        for wait_days in np.unique(days):
            chosen = product[days == wait_days]
            self._coming.append(Delivery(day, day + int(wait_days), chosen, quantity[chosen]))

    def fill(self, product: Ints, quantity: Ints, second: Ints, person: Ints) -> Ints:
        """Units of each requested line that can be delivered: first come, first served; ties by person.

        A line is delivered whole or not at all, and one that is too large leaves the units to the next.
        """
        order = np.lexsort((person, second, product))
        ordered, wanted = product[order], quantity[order]
        filled = np.zeros(len(product), dtype=np.int64)
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        running = np.cumsum(wanted)
        before = np.repeat(running[starts] - wanted[starts], np.diff(starts, append=len(ordered)))
        fits = running - before <= self.on_hand[ordered]
        filled[order] = np.where(fits, wanted, 0)
        for product_short in np.unique(ordered[~fits]):
            self._fill_one_by_one(int(product_short), product, quantity, order, filled)
        np.subtract.at(self.on_hand, product, filled)
        return filled

    def _fill_one_by_one(self, which: int, product: Ints, quantity: Ints, order: Ints, filled: Ints) -> None:
        left = int(self.on_hand[which])
        for line in order[product[order] == which]:
            filled[line] = quantity[line] if quantity[line] <= left else 0
            left -= int(filled[line])
