"""What every customer did so far, kept in memory, and what they do while it is kept."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.serving.request import Action

# Of actions that arrive, the newest that are kept of a customer: a robot must not fill the memory.
MOST_NEW = 1_000
# Customers whose ids are kept as a list: some 100 MB at most.
MOST_LISTED = 2_000_000


@dataclass(frozen=True, eq=False)
class Columns:
    """The rows of `Histories.past` as arrays. `codes`: places in `product_ids`, distinct and ascending; `at`:
    microseconds since 1970."""

    product_ids: pl.Series
    codes: Ints
    at: Ints
    weight: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Histories:
    """`past`: INTERACTIONS sorted by customer and time, never changed. New actions are added to `new`;
    `num_observed`: how many there were of each customer."""

    past: pl.DataFrame
    new: dict[str, list[Action]] = field(default_factory=lambda: defaultdict(list))
    num_observed: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def of(cls, interactions: pl.DataFrame) -> "Histories":
        return cls(interactions.sort("customer_id", "occurred_at", "product_id").rechunk())

    @cached_property
    def _spans(self) -> "tuple[pl.Series | list[str], Ints]":
        """Customers, ascending, and where the rows of each begin (and where the last ones end). As a list,
        which is searched in a tenth of the time, where it is no burden."""
        customers = self.past["customer_id"]
        runs = customers.rle_id().to_numpy()
        starts = np.flatnonzero(np.diff(runs, prepend=-1)).astype(np.int64)
        found = customers.gather(starts)
        return found.to_list() if len(found) <= MOST_LISTED else found, np.append(starts, len(runs))

    @cached_property
    def columns(self) -> Columns:
        ids = self.past["product_id"]
        codes = ids.rank("dense").cast(pl.Int64).to_numpy() - 1
        at = self.past["occurred_at"].dt.epoch("us").to_numpy()
        return Columns(ids.unique().sort(), codes.astype(np.int32), at, self.past["weight"].to_numpy())

    def prepare(self) -> None:
        """Make now what the first customer would wait for."""
        _ = self._spans, self.columns

    def customers(self) -> list[str]:
        """All who did something, ascending."""
        return sorted({*self._spans[0], *list(self.new)})

    def observe(self, customer_id: str, action: Action) -> None:
        """From now on the action is part of the customer's history; one that tells nothing is not kept."""
        if action.weight > 0:
            kept = self.new[customer_id]
            kept.append(action)
            if len(kept) > MOST_NEW:
                del kept[: len(kept) - MOST_NEW]
            self.num_observed[customer_id] += 1

    def newest(self, customer_id: str) -> list[Action]:
        """The observed actions that are kept."""
        return list(self.new.get(customer_id, ()))

    def read(self, customer_ids: Iterable[str]) -> pl.DataFrame:
        """INTERACTIONS of these customers, by customer (as given, distinct), then in their order."""
        parts = []
        for customer_id in customer_ids:
            rows = self.rows(customer_id)
            parts.append(self.past.slice(rows.start, rows.stop - rows.start))
            if fresh := self.new.get(customer_id):
                parts.append(as_interactions(customer_id, list(fresh)))
        return pl.concat(parts) if parts else pl.DataFrame(schema=INTERACTIONS)

    def rows(self, customer_id: str) -> slice:
        """Which rows of `past` are the customer's."""
        customers, starts = self._spans
        place = bisect_left(customers, customer_id)
        if place >= len(customers) or customers[place] != customer_id:
            return slice(0, 0)
        return slice(int(starts[place]), int(starts[place + 1]))


def as_interactions(customer_id: str, actions: Iterable[Action]) -> pl.DataFrame:
    """INTERACTIONS of what somebody just did; actions that tell nothing are left out."""
    rows = [(customer_id, one.product_id, one.occurred_at, one.weight) for one in actions if one.weight > 0]
    return pl.DataFrame(rows, schema=INTERACTIONS, orient="row")
