"""What a ranker learns from: the candidates as of a window's start, and which of them were taken in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.candidates import Panel
from foresell.predict.recommend.rank import Floats, Ints

# The share of the customers that stops the trees early, where nobody else is there to do so.
JUDGING = 5
K = 10
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """M candidates, by customer: `features` (M, F), `was_taken` (M,), `judges` (M,): of those that stop the
    trees early, `customers` (M,)."""

    customers: Ints
    features: Floats
    was_taken: Flags
    judges: Flags

    def judged_by(self, others: "Examples") -> "Examples":
        """These learned from whole, and the others judging."""
        mine, theirs = np.zeros(len(self.was_taken), bool), np.ones(len(others.was_taken), bool)
        return Examples(
            np.concatenate([self.customers, others.customers + self.customers.max(initial=-1) + 1]),
            np.concatenate([self.features, others.features]),
            np.concatenate([self.was_taken, others.was_taken]),
            np.concatenate([mine, theirs]),
        )

    def strongest(self, components: Sequence[str]) -> str:
        """The component whose K first candidates were taken most often; equal ones: the first."""
        hits = [self._hits(self.features[:, 2 * place]) for place in range(len(components))]
        return components[int(np.argmax(hits))]

    def _hits(self, scores: Floats) -> int:
        order = np.lexsort((-scores, self.customers))
        places = np.arange(len(order)) - np.searchsorted(self.customers, self.customers[order])
        return int(self.was_taken[order[places < K]].sum())


def examples(panel: Panel, histories: pl.DataFrame, later: pl.DataFrame, most_customers: int) -> Examples:
    """Of customers who have a history and something later, at most `most_customers`, by a hash of the id.
    `panel`: of nothing of `later`."""
    both = later.select("customer_id").unique().join(histories, on="customer_id", how="semi")
    chosen = both.sort(pl.col("customer_id").hash(2), "customer_id").head(most_customers)
    hashed = chosen.sort("customer_id").with_row_index("customer")
    customers = hashed["customer_id"]
    profiles = panel.profiles(customers, histories)
    wanted = panel.catalog.with_positions(later.join(hashed, on="customer_id"))
    pairs = wanted["customer"].to_numpy().astype(np.int64) * panel.catalog.size
    pairs = np.unique(pairs + wanted["product"].to_numpy())
    parts = []
    for first, some in panel.batches(profiles):
        found = panel.candidates(some, panel.said(some))
        parts.append(replace(found, customers=found.customers + first))
    of = np.concatenate([part.customers for part in parts] or [np.empty(0, np.int64)])
    products = np.concatenate([part.products for part in parts] or [np.empty(0, np.int64)])
    empty = np.empty((0, len(panel.feature_names)), np.float32)
    features = np.concatenate([part.features for part in parts] or [empty])
    is_judge = (hashed["customer_id"].hash(3) % JUDGING == 0).to_numpy()
    return Examples(of, features, np.isin(of * panel.catalog.size + products, pairs), is_judge[of])
