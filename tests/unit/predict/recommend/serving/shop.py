"""A small shop for the tests of serving."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from foresell.predict.recommend import load_model
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.serving.counts import Trends
from foresell.predict.recommend.serving.histories import Histories
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.recommender import Recommender

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def taken(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """INTERACTIONS of (customer, product, days ago)."""
    full = [(who, what, NOW - timedelta(days=ago), 1.0) for who, what, ago in rows]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row").sort("customer_id", "occurred_at")


def no_trends() -> Trends:
    names = {"product_id": pl.String, "location_id": pl.String, "recent": pl.Int64, "before": pl.Int64}
    return Trends(pl.DataFrame(schema=names))


def content_of(assortment: Assortment) -> pl.DataFrame:
    return assortment.products.select("product_id", "labels", "price", text="name")


def knowledge(past: pl.DataFrame, products: pl.DataFrame, model: str = "item_knn", **more: Any) -> Knowledge:
    assortment = Assortment.of(products)
    chosen = load_model(model)
    fitted = chosen.fit(past, chosen.config(), content_of(assortment))
    given = {"read_trends": no_trends, "content": content_of(assortment), **more}
    return Knowledge(fitted, f"{model}/1", assortment, lambda: past, **given)


def recommender(past: pl.DataFrame, known: Knowledge) -> Recommender:
    return Recommender(known, Histories.of(past))
