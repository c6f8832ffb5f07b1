"""What those took who did lately what this customer does: the nearest sessions vote.

Source: Kersbergen et al., Serenade: low-latency session-based recommendation in e-commerce at scale, SIGMOD
2022 (VMIS-kNN), after Ludewig and Jannach, Evaluation of session-based recommendation algorithms, 2018
(V-SKNN). The nearest are chosen by similarity × match weight, which there enters after the choice.

An artifact holds sessions one by one, without ids or times, in the order of their age: unlike the other
models it is no sum over customers. Erasing a customer takes a new training.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.neighbors import argmax_of_rows, nearest
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Doubles, Timelines

REASON = "bought_with"
# A profile is a set of bits in a float32, which is exact up to here.
MOST_BITS = 16


@dataclass(frozen=True, slots=True)
class SessionKNNConfig:
    """`half_life_days`: of the popularity that fills up. `gap_days`: a pause that long ends a session; an
    endless one makes each customer one session. `num_products`: how many of a customer's last products
    speak (at most 16), each `decay` times the one after it. `match_decay`: what a session loses for each
    product that the customer took after the last one shared with it. `num_recent`: the newest sessions of
    each product that are looked at; `num_neighbors`: the nearest of them that vote. `idf_power`: how much
    a vote for a rare product counts more, 0: not. `max_session_products`: the newest of a session that
    are kept. `min_customers`: a product of fewer is not learned.
    """

    half_life_days: float = 30.0
    gap_days: float = 1e6
    num_products: int = 10
    decay: float = 0.8
    match_decay: float = 0.1
    num_recent: int = 1000
    num_neighbors: int = 200
    idf_power: float = 1.0
    max_session_products: int = 100
    min_customers: int = 3


@dataclass(frozen=True)
class SessionKNN(FittedRecommender):
    """`sessions`: sessions × products (CSR, float32), the newest first; cells are weights."""

    config: SessionKNNConfig
    catalog: Catalog
    sessions: Any

    def read(self, told: Timelines) -> Any:
        """(C, P) CSR: a bit for each of the last products (`last_products`)."""
        return last_products(told, self.config, self.catalog.size)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        cells = self.sessions.tocoo()
        rows = {"session": cells.row, "product_id": self.catalog.product_ids.gather(cells.col)}
        return {
            "products": self.catalog.to_table(),
            "sessions": pl.DataFrame({**rows, "weight": cells.data}),
        }

    @cached_property
    def _by_product(self) -> Any:
        """Products × sessions, the newest session of a product first."""
        by_product = sparse.csr_array(self.sessions.T)
        by_product.sort_indices()
        return by_product

    @cached_property
    def _newest(self) -> Any:
        """Products × sessions: 1 for the num_recent newest sessions of each product."""
        by_product = self._by_product
        counts = np.diff(by_product.indptr)
        row_of = np.repeat(np.arange(len(counts)), counts)
        kept = np.arange(len(row_of)) - by_product.indptr[:-1][row_of] < self.config.num_recent
        cells = (np.ones(int(kept.sum()), np.float32), (row_of[kept], by_product.indices[kept]))
        return sparse.csr_array(cells, shape=by_product.shape)

    @cached_property
    def _votes(self) -> Any:
        """The sessions, a product's votes weighed by its rarity."""
        counts = np.bincount(self.sessions.indices, minlength=self.catalog.size)
        rarity = np.log1p(self.sessions.shape[0] / np.maximum(counts, 1)) ** self.config.idf_power
        return sparse.csr_array(self.sessions @ sparse.diags_array(rarity.astype(np.float32)))

    @cached_property
    def _similarities(self) -> Floats:
        return similarity_of_bits(self.config)

    def score(self, profiles: Any) -> Floats:
        scores: Floats = self._voted(profiles).toarray()
        return scores

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse(self._voted(profiles))

    def _voted(self, profiles: Any) -> Any:
        """(C, P) CSR: the votes of the nearest sessions."""

        def similarity(sums: Floats, rows: Ints, columns: Ints) -> Floats:
            similar: Floats = self._similarities[sums.astype(np.int64)]
            return similar

        if not self.sessions.shape[0]:
            return sparse.csr_array(profiles.shape, dtype=np.float32)
        neighbors = nearest(profiles, self._newest, self.config.num_neighbors, similarity)
        return neighbors @ self._votes

    def explain(self, profiles: Any, products: Ints) -> Explained:
        """Because of the customer's newest product that shares a session with the recommended one."""
        row_of = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        theirs, other = self._newest[profiles.indices], self._by_product[products[row_of]]
        shares = np.asarray(theirs.multiply(other).sum(axis=1)).ravel() > 0
        parts = sparse.csr_array(
            (np.where(shares, profiles.data, 0.0), profiles.indices, profiles.indptr), shape=profiles.shape
        )
        parts.eliminate_zeros()
        because = argmax_of_rows(parts)
        codes = np.where(because == products, "buy_again", REASON)
        return np.where(because < 0, "popular", codes), because


