"""Of the variants of one product, one is shown."""

import numpy as np
import polars as pl

from foresell.predict.recommend.rules.effects import Cap
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


def effect(rule: Rule, scene: Scene) -> Cap:
    """A product without a parent is its own, and of one group with its variants."""
    parent = pl.coalesce("parent_product_id", "product_id").rank("dense").cast(pl.Int64)
    groups = scene.assortment.products.with_columns(parent.alias("_group"))["_group"].to_numpy()
    return Cap(rule.name, np.where(scene.chosen(rule), groups, -1), most=1)


KIND = Kind(Sentence("one variant of a product in one list", "同一列表中每款商品只展示一个规格"), effect)
