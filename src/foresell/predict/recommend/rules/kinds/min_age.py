"""Products for adults are not shown to who is younger, nor to who may be."""

import numpy as np
import polars as pl
from pydantic import Field

from foresell.predict.recommend.rules.effects import ForbidYounger
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class MinAge(Options):
    """In years; None: what each product's attributes say. A customer of unknown age is too young."""

    age: int | None = Field(None, ge=1, le=150)


def effect(rule: Rule, scene: Scene) -> ForbidYounger:
    options = MinAge.model_validate(rule.options)
    said = pl.col("min_age").fill_null(0) if options.age is None else pl.lit(options.age, pl.Int64)
    limits = scene.assortment.products.with_columns(said.alias("min_age"))["min_age"].to_numpy()
    return ForbidYounger(np.where(scene.chosen(rule), limits, 0).astype(np.int64))


KIND = Kind(
    Sentence("who is younger, or of unknown age, does not see it", "未达年龄或年龄未知的顾客看不到"),
    effect,
    MinAge,
)