def similarity_of_bits(config: SessionKNNConfig) -> Floats:
    """Bits of the shared products → similarity × match weight. The highest bit is the newest product."""
    num_bits = _num_bits(config)
    sets = np.arange(2**num_bits)
    shared = (sets[:, None] >> np.arange(num_bits)) & 1
    since = num_bits - 1 - np.arange(num_bits)
    similarity = shared @ config.decay**since
    newest = np.where(shared, since, num_bits).min(axis=1)
    similarity = similarity * np.maximum(1 - config.match_decay * newest, 0.0)
    return np.asarray(similarity, dtype=np.float32)


def _num_bits(config: SessionKNNConfig) -> int:
    return max(1, min(config.num_products, MOST_BITS))


def last_products(told: Timelines, config: SessionKNNConfig, num_products: int) -> Any:
    """(C, P) CSR: a bit, the higher the newer the product; products of one moment by product_id."""
    num_bits = _num_bits(config)
    order = np.lexsort((told.at, told.product, told.customers))
    of, product = told.customers[order], told.product[order]
    is_last = np.ones(len(order), dtype=np.bool_)
    is_last[:-1] = (np.diff(of) != 0) | (np.diff(product) != 0)
    of, product, at = of[is_last], product[is_last], told.at[order][is_last]
    newest = np.lexsort((product, -at, of))
    starts = np.searchsorted(of, np.arange(told.num_customers))
    since = np.empty(len(of), np.int64)
    since[newest] = np.arange(len(of)) - starts[of]
    kept = (since < num_bits) & (product >= 0)
    bits: Doubles = np.exp2(num_bits - 1.0 - since[kept])
    return told.matrix(of[kept], product[kept], bits, num_products)


def fit(
    interactions: pl.DataFrame,
    config: SessionKNNConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> SessionKNN:
    """Raises InputError where there are no interactions."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    is_common = pl.col("customer_id").n_unique().over("product_id") >= config.min_customers
    known = _with_sessions(catalog.with_positions(interactions).filter(is_common), config)
    cells = (
        known["weight"].cast(pl.Float32).to_numpy(),
        (known["session"].to_numpy(), known["product"].to_numpy()),
    )
    shape = (known["session"].n_unique(), catalog.size)
    return SessionKNN(config, catalog, sparse.csr_array(cells, shape=shape, dtype=np.float32))


def _with_sessions(known: pl.DataFrame, config: SessionKNNConfig) -> pl.DataFrame:
    """session (0: the newest; of equal times by customer), product, weight: one row a pair."""
    ordered = known.sort("customer_id", "occurred_at", "product_id")
    pause = pl.col("occurred_at").diff().dt.total_seconds() > config.gap_days * 86_400
    is_new = (pl.col("customer_id") != pl.col("customer_id").shift()).fill_null(True) | pause.fill_null(False)
    pairs = (
        ordered.with_columns(run=is_new.cum_sum())
        .group_by("run", "product")
        .agg(pl.col("weight").max(), pl.col("occurred_at").max())
        .sort(["run", "occurred_at", "product"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("run") < config.max_session_products)
    )
    ages = pairs.group_by("run").agg(pl.col("occurred_at").max())
    numbers = ages.sort(["occurred_at", "run"], descending=[True, False]).with_row_index("session")
    return pairs.join(numbers.select("run", "session"), on="run").sort("session", "product")


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> SessionKNN:
    catalog = Catalog.from_table(tables["products"])
    rows = tables["sessions"]
    columns = catalog.with_positions(rows.select("product_id"))["product"].to_numpy()
    shape = (0 if rows.is_empty() else int(rows["session"].to_numpy().max()) + 1, catalog.size)
    cells = (rows["weight"].to_numpy(), (rows["session"].to_numpy(), columns))
    return SessionKNN(SessionKNNConfig(**config), catalog, sparse.csr_array(cells, shape=shape))


MODEL = RecommendModel("session_knn", SessionKNNConfig, fit, load)
