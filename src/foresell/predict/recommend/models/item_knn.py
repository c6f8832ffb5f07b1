"""What is bought by the same customers: cosine between products, a few neighbors each.

Source: Sarwar et al., Item-based collaborative filtering recommendation algorithms, WWW 2001; with weights
that fade with age and a shrunken cosine (Bell and Koren, ICDM 2007).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.neighbors import Neighbors, nearest
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.profiles import profile, tastes
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Timelines

REASON = "bought_with"


@dataclass(frozen=True, slots=True)
class ItemKNNConfig:
    """`half_life_days`: age at which an interaction counts half in a customer's profile;
    `pair_half_life_days`: the same in what is learned of pairs. `repeat_weight`: how much having a product
    speaks for having it again, where the strongest neighbor can speak at most 1; it matters only where
    repeats are recommended. `shrink`: added to the cosine's denominator, so that a pair seen together once
    does not look certain. `min_customers`: a product of fewer has no neighbors (chance, and one customer's
    habits). `max_products_a_customer`: the heaviest products of a customer that are learned from, which
    bounds memory.
    """

    half_life_days: float = 30.0
    pair_half_life_days: float = 180.0
    num_neighbors: int = 100
    repeat_weight: float = 50.0
    shrink: float = 10.0
    min_customers: int = 3
    max_products_a_customer: int = 500


@dataclass(frozen=True)
class ItemKNN(FittedRecommender):
    config: ItemKNNConfig
    catalog: Catalog
    neighbors: Neighbors

    def read(self, told: Timelines) -> Any:
        """(C, P) CSR: how much each customer has taken of each product (`tastes`)."""
        return tastes(told, self.config.half_life_days, self.catalog.size)

    def score(self, profiles: Any) -> Floats:
        return self.neighbors.score(profiles)

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse(profiles @ self.neighbors.matrix)

    def explain(self, profiles: Any, products: Ints) -> Explained:
        return self.neighbors.explain(profiles, products)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"products": self.catalog.to_table(), "neighbors": self.neighbors.to_table(self.catalog)}


def fit(
    interactions: pl.DataFrame,
    config: ItemKNNConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> ItemKNN:
    """Raises InputError where there are no interactions."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    tastes = _learned_from(profile(interactions, config.pair_half_life_days), config)
    products_by_customers = _matrix(tastes, catalog)
    norms = np.sqrt(np.asarray(products_by_customers.power(2).sum(axis=1)).ravel())

    def cosine(sums: Floats, rows: Ints, columns: Ints) -> Floats:
        cosines = sums / (norms[rows] * norms[columns] + config.shrink)
        return np.where(rows == columns, np.float32(0.0), cosines)

    customers_by_products = sparse.csr_array(products_by_customers.T)
    others = nearest(products_by_customers, customers_by_products, config.num_neighbors, cosine)
    itself = sparse.eye_array(catalog.size, dtype=np.float32) * np.float32(config.repeat_weight)
    return ItemKNN(config, catalog, Neighbors(sparse.csr_array(others + itself), REASON))


def _learned_from(tastes: pl.DataFrame, config: ItemKNNConfig) -> pl.DataFrame:
    is_common = pl.len().over("product_id") >= config.min_customers
    heaviest = pl.struct(-pl.col("value"), "product_id").rank("ordinal").over("customer_id")
    return tastes.filter(is_common).filter(heaviest <= config.max_products_a_customer)


def _matrix(tastes: pl.DataFrame, catalog: Catalog) -> Any:
    known = catalog.with_positions(tastes).with_columns(
        customer=pl.col("customer_id").rank("dense").cast(pl.Int64) - 1
    )
    cells = (
        known["value"].cast(pl.Float32).to_numpy(),
        (known["product"].to_numpy(), known["customer"].to_numpy()),
    )
    return sparse.csr_array(cells, shape=(catalog.size, known["customer"].n_unique()), dtype=np.float32)


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> ItemKNN:
    catalog = Catalog.from_table(tables["products"])
    return ItemKNN(
        ItemKNNConfig(**config), catalog, Neighbors.from_table(tables["neighbors"], catalog, REASON)
    )


MODEL = RecommendModel("item_knn", ItemKNNConfig, fit, load)
