"""What is said of products, for search."""

from typing import TYPE_CHECKING

import polars as pl

from foresell.contracts.protocols import Tables
from foresell.features.counted import goods
from foresell.features.products import MOST_DESCRIPTION, TAG

if TYPE_CHECKING:
    from foresell.predict.recommend.assortment import Assortment

# The fields that are searched, and how much a word in each says of the product.
FIELDS: dict[str, float] = {"title": 3.0, "brand": 2.0, "category": 2.0, "description": 1.0}
SAID = pl.Schema({"product_id": pl.String(), **dict.fromkeys(FIELDS, pl.String())})


def said_of_products(tables: Tables, assortment: "Assortment") -> pl.DataFrame:
    """SAID, a row a product of the assortment, at its position; null for what is not said.

    `category` is all its levels and the department; `description` is without markup and cut at
    MOST_DESCRIPTION.
    """
    rows = goods(tables)
    frame: pl.DataFrame = rows.select(
        "product_id",
        "title",
        "brand",
        "department",
        "category",
        "category_path",
        description=rows.description.left(MOST_DESCRIPTION),
    ).to_polars()
    levels = pl.concat_str("category", "category_path", "department", separator=" ", ignore_nulls=True)
    found = frame.select(
        "product_id",
        "title",
        "brand",
        category=levels.replace("", None),
        description=pl.col("description").str.replace_all(TAG, " "),
    ).with_columns(pl.all().cast(pl.String))
    return assortment.products.select("product_id").join(
        found.unique("product_id", keep="first"), on="product_id", how="left", maintain_order="left"
    )
