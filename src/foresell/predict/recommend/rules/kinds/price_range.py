"""Only products of certain prices are shown."""

from typing import Self

import polars as pl
from pydantic import Field, model_validator

from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class PriceRange(Options):
    """From `least` to `most`, both included; a price that is not known is outside, unless it is allowed."""

    least: float | None = Field(None, ge=0)
    most: float | None = Field(None, ge=0)
    allow_unknown: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("give least, most or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least is above most")
        return self


def effect(rule: Rule, scene: Scene) -> Forbid:
    options = PriceRange.model_validate(rule.options)
    bounds = [pl.col("price").is_not_null()]
    if options.least is not None:
        bounds.append(pl.col("price") >= options.least)
    if options.most is not None:
        bounds.append(pl.col("price") <= options.most)
    passes = pl.all_horizontal(bounds)
    if options.allow_unknown:
        passes = passes | pl.col("price").is_null()
    return Forbid(scene.chosen(rule) & ~scene.where(passes))


KIND = Kind(
    Sentence("only products of these prices are shown", "只展示指定价格范围内的商品"), effect, PriceRange
)
