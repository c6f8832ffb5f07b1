"""What every recommender is: a config, a `fit`, and a fitted object (`fitted`) that recommends.

Frames (polars):
    interactions, histories   customer_id, product_id, occurred_at (UTC), weight
    exclude                   customer_id, product_id: never recommend that product to that customer;
                              a null customer_id stands for everybody
    products                  product_id, labels (list of texts), price (null: unknown), text (null: none):
                              what is known of products beside their ids (`features.products`)
    recommended               customer_id, product_id, rank (from 1), score, reason_code, because_product_id
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

if TYPE_CHECKING:
    from foresell.predict.recommend.fitted import FittedRecommender

INTERACTIONS = pl.Schema(
    {
        "customer_id": pl.String(),
        "product_id": pl.String(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "weight": pl.Float64(),
    }
)
RECOMMENDED = pl.Schema(
    {
        "customer_id": pl.String(),
        "product_id": pl.String(),
        "rank": pl.Int64(),
        "score": pl.Float64(),
        "reason_code": pl.String(),
        "because_product_id": pl.String(),
    }
)
# The contracts' table of that name.
RECOMMENDATIONS = pl.Schema(
    {
        "customer_id": pl.String(),
        "model": pl.String(),
        "rank": pl.Int64(),
        "product_id": pl.String(),
        "score": pl.Float64(),
        "reason": pl.String(),
        "made_at": pl.Datetime("us", "UTC"),
    }
)


class Fit(Protocol):
    """Learns from interactions and gives a new fitted object.

    `products`: a model that needs no content ignores it, one that uses content does without it where it is
    None. `validation`: interactions that come later, of the same customers or of others; a model that stops
    early judges itself by foretelling each of them from what its customer did before; all others ignore it.
    Nothing of `validation` is learned in any other way.
    """

    def __call__(
        self,
        interactions: pl.DataFrame,
        config: Any,
        products: pl.DataFrame | None = None,
        *,
        validation: pl.DataFrame | None = None,
    ) -> "FittedRecommender": ...


@dataclass(frozen=True, slots=True)
class RecommendModel:
    """An entry of MODELS. `fit` and `load` give a fitted object; `config` makes a config of plain values.

    `load(config, tables)`, and `load(config, tables, weights)` of models whose fitted object has
    `to_weights()`.
    """

    name: str
    config: Callable[..., Any]
    fit: Fit
    load: "Callable[..., FittedRecommender]"
