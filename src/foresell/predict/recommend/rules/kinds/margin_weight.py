"""What earns more stands higher."""

import polars as pl
from pydantic import Field

from foresell.predict.recommend.rules.effects import Weigh
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class MarginWeight(Options):
    """0: no difference; 1: scores are multiplied by the margin's share of the price."""

    strength: float = Field(gt=0, le=1)


def effect(rule: Rule, scene: Scene) -> Weigh:
    """1 − strength + strength × margin / price, that share between 0 and 1.

    An unknown margin (or a price of 0) has the median of the known ones: it is neither raised nor lowered.
    """
    strength = MarginWeight.model_validate(rule.options).strength
    rate = pl.when(pl.col("price") > 0).then((pl.col("margin") / pl.col("price")).clip(0, 1))
    known = rate.fill_null(rate.median()).fill_null(1.0)
    factor = (1 - strength + strength * known).alias("_factor")
    return Weigh(scene.assortment.products.with_columns(factor)["_factor"].to_numpy())


KIND = Kind(
    Sentence("what earns more stands higher", "毛利率越高排名越靠前"), effect, MarginWeight, selection="none"
)
