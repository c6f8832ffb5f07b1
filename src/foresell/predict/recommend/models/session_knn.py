"""What those took who did lately what this customer does: the nearest sessions vote.

Source: Kersbergen et al., Serenade: low-latency session-based recommendation in e-commerce at scale, SIGMOD
2022 (VMIS-kNN), after Ludewig and Jannach, Evaluation of session-based recommendation algorithms, 2018
(V-SKNN). The nearest are chosen by similarity × match weight, which there enters after the choice.

An artifact holds sessions one by one, without ids or times, in the order of their age: unlike the other
models it is no sum over customers. Erasing a customer takes a new training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.opinions import Cells, Opinions, Sparse, cells_of
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Doubles, Timelines

REASON = "bought_with"
# A profile is a set of bits in a float32, which is exact up to here.
MOST_BITS = 16
# A place among the votes of one customer fits into so many bits, and a product into the rest of 63.
PLACE_BITS = 32


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
        scores: Floats = self._voted(profiles).as_matrix().toarray()
        return scores

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse(self._voted(profiles))

    def _voted(self, profiles: Any) -> Cells:
        """(C, P): the votes of the nearest sessions."""
        bits_S = np.zeros(self.sessions.shape[0], np.int32)
        rows = [
            self._votes_for(profiles.indices[first:last], profiles.data[first:last], bits_S)
            for first, last in pairwise(profiles.indptr)
        ]
        starts = np.cumsum([0, *(len(products) for products, _ in rows)])
        products = np.concatenate([np.empty(0, np.int64), *(products for products, _ in rows)])
        votes = np.concatenate([np.empty(0, np.float32), *(votes for _, votes in rows)])
        return Cells(votes, products, starts, profiles.shape)

    def _votes_for(self, products: Ints, bits: Floats, bits_S: Ints) -> tuple[Ints, Floats]:
        """Products, ascending, and their votes. `bits_S`: room for the sessions' bits, all 0 before and
        after."""
        each = [(int(bit), _row(self._newest, product)) for product, bit in zip(products, bits, strict=True)]
        for bit, sessions in each:
            bits_S[sessions] += bit
        # A session is counted where its newest shared product is.
        once = [sessions[bits_S[sessions] < 2 * bit] for bit, sessions in each]
        found = np.concatenate([np.empty(0, np.int32), *once])
        similar = self._similarities[bits_S[found]]
        for _, sessions in each:
            bits_S[sessions] = 0
        found, similar = found[similar > 0], similar[similar > 0]
        if len(found) > self.config.num_neighbors:
            edge = np.partition(similar, len(similar) - self.config.num_neighbors)
            kept = similar >= edge[len(similar) - self.config.num_neighbors]
            found, similar = found[kept], similar[kept]
        order = np.lexsort((found, -similar))[: self.config.num_neighbors]
        cells, lengths = cells_of(self._votes, found[order])
        votes = np.repeat(similar[order], lengths) * self._votes.data[cells]
        return _summed(self._votes.indices[cells], votes)

    def explain(self, profiles: Any, products: Ints) -> Explained:
        """Because of the customer's newest product that shares a session with the recommended one."""
        return self.explain_some(profiles, None, np.arange(len(products)), products, ())

    def explain_some(
        self,
        profiles: Any,
        opinions: Opinions | None,
        rows: Ints,
        products: Ints,
        best: Sequence[Ints],
    ) -> Explained:
        bits_S = np.zeros(self.sessions.shape[0], np.int32)
        because = np.full(len(products), -1, np.int64)
        for row in np.unique(rows):
            mine = np.flatnonzero(rows == row)
            first, last = profiles.indptr[row], profiles.indptr[row + 1]
            own, bits = profiles.indices[first:last], profiles.data[first:last].astype(np.int64)
            order = np.argsort(bits)
            for product, bit in zip(own[order], bits[order], strict=True):
                bits_S[_row(self._newest, product)] = bit
            cells, lengths = cells_of(self._by_product, products[mine])
            shared = bits_S[self._by_product.indices[cells]]
            starts = np.cumsum(lengths) - lengths
            highest = np.zeros(len(mine), np.int64)
            some = lengths > 0
            if some.any():
                highest[some] = np.maximum.reduceat(shared, starts[some])
            is_told = highest > 0
            because[mine[is_told]] = own[order][np.searchsorted(bits[order], highest[is_told])]
            for product in own:
                bits_S[_row(self._newest, product)] = 0
        codes = np.where(because == products, "buy_again", REASON)
        return np.where(because < 0, "popular", codes), because


def _row(matrix: Any, row: int) -> Any:
    """The columns of a row of a CSR matrix."""
    return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]


def _summed(products: Ints, votes: Doubles) -> tuple[Ints, Floats]:
    """Each product once, ascending, with the sum of its votes. Sorting one number that says both product and
    place takes a fraction of what sorting places by product takes."""
    if not len(products):
        return np.empty(0, np.int64), np.empty(0, np.float32)
    keys = (products.astype(np.int64) << PLACE_BITS) | np.arange(len(products))
    keys.sort()
    ordered = keys >> PLACE_BITS
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums = np.add.reduceat(votes[keys & ((1 << PLACE_BITS) - 1)], starts)
    return ordered[starts], sums.astype(np.float32)


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
