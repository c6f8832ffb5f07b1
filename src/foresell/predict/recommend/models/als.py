"""Matrix factorization of who took what: alternating least squares over implicit feedback.

Source: Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008; the library
`implicit` learns. Only the products' factors are kept: a customer's are solved for when they are asked, which
also serves customers who are new.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.contracts.errors import InputError
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.index import VectorIndex
from foresell.predict.recommend.inverted import RECALL_AT
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.neighbors import argmax_of_rows
from foresell.predict.recommend.opinions import Opinions
from foresell.predict.recommend.profiles import profile, tastes
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Timelines
from foresell.predict.recommend.vector_opinions import Products

REASON = "bought_with"


@dataclass(frozen=True, slots=True)
class AlsConfig:
    """`half_life_days`: the age, from a customer's newest, at which an interaction counts half. `alpha`: how
    much surer an interaction is than its absence: confidence 1 + alpha × value. `regularization`: the weight
    of the factors' squares. `min_customers`: a product of fewer is not learned. `num_threads`: 0 is all
    processors; the factors are the same for any number. `seed`: of the first factors.
    """

    half_life_days: float = 365.0
    factors: int = 64
    regularization: float = 1.0
    alpha: float = 10.0
    iterations: int = 15
    min_customers: int = 3
    num_threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Als(FittedRecommender):
    """`factors`: products × factors; all 0 for a product that was not learned."""

    config: AlsConfig
    catalog: Catalog
    factors: Floats

    def read(self, told: Timelines) -> Any:
        """(C, P) CSR: how much each customer has taken of each product (`tastes`)."""
        return tastes(told, self.config.half_life_days, self.catalog.size)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        width = max(self.config.factors, 1)
        factors = pl.Series("factors", self.factors, dtype=pl.Array(pl.Float32, width))
        return {"products": self.catalog.to_table().with_columns(factors)}

    @cached_property
    def _squares(self) -> Floats:
        """The normal equations of a customer without interactions."""
        penalty = np.float32(self.config.regularization) * np.eye(self.factors.shape[1], dtype=np.float32)
        squares: Floats = self.factors.T @ self.factors + penalty
        return squares

    @cached_property
    def _solved(self) -> Floats:
        solved: Floats = np.linalg.solve(self._squares, self.factors.T).T
        return solved

    def score(self, profiles: Any) -> Floats:
        scores: Floats = self.vectors(profiles) @ self.factors.T
        return scores

    @property
    def has_vectors(self) -> bool:
        return True

    def vectors(self, profiles: Any) -> Floats:
        """(C, D) solved for; 0 without a history."""
        customers = np.zeros((profiles.shape[0], self.factors.shape[1]), dtype=np.float32)
        spans = zip(profiles.indptr[:-1], profiles.indptr[1:], strict=True)
        for row, (start, end) in enumerate(spans):
            if start < end:
                customers[row] = self._customer(profiles.indices[start:end], profiles.data[start:end])
        return customers

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Products(self.index, self.vectors(profiles) if vectors is None else vectors)

    @cached_property
    def index(self) -> VectorIndex:
        return VectorIndex.exact(self.factors)

    def prepare(self, told: Timelines) -> float | None:
        vectors = self.vectors(self.read(told))
        index = VectorIndex.of(self.factors, vectors[::2] if len(vectors) > 1 else None)
        self.__dict__["index"] = index
        return index.recall(vectors[1::2], RECALL_AT)

    def _customer(self, products: Ints, values: Floats) -> Floats:
        taken, extra = self.factors[products], np.float32(self.config.alpha) * values
        squares = self._squares + (taken.T * extra) @ taken
        factors: Floats = np.linalg.solve(squares, taken.T @ (1 + extra))
        return factors

    def explain(self, profiles: Any, products: Ints) -> Explained:
        """The product of the profile that adds most, were it the only one (Hu et al., section 5)."""
        row_of = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        likeness = np.einsum("nf,nf->n", self._solved[products[row_of]], self.factors[profiles.indices])
        parts = (1 + np.float32(self.config.alpha) * profiles.data) * likeness
        because = argmax_of_rows(
            sparse.csr_array((parts, profiles.indices, profiles.indptr), shape=profiles.shape)
        )
        codes = np.where(because == products, "buy_again", REASON)
        return np.where(because < 0, "popular", codes), because


def fit(
    interactions: pl.DataFrame,
    config: AlsConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> Als:
    """Raises InputError where there are no interactions, or without the library `implicit`."""
    catalog = Catalog.from_interactions(interactions, config.half_life_days)
    is_common = pl.len().over("product_id") >= config.min_customers
    tastes = profile(interactions, config.half_life_days).filter(is_common).sort("customer_id", "product_id")
    learned = tastes["product_id"].unique().sort()
    factors = np.zeros((catalog.size, config.factors), dtype=np.float32)
    if len(learned):
        positions = catalog.with_positions(pl.DataFrame({"product_id": learned}))["product"].to_numpy()
        factors[positions] = _factors(_confidences(tastes, config), config)
    return Als(config, catalog, factors)


def _confidences(tastes: pl.DataFrame, config: AlsConfig) -> Any:
    numbered = tastes.select(
        pl.col("customer_id", "product_id").rank("dense").cast(pl.Int64) - 1,
        confidence=(1 + config.alpha * pl.col("value")).cast(pl.Float32),
    )
    where = (numbered["customer_id"].to_numpy(), numbered["product_id"].to_numpy())
    return sparse.csr_matrix((numbered["confidence"].to_numpy(), where), dtype=np.float32)


def _factors(confidences: Any, config: AlsConfig) -> Floats:
    try:
        from implicit.cpu.als import AlternatingLeastSquares  # type: ignore[import-untyped]
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            "The recommender 'als' needs the library implicit",
            received=str(error),
            do="Install it: pip install 'foresell[als]'",
        ) from error
    # implicit has threads of its own; those of the matrix library below it would fight them.
    with threadpool_limits(1, "blas"):
        learner = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularization,
            iterations=config.iterations,
            num_threads=config.num_threads,
            random_state=config.seed,
        )
        learner.fit(confidences, show_progress=False)
    factors: Floats = np.asarray(learner.item_factors, dtype=np.float32)
    return factors


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> Als:
    rows = tables["products"]
    return Als(AlsConfig(**config), Catalog.from_table(rows), rows["factors"].to_numpy())


MODEL = RecommendModel("als", AlsConfig, fit, load)
