"""Recommendations as the shop keeps them: with a reason in words that a shopper can read."""

from datetime import datetime
from typing import Literal

import polars as pl

from foresell.contracts.protocols import Tables

Language = Literal["en", "zh"]

# `{}` stands for the name of the product because of which.
REASONS: dict[Language, dict[str, str]] = {
    "en": {
        "popular": "Popular right now",
        "buy_again": "You have bought this before",
        "bought_after": "Often bought after {}",
        "bought_with": "Customers who buy {} buy this too",
        "goes_with": "Goes well with {}",
        "similar_to": "Similar to {}",
        "your_taste": "Suits what you have chosen so far",
    },
    "zh": {
        "popular": "近期热销",
        "buy_again": "您曾购买过此商品",
        "bought_after": "购买{}之后常买",
        "bought_with": "购买{}的顾客也会买",
        "goes_with": "与{}很搭",
        "similar_to": "与{}相似",
        "your_taste": "符合您一贯的选择",
    },
}


def product_names(tables: Tables) -> pl.DataFrame:
    """product_id, name: a product's title, else its category, else its department; null without any."""
    products = tables.current("products")
    name = products.title.coalesce(products.category, products.department)
    names: pl.DataFrame = products.select("product_id", name=name).to_polars()
    return names


def as_results(
    recommended: pl.DataFrame, names: pl.DataFrame, language: Language, model: str, made_at: datetime
) -> pl.DataFrame:
    """RECOMMENDED rows as the contracts' `recommendations` table. `model`: name/version.

    A product without a name is called by its id; a row without a reason code has no reason.
    """
    named = recommended.join(
        names.select(because_product_id="product_id", because="name"),
        on="because_product_id",
        how="left",
        maintain_order="left",
    )
    because = pl.coalesce("because", "because_product_id").fill_null("")
    templates = REASONS[language]
    return named.select(
        "customer_id",
        pl.lit(model).alias("model"),
        "rank",
        "product_id",
        "score",
        reason=pl.col("reason_code")
        .replace_strict(templates, default=None, return_dtype=pl.String)
        .str.replace("{}", because, literal=True),
        made_at=pl.lit(made_at).cast(pl.Datetime("us", "UTC")),
    )
