"""Which product of a history speaks for a recommendation of several models together: the one without which
its chance falls most. The idea and its source: `leave_out`, which does the same within a sequence model."""

from collections.abc import Callable

import numpy as np
import polars as pl

from foresell.predict.recommend.candidates import Panel, Profiles
from foresell.predict.recommend.fitted import Rows
from foresell.predict.recommend.leave_out import NEWEST_TRIED, largest_falls
from foresell.predict.recommend.rank import SCORES_AT_ONCE, Floats, Ints

# Profiles, rows of them and products → (M,) log chances.
LogChances = Callable[[Profiles, Ints, Ints], Floats]


def without_one(panel: Panel, rows: Rows[Profiles], products: Ints, log_chances: LogChances) -> Ints:
    """(R,) positions of the products because of which each row's product is likely; −1 where its chance
    falls without none of the NEWEST_TRIED products that its customer took last (the newer of equals)."""
    because = np.full(len(products), -1, np.int64)
    customers = np.unique(rows.customers)
    at_once = max(1, SCORES_AT_ONCE // panel.catalog.size // (NEWEST_TRIED + 1))
    for first in range(0, len(customers), at_once):
        some = customers[first : first + at_once]
        mine = np.flatnonzero(np.isin(rows.customers, some))
        of = np.searchsorted(some, rows.customers[mine])
        because[mine] = _because(panel, rows.of, some, of, products[mine], log_chances)
    return because


def _because(
    panel: Panel, profiles: Profiles, some: Ints, of: Ints, products: Ints, log_chances: LogChances
) -> Ints:
    histories = pl.concat(
        [
            profiles.histories[int(profiles.offsets[one]) : int(profiles.offsets[one + 1])].with_columns(
                customer=pl.lit(row, pl.UInt32)
            )
            for row, one in enumerate(some)
        ]
    )
    tried = _tried(histories, len(some))
    variants = (
        tried.join(histories.drop("customer_id"), on="customer", how="inner", maintain_order="left_right")
        .filter(pl.col("removed").is_null() | (pl.col("product_id") != pl.col("removed")))
        .select("customer_id", "product_id", "occurred_at", "weight")
    )
    found = panel.profiles(tried["customer_id"], variants)
    owners = tried["customer"].to_numpy().astype(np.int64)
    begins, ends = np.searchsorted(owners, of), np.searchsorted(owners, of, side="right")
    lengths = ends - begins
    starts = np.cumsum(lengths) - lengths
    asked = np.repeat(begins - starts, lengths) + np.arange(int(lengths.sum()))
    chances = log_chances(found, asked, np.repeat(products, lengths))
    removed = panel.catalog.positions.join(
        tried.select(product_id="removed"), on="product_id", how="right", maintain_order="right"
    )["product"]
    positions = removed.cast(pl.Int64).fill_null(-1).to_numpy()
    return positions[asked[largest_falls(chances, starts)]]


def _tried(histories: pl.DataFrame, number: int) -> pl.DataFrame:
    """customer, removed (null: nothing, the first of each), customer_id of a variant, ascending."""
    newest = (
        histories.group_by("customer", removed="product_id")
        .agg(last=pl.col("occurred_at").max())
        .sort(["customer", "last", "removed"], descending=[False, True, False])
        .group_by("customer", maintain_order=True)
        .head(NEWEST_TRIED)
    )
    whole = pl.DataFrame(
        {"customer": range(number), "removed": [None] * number}, {"customer": pl.UInt32, "removed": pl.String}
    )
    both = pl.concat([whole, newest.select("customer", "removed")])
    ordered = both.sort("customer", maintain_order=True).with_row_index("variant")
    return ordered.with_columns(customer_id=pl.col("variant").cast(pl.String).str.zfill(10))
