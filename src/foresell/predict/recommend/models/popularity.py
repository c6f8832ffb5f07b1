"""What sells now, the same for everybody: the floor that every other recommender must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.timelines import Timelines


@dataclass(frozen=True, slots=True)
class PopularityConfig:
    """`half_life_days`: the age at which an interaction counts half."""

    half_life_days: float = 30.0


@dataclass(frozen=True)
class Popularity(FittedRecommender):
    """Every customer gets the products with the largest recency-weighted sum of interactions."""

    config: PopularityConfig
    catalog: Catalog

    def read(self, told: Timelines) -> Any:
        """(C,) zeros: nothing is read of them."""
        return np.zeros(told.num_customers, dtype=np.float32)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"products": self.catalog.to_table()}

    def score(self, profiles: Any) -> Floats:
        return np.broadcast_to(self.catalog.popularity, (len(profiles), self.catalog.size))

    def explain(self, profiles: Any, products: Ints) -> Explained:
        return np.full(len(products), "popular"), np.full(len(products), -1)


def fit(
    interactions: pl.DataFrame,
    config: PopularityConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> Popularity:
    """Raises InputError where there are no interactions."""
    return Popularity(config, Catalog.from_interactions(interactions, config.half_life_days))


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame]) -> Popularity:
    return Popularity(PopularityConfig(**config), Catalog.from_table(tables["products"]))


MODEL = RecommendModel("popularity", PopularityConfig, fit, load)
