"""What the shop's own counts know without any model: what goes into one basket, when something is bought
again, what is sold more than usual.

Sources: Sarwar et al., WWW 2001 (cosine), shrunken as by Bell and Koren, ICDM 2007; a growth in standard
deviations of a Poisson count, smoothed by one sale.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.contracts.protocols import Tables
from foresell.predict.recommend.catalog import SECONDS_A_DAY, Catalog
from foresell.predict.recommend.habit import share_taken_again
from foresell.predict.recommend.neighbors import Neighbors, nearest
from foresell.predict.recommend.rank import Floats, Ints

# Pairs that were in fewer baskets together are chance.
LEAST_TOGETHER = 2
SHRINK = 5.0
MOST_TOGETHER = 100
# A basket of more products says little of pairs, and has too many of them.
MOST_IN_BASKET = 200
# How many gaps of its own a customer's rhythm needs to count as much as that of everybody.
SHRINK_GAPS = 2.0
RECENT = timedelta(days=7)
BEFORE = timedelta(days=28)


def together(interactions: pl.DataFrame, catalog: Catalog) -> Neighbors:
    """Products × products: the cosine of being in the same baskets (a customer's moment)."""
    baskets = catalog.with_positions(interactions).with_columns(
        basket=pl.struct("customer_id", "occurred_at").rank("dense").cast(pl.Int64) - 1
    )
    kept = baskets.filter(pl.len().over("basket").is_between(2, MOST_IN_BASKET))
    kept = kept.select(pl.col("basket").rank("dense").cast(pl.Int64) - 1, "product").unique()
    shape = (kept["basket"].n_unique(), catalog.size)
    ones = np.ones(kept.height, dtype=np.float32)
    holding = sparse.csr_array((ones, (kept["basket"].to_numpy(), kept["product"].to_numpy())), shape=shape)
    times = baskets.select("basket", "product").unique()["product"].to_numpy()
    num_P = np.bincount(times, minlength=catalog.size).astype(np.float32)

    def cosine(sums: Floats, rows: Ints, columns: Ints) -> Floats:
        value = sums / (np.sqrt(num_P[rows] * num_P[columns]) + SHRINK)
        return np.where((rows == columns) | (sums < LEAST_TOGETHER), np.float32(0.0), value)

    return Neighbors(nearest(sparse.csr_array(holding.T), holding, MOST_TOGETHER, cosine), "bought_together")


@dataclass(frozen=True)
class Rhythm:
    """When products are bought again. (P,) each: `log_gap_P`, the mean logarithm of the days between two
    purchases of one customer, of all products where a product has none; `again_P`: the share of its
    customers who took it at another moment again, drawn to that of all products."""

    log_gap_P: Floats
    again_P: Floats

    @classmethod
    def of(cls, interactions: pl.DataFrame, catalog: Catalog) -> "Rhythm":
        gaps = catalog.with_positions(_gaps(interactions))
        each = gaps.group_by("product").agg(pl.col("log_gap").sum(), num=pl.len())
        overall = float(gaps["log_gap"].mean() or np.log(30.0))  # type: ignore[arg-type]
        sums, numbers = np.full(catalog.size, SHRINK * overall), np.full(catalog.size, SHRINK)
        sums[each["product"].to_numpy()] += each["log_gap"].to_numpy()
        numbers[each["product"].to_numpy()] += each["num"].to_numpy()
        again = share_taken_again(interactions, catalog)
        return cls((sums / numbers).astype(np.float32), again.astype(np.float32))

    def due(self, history: pl.DataFrame, catalog: Catalog, now: datetime) -> pl.DataFrame:
        """product (position), due_at, value: of what one customer bought, when it is due again and how much
        it is due now, in (0, 1]: the share who buy it again, halved for each time that too little or too
        much time has passed by a factor of e."""
        own = (
            catalog.with_positions(history).sort("product", "occurred_at").unique(["product", "occurred_at"])
        )
        last = own.group_by("product").agg(pl.col("occurred_at").max())
        gaps = _gaps(own, keys=["product"]).group_by("product").agg(pl.col("log_gap").sum(), num=pl.len())
        rows = last.join(gaps, on="product", how="left").fill_null(0).sort("product")
        products = rows["product"].to_numpy()
        log_gap = (rows["log_gap"].to_numpy() + SHRINK_GAPS * self.log_gap_P[products]) / (
            rows["num"].to_numpy() + SHRINK_GAPS
        )
        days = np.exp(log_gap)
        since = (now - rows["occurred_at"]).dt.total_seconds().to_numpy() / SECONDS_A_DAY
        off = np.abs(np.log(np.maximum(since, 1e-3) / days))
        due_at = rows["occurred_at"] + pl.Series(days * 86_400e6).cast(pl.Int64).cast(pl.Duration("us"))
        value = self.again_P[products] * 2.0**-off
        return pl.DataFrame({"product": products, "due_at": due_at, "value": value.astype(np.float32)})


def _gaps(interactions: pl.DataFrame, keys: list[str] | None = None) -> pl.DataFrame:
    """The keys (customer_id and product_id) and log_gap, one row a pair of neighboring moments, at least an
    hour apart."""
    by = keys or ["customer_id", "product_id"]
    moments = interactions.select(*by, "occurred_at").unique().sort(*by, "occurred_at")
    days = pl.col("occurred_at").diff().over(by).dt.total_seconds() / SECONDS_A_DAY
    return (
        moments.select(*by, days=days)
        .filter(pl.col("days") > 1 / 24)
        .select(*by, log_gap=pl.col("days").log())
    )


@dataclass(frozen=True)
class Trends:
    """product, location_id, recent, before: units sold (or taken) in the last RECENT, and in BEFORE ahead of
    it."""

    rows: pl.DataFrame

    def growth(self, catalog: Catalog, location_id: str | None = None) -> Floats:
        """(P,) how many standard deviations more than usual is sold now; 0: not more."""
        rows = self.rows if location_id is None else self.rows.filter(pl.col("location_id") == location_id)
        known = catalog.with_positions(rows.group_by("product_id").agg(pl.col("recent", "before").sum()))
        expected = known["before"].to_numpy() * (RECENT / BEFORE)
        growth = (known["recent"].to_numpy() - expected) / np.sqrt(expected + 1)
        found = np.zeros(catalog.size, dtype=np.float32)
        found[known["product"].to_numpy()] = np.maximum(growth, 0.0)
        return found


def trends(tables: Tables, now: datetime) -> Trends:
    """From purchases with their places; where the shop has no order lines, from its events."""
    from foresell.features.counted import about_goods, events_of_somebody, sales

    taken = sales(tables) if tables.has_rows("order_lines") else events_of_somebody(tables)
    taken = about_goods(taken, tables)
    taken = taken.filter(taken.product_id.notnull(), taken.occurred_at > now - RECENT - BEFORE)
    taken = taken.filter(taken.occurred_at <= now)
    is_recent = (taken.occurred_at > now - RECENT).cast("int64")
    counted: Any = taken.group_by("product_id", "location_id").agg(
        recent=is_recent.sum(), before=(1 - is_recent).sum()
    )
    frame: pl.DataFrame = counted.to_polars()
    return Trends(frame.sort("product_id", "location_id"))
