"""What is like the things a customer took, by what is written of them; nobody need have taken a product.

Source: Pazzani and Billsus, Content-based recommendation systems, in The Adaptive Web, 2007: a taste is the
sum of the vectors of what was taken. Vectors: `alike`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.alike import content_vectors, described
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.neighbors import argmax_of_rows
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.profiles import tastes
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Timelines

REASON = "similar_to"


@dataclass(frozen=True, slots=True)
class ContentConfig:
    """`half_life_days`: the age at which an interaction counts half, in popularity and in taste."""

    half_life_days: float = 30.0


@dataclass(frozen=True)
class ContentModel(FittedRecommender):
    """`vectors`: (P, W) CSR of words, a product of which nothing is said all 0."""

    config: ContentConfig
    catalog: Catalog
    vectors: Any

    def read(self, told: Timelines) -> Any:
        """(C, P) CSR: how much each customer has taken of each product (`tastes`)."""
        return tastes(told, self.config.half_life_days, self.catalog.size)

    def score(self, profiles: Any) -> Floats:
        """(C, P): the taste's inner product with each product."""
        tastes_WC = (profiles @ self.vectors).T.toarray()
        return np.ascontiguousarray((self.vectors @ tastes_WC).T)

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse((profiles @ self.vectors) @ self._by_word)

    @cached_property
    def _by_word(self) -> Any:
        """(W, P)"""
        return sparse.csr_array(self.vectors.T)

    def explain(self, profiles: Any, products: Ints) -> Explained:
        """Because of the product of the history that adds most to the score, which is the sum of what each
        adds; equal ones: the first product_id."""
        row_of = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        theirs, other = self.vectors[profiles.indices], self.vectors[products[row_of]]
        likeness = np.asarray(theirs.multiply(other).sum(axis=1)).ravel()
        parts = sparse.csr_array(
            (profiles.data * likeness, profiles.indices, profiles.indptr), shape=profiles.shape
        )
        parts.eliminate_zeros()
        because = argmax_of_rows(parts)
        codes = np.where(because == products, "buy_again", REASON)
        return np.where(because < 0, "popular", codes), because

    def to_tables(self) -> dict[str, pl.DataFrame]:
        cells = self.vectors.tocoo()
        words = {
            "product_id": self.catalog.product_ids.gather(cells.row),
            "word": cells.col.astype(np.int64),
            "value": cells.data,
        }
        return {"products": self.catalog.to_table(), "vectors": pl.DataFrame(words)}


def fit(
    interactions: pl.DataFrame,
    config: ContentConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> ContentModel:
    """Raises InputError where there are no interactions. Without `products` it has no opinion on anything."""
    if products is None:
        catalog = Catalog.from_interactions(interactions, config.half_life_days)
        return ContentModel(config, catalog, sparse.csr_array((catalog.size, 1), dtype=np.float32))
    catalog = Catalog.from_interactions(interactions, config.half_life_days, described(products))
    return ContentModel(config, catalog, content_vectors(products, catalog))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> ContentModel:
    catalog, rows = Catalog.from_table(tables["products"]), tables["vectors"]
    where = catalog.with_positions(rows.select("product_id"))["product"].to_numpy(), rows["word"].to_numpy()
    width = 1 if rows.is_empty() else int(where[1].max()) + 1
    vectors = sparse.csr_array((rows["value"].to_numpy(), where), shape=(catalog.size, width))
    return ContentModel(ContentConfig(**config), catalog, vectors)


MODEL = RecommendModel("content", ContentConfig, fit, load)
