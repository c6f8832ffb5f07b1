"""What is sold out is not shown."""

import polars as pl
from pydantic import Field

from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class InStock(Options):
    """At least so many units over all locations. Stock that is not known is none, unless it is allowed."""

    least: float = Field(1.0, gt=0)
    allow_unknown: bool = False


def effect(rule: Rule, scene: Scene) -> Forbid:
    options = InStock.model_validate(rule.options)
    passes = (pl.col("on_hand") >= options.least).fill_null(value=options.allow_unknown)
    return Forbid(scene.chosen(rule) & scene.where(~passes))


KIND = Kind(Sentence("what is sold out is not shown", "不展示缺货商品"), effect, InStock)
