"""At most so many products of a brand, category or whatever else in one list."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from foresell.predict.recommend.rules.effects import Cap
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene

Column = Literal[
    "brand",
    "category",
    "department",
    "parent_product_id",
    "name",
    "status",
    "min_age",
    "price",
    "is_on_offer",
]


class CapOptions(Options):
    """`by` None: all that is selected is one group. Texts that differ in case only are one group."""

    most: int = Field(ge=1)
    by: Column | None = None


def effect(rule: Rule, scene: Scene) -> Cap:
    """A product of which the column is unknown is in no group."""
    options = CapOptions.model_validate(rule.options)
    column = pl.lit(value=1) if options.by is None else pl.col(options.by)
    if scene.assortment.products.schema.get(options.by or "") == pl.String:
        column = column.str.to_lowercase()
    numbered = scene.assortment.products.with_columns(column.rank("dense").alias("_group"))["_group"]
    groups = numbered.cast(pl.Int64).fill_null(-1).to_numpy()
    return Cap(rule.name, np.where(scene.chosen(rule), groups, -1), options.most)


KIND = Kind(
    Sentence("at most so many of each group in one list", "同一列表中每组商品的数量上限"),
    effect,
    CapOptions,
)
