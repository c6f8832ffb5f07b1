"""The products a recommender knows: their order, and how popular each was lately."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.features.ids import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS_A_DAY = 86_400.0
# So many times fewer rows than products are looked up one by one.
FEW = 8
NOTHING = "There is nothing to learn recommendations from"
IMPORT_MORE = "Import orders with customers and products, or events."


@dataclass(frozen=True)
class Catalog:
    """`product_ids` ascending (by code point); `popularity` in (0, 1], the most popular product 1."""

    product_ids: pl.Series
    popularity: "NDArray[np.float32]"

    @classmethod
    def from_interactions(
        cls, interactions: pl.DataFrame, half_life_days: float, new_products: Iterable[str] = ()
    ) -> "Catalog":
        """Popularity: the sum of weight × 2^(−age / half-life), age from the newest interaction; that of
        `new_products` without interactions is 0."""
        if interactions.is_empty():
            raise InputError(NOTHING, do=IMPORT_MORE)
        recency = recency_weight(pl.col("occurred_at").max(), half_life_days)
        popular = (
            interactions.select("product_id", (pl.col("weight") * recency).alias("popularity"))
            .group_by("product_id")
            .agg(pl.col("popularity").sum())
        )
        new = pl.DataFrame({"product_id": list(new_products)}, {"product_id": pl.String}).unique()
        unheard = new.join(popular, on="product_id", how="anti").with_columns(popularity=pl.lit(0.0))
        popular = pl.concat([popular, unheard]).sort("product_id")
        return cls.from_table(popular.with_columns(pl.col("popularity") / pl.col("popularity").max()))

    @classmethod
    def from_table(cls, products: pl.DataFrame) -> "Catalog":
        # The least positive number stands for popularity that faded to nothing: the product is still known.
        least = float(np.finfo(np.float32).tiny)
        popularity = products["popularity"].cast(pl.Float32).clip(lower_bound=least)
        return cls(products["product_id"], popularity.to_numpy())

    def to_table(self) -> pl.DataFrame:
        return pl.DataFrame({"product_id": self.product_ids, "popularity": self.popularity})

    @property
    def size(self) -> int:
        return len(self.product_ids)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """product_id → product (its position, UInt32)."""
        return pl.DataFrame({"product_id": self.product_ids}).with_row_index("product")

    def with_positions(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of known products, with the column `product`."""
        if rows.height * FEW < self.size:
            found = pl.Series("product", places(self.product_ids, rows["product_id"]))
            known = rows.filter(found >= 0)
            return known.with_columns(found.filter(found >= 0).cast(pl.UInt32))
        return rows.join(self.positions, on="product_id", how="inner", maintain_order="left")


def recency_weight(newest: pl.Expr, half_life_days: float) -> pl.Expr:
    """2^(−age / half-life) of each row's occurred_at, age from `newest`; 1 for the newest."""
    age_days = (newest - pl.col("occurred_at")).dt.total_seconds() / SECONDS_A_DAY
    return pl.lit(2.0).pow(-age_days / half_life_days)
