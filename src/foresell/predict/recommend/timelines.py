"""What customers did, as plain arrays: what a fitted recommender reads before it answers.

A frame of one customer takes longer to query than an answer may take; arrays do not.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from foresell.predict.recommend.catalog import SECONDS_A_DAY, Catalog
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.rank import Ints

MICROSECONDS = 1_000_000
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Timelines:
    """E actions of C customers. Those of customer c are at offsets[c] … offsets[c + 1] − 1, oldest first, of
    one moment by product id.

    offsets  int64 (C + 1,)
    product  int64 (E,)    position in a catalog; below 0: not in it, the same number for the same product
    at       int64 (E,)    microseconds since 1970
    weight   float64 (E,)
    """

    offsets: Ints
    product: Ints
    at: Ints
    weight: Doubles

    @classmethod
    def of(cls, customers: pl.Series, histories: pl.DataFrame, catalog: Catalog) -> "Timelines":
        """`customers`: ascending and distinct; `histories`: INTERACTIONS, of others as well."""
        rows = pl.DataFrame({"customer_id": customers}).with_row_index("customer")
        known = histories.join(rows, on="customer_id", how="inner").sort(
            "customer", "occurred_at", "product_id"
        )
        found = known.join(catalog.positions, on="product_id", how="left", maintain_order="left")["product"]
        unknown = -known["product_id"].rank("dense").cast(pl.Int64)
        counts = np.bincount(known["customer"].to_numpy(), minlength=len(customers))
        return cls(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            pl.select(pl.coalesce(found.cast(pl.Int64), unknown)).to_series().to_numpy(),
            known["occurred_at"].dt.epoch("us").to_numpy(),
            known["weight"].to_numpy(),
        )

    @property
    def num_customers(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def customers(self) -> Ints:
        """(E,) whose each action is."""
        return np.repeat(np.arange(self.num_customers), np.diff(self.offsets))

    @cached_property
    def age_days(self) -> Doubles:
        """(E,) how long before its customer's newest action each was, in whole seconds."""
        newest = self.at[np.maximum(self.offsets[1:] - 1, 0)[self.customers]]
        return (newest - self.at) // MICROSECONDS / SECONDS_A_DAY

    def renamed(self, positions: Ints) -> "Timelines":
        """The same over another catalog: `positions` in it of this one's products, −1 of what it lacks."""
        is_here = self.product >= 0
        product = self.product - len(positions)
        own = self.product[is_here]
        product[is_here] = np.where(positions[own] >= 0, positions[own], -1 - own)
        return Timelines(self.offsets, product, self.at, self.weight)

    def as_interactions(self, catalog: Catalog) -> tuple[pl.Series, pl.DataFrame]:
        """Customers (made-up ids, ascending) and INTERACTIONS of the products that the catalog has."""
        is_known = self.product >= 0
        names = pl.Series("customer_id", [f"{row:09d}" for row in range(self.num_customers)], pl.String)
        columns = {
            "customer_id": names.gather(self.customers[is_known]),
            "product_id": catalog.product_ids.gather(self.product[is_known]),
            "occurred_at": pl.Series(self.at[is_known]).cast(INTERACTIONS["occurred_at"]),
            "weight": self.weight[is_known],
        }
        return names, pl.DataFrame(columns, schema=INTERACTIONS)

    def summed(self, values: Doubles, num_products: int) -> tuple[Ints, Ints, Doubles]:
        """Customers and products of all pairs that are there, ascending, and the sums of their values;
        products outside the catalog are left out."""
        is_known = self.product >= 0
        keys = self.customers[is_known] * num_products + self.product[is_known]
        pairs, which = np.unique(keys, return_inverse=True)
        sums: Doubles = np.bincount(which, values[is_known], minlength=len(pairs)).astype(np.float64)
        customers, products = np.divmod(pairs, max(num_products, 1))
        return customers, products, sums

    def matrix(self, customers: Ints, products: Ints, values: Doubles, num_products: int) -> Any:
        """(C, P) CSR, float32, of pairs that ascend."""
        starts = np.searchsorted(customers, np.arange(self.num_customers + 1))
        cells = (values.astype(np.float32), products, starts)
        return sparse.csr_array(cells, shape=(self.num_customers, num_products))
