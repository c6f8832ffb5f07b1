"""What is bought next: from each of the last baskets to the one after it, later steps counting more; and what
is like the products of those baskets, where anything is known of products beside their ids.

Source: Rendle et al., Factorizing personalized Markov chains, WWW 2010, the unfactorized chain over baskets;
with weights that fade with age. A session of events is a chain of baskets of one product. Likeness: `alike`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.alike import alike, described
from foresell.predict.recommend.catalog import Catalog, recency_weight
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.neighbors import Neighbors, nearest
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Timelines

REASON = "bought_after"
ALIKE_REASON = "similar_to"


@dataclass(frozen=True, slots=True)
class TransitionConfig:
    """`half_life_days`: the age at which a step counts half. `num_baskets`: how many of a customer's last
    baskets speak, each counting `basket_decay` times the one after it. `max_lag`: a basket also leads to the
    ones after next, at `basket_decay` a step. `shrink`: added to what a product led to, so that what was seen
    once does not look certain. `num_neighbors`: products kept for each. `min_customers`: a product of fewer
    leads nowhere, and nothing leads to it (chance, and one customer's habits). `backward`: how much a step
    also counts from the later basket to the earlier one, where the order is half chance. `content_weight`:
    what a product of the same content adds, where the surest transition adds 1; `num_alike`: the products
    most alike that are kept for each. Both matter only where content is known.
    """

    half_life_days: float = 30.0
    num_baskets: int = 10
    basket_decay: float = 0.8
    max_lag: int = 3
    shrink: float = 2.0
    num_neighbors: int = 100
    min_customers: int = 3
    backward: float = 0.0
    content_weight: float = 0.03
    num_alike: int = 50


@dataclass(frozen=True)
class Transition(FittedRecommender):
    """`alike`: of products × products, already weighed; a product without interactions has nothing else."""

    config: TransitionConfig
    catalog: Catalog
    neighbors: Neighbors
    alike: Neighbors

    def read(self, told: Timelines) -> Any:
        """(C, P) CSR: how much each of the last products counts (`last_baskets`)."""
        return last_baskets(told, self.config, self.catalog.size)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {
            "products": self.catalog.to_table(),
            "neighbors": self.neighbors.to_table(self.catalog),
            "alike": self.alike.to_table(self.catalog),
        }

    def score(self, profiles: Any) -> Floats:
        """(C, P) how strongly the products of each profile (CSR, as `last_baskets` weighs them) lead to
        each."""
        return self._both.score(profiles)

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse(profiles @ self._both.matrix)

    @cached_property
    def _both(self) -> Neighbors:
        return Neighbors(sparse.csr_array(self.neighbors.matrix + self.alike.matrix), REASON)

    def explain(self, profiles: Any, products: Ints) -> Explained:
        """As `Neighbors.explain`; likeness is the reason where it added more than the steps did."""
        codes, because = self._both.explain(profiles, products)
        by_steps, by_likeness = (
            _cells_at(part.matrix, because, products) for part in (self.neighbors, self.alike)
        )
        is_like = (codes == REASON) & (by_likeness > by_steps)
        return np.where(is_like, ALIKE_REASON, codes), because


def last_baskets(told: Timelines, config: TransitionConfig, num_products: int) -> Any:
    """(C, P) CSR: Σ over the last baskets (moments) of weight × decay^(baskets since)."""
    baskets = np.cumsum(np.diff(told.at, prepend=-1) != 0)
    newest = baskets[np.maximum(told.offsets[1:] - 1, 0)[told.customers]] if len(baskets) else baskets
    since = newest - baskets
    values = np.where(since < config.num_baskets, told.weight * config.basket_decay**since, 0.0)
    customers, products, sums = told.summed(values, num_products)
    is_told = sums > 0
    return told.matrix(customers[is_told], products[is_told], sums[is_told], num_products)


def fit(
    interactions: pl.DataFrame,
    config: TransitionConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> Transition:
    """Raises InputError where there are no interactions."""
    new = [] if products is None or config.content_weight == 0 else described(products)
    catalog = Catalog.from_interactions(interactions, config.half_life_days, new)
    steps = Neighbors(_steps(interactions, catalog, config), REASON)
    likeness = sparse.csr_array((catalog.size, catalog.size), dtype=np.float32)
    if products is not None and new:
        likeness = alike(products, catalog, config.num_alike) * np.float32(config.content_weight)
    return Transition(config, catalog, steps, Neighbors(likeness, ALIKE_REASON))


def _steps(interactions: pl.DataFrame, catalog: Catalog, config: TransitionConfig) -> Any:
    """Products × products: the share of the steps out of one that led to the other, shrunken."""
    baskets = _numbered_baskets(interactions, catalog, config.min_customers)
    num_baskets = baskets["basket"].n_unique()
    shape = (num_baskets, catalog.size)
    recency = baskets.select(recency_weight(pl.col("occurred_at").max(), config.half_life_days)).to_series()
    following = _cells(baskets, baskets["weight"] * recency, shape)
    holding = _cells(baskets, pl.repeat(1.0, baskets.height, eager=True), shape)
    earlier = _earlier(baskets, num_baskets, config)
    if config.backward:
        earlier = sparse.csr_array(earlier + earlier.T * np.float32(config.backward))
    leading = sparse.csr_array((earlier @ holding).T)
    # What all steps out of a product count together: a step counts once, however large the basket.
    basket_weights = baskets.with_columns(recency=recency).group_by("basket").agg(pl.col("recency").first())
    led_to = leading @ basket_weights.sort("basket")["recency"].cast(pl.Float32).to_numpy()

    def probability(sums: Floats, sources: Ints, targets: Ints) -> Floats:
        result: Floats = sums / (led_to[sources] + config.shrink)
        return result

    return nearest(leading, following, config.num_neighbors, probability)


def _numbered_baskets(interactions: pl.DataFrame, catalog: Catalog, min_customers: int) -> pl.DataFrame:
    """The interactions with `product`, `customer` and `basket`: baskets numbered by customer and time."""
    is_common = pl.col("customer_id").n_unique().over("product_id") >= min_customers
    known = catalog.with_positions(interactions).filter(is_common)
    ordered = known.sort("customer_id", "occurred_at", "product_id")
    return ordered.with_columns(
        basket=pl.struct("customer_id", "occurred_at").rle_id(), customer=pl.col("customer_id").rle_id()
    )


def _earlier(baskets: pl.DataFrame, num_baskets: int, config: TransitionConfig) -> Any:
    """Baskets × baskets: cell (later, earlier) = decay^(lag − 1) within one customer, lags up to max_lag."""
    customer_of = (
        baskets.group_by("basket").agg(pl.col("customer").first()).sort("basket")["customer"].to_numpy()
    )
    parts = []
    for lag in range(1, min(config.max_lag, num_baskets - 1) + 1):
        later = np.flatnonzero(customer_of[lag:] == customer_of[:-lag]) + lag
        values = np.full(len(later), config.basket_decay ** (lag - 1), dtype=np.float32)
        parts.append((values, later, later - lag))
    if not parts:
        return sparse.csr_array((num_baskets, num_baskets), dtype=np.float32)
    cells = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return sparse.csr_array((cells[0], (cells[1], cells[2])), shape=(num_baskets, num_baskets))


def _cells(baskets: pl.DataFrame, values: pl.Series, shape: tuple[int, int]) -> Any:
    where = (baskets["basket"].to_numpy(), baskets["product"].to_numpy())
    return sparse.csr_array((values.cast(pl.Float32).to_numpy(), where), shape=shape)


def _cells_at(matrix: Any, rows: Ints, columns: Ints) -> Floats:
    """The cells (rows[n], columns[n]); a row of −1 gives a cell of no meaning."""
    if not len(rows):
        return np.empty(0, dtype=np.float32)
    return np.asarray(matrix[rows, columns], dtype=np.float32)


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> Transition:
    catalog = Catalog.from_table(tables["products"])
    neighbors = Neighbors.from_table(tables["neighbors"], catalog, REASON)
    # Artifacts of before content was looked at have no such table.
    likeness = tables.get("alike", tables["neighbors"].clear())
    return Transition(
        TransitionConfig(**config), catalog, neighbors, Neighbors.from_table(likeness, catalog, ALIKE_REASON)
    )


MODEL = RecommendModel("transition", TransitionConfig, fit, load)
