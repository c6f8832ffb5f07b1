"""What sells now, the same for everybody: the floor that every other recommender must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.rank import Floats, Ints, audience, rank


@dataclass(frozen=True, slots=True)
class PopularityConfig:
    """`half_life_days`: the age at which an interaction counts half."""

    half_life_days: float = 30.0


@dataclass(frozen=True)
class Popularity:
    """Every customer gets the products with the largest recency-weighted sum of interactions."""

    config: PopularityConfig
    catalog: Catalog

    def recommend(
        self,
        histories: pl.DataFrame,
        k: int,
        *,
        exclude: pl.DataFrame | None = None,
        customers: pl.Series | None = None,
        with_reasons: bool = True,
    ) -> pl.DataFrame:
        whom = histories["customer_id"] if customers is None else customers
        nothing = pl.DataFrame(
            schema={"customer_id": pl.String, "product_id": pl.String, "value": pl.Float32}
        )
        to = audience(self.catalog, nothing, whom, exclude)
        return rank(self.catalog, to, k, self._score, _explain if with_reasons else None)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"products": self.catalog.to_table()}

    def _score(self, profiles: Any) -> Floats:
        return np.broadcast_to(self.catalog.popularity, profiles.shape)


def _explain(profiles: Any, products: Ints) -> tuple[NDArray[np.str_], Ints]:
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
