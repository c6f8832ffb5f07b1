"""What every customer did so far, kept in memory, and what they do while it is kept."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.serving.request import Action

# Of actions that arrive, the newest that are kept of a customer: a robot must not fill the memory.
MOST_NEW = 1_000


@dataclass(frozen=True, eq=False)
class Histories:
    """`past`: INTERACTIONS sorted by customer and time, never changed. New actions are added to `new`."""

    past: pl.DataFrame
    new: dict[str, list[Action]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, interactions: pl.DataFrame) -> "Histories":
        return cls(interactions.sort("customer_id", "occurred_at", "product_id").rechunk())

    @cached_property
    def _spans(self) -> tuple[pl.Series, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
        """Customers, ascending, and where the rows of each begin (and where the last ones end)."""
        customers = self.past["customer_id"]
        runs = customers.rle_id().to_numpy()
        starts = np.flatnonzero(np.diff(runs, prepend=-1)).astype(np.int64)
        return customers.gather(starts), np.append(starts, len(runs))

    def prepare(self) -> None:
        """Make now what the first customer would wait for."""
        _ = self._spans

    def customers(self) -> list[str]:
        """All who did something, ascending."""
        return sorted({*self._spans[0].to_list(), *self.new})

    def observe(self, customer_id: str, action: Action) -> None:
        """From now on the action is part of the customer's history; one that tells nothing is not kept."""
        if action.weight > 0:
            kept = self.new[customer_id]
            kept.append(action)
            if len(kept) > MOST_NEW:
                del kept[: len(kept) - MOST_NEW]

    def read(self, customer_ids: Iterable[str]) -> pl.DataFrame:
        """INTERACTIONS of these customers, by customer (as given, distinct), then in their order."""
        parts = []
        for customer_id in customer_ids:
            parts.append(self.past.slice(*self._span(customer_id)))
            if fresh := self.new.get(customer_id):
                parts.append(as_interactions(customer_id, list(fresh)))
        return pl.concat(parts) if parts else pl.DataFrame(schema=INTERACTIONS)

    def _span(self, customer_id: str) -> tuple[int, int]:
        """Where the customer's rows begin, and how many they are."""
        customers, starts = self._spans
        place = int(customers.search_sorted(customer_id)) if len(customers) else 0
        if place >= len(customers) or customers[place] != customer_id:
            return 0, 0
        return int(starts[place]), int(starts[place + 1] - starts[place])


def as_interactions(customer_id: str, actions: Iterable[Action]) -> pl.DataFrame:
    """INTERACTIONS of what somebody just did; actions that tell nothing are left out."""
    rows = [(customer_id, one.product_id, one.occurred_at, one.weight) for one in actions if one.weight > 0]
    return pl.DataFrame(rows, schema=INTERACTIONS, orient="row")
