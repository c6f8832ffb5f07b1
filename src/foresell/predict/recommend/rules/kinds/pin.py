"""A product at a place of the list."""

from pydantic import Field

from foresell.predict.recommend.rules.effects import Pin
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule, Text
from foresell.predict.recommend.rules.scene import Scene


class PinOptions(Options):
    """`place` counts from 1."""

    product_id: Text
    place: int = Field(ge=1, le=1_000)


def effect(rule: Rule, scene: Scene) -> Pin:
    options = PinOptions.model_validate(rule.options)
    [position] = scene.assortment.position_of([options.product_id])
    return Pin(options.place, int(position))


KIND = Kind(
    Sentence("a product at a place of the list", "将商品固定在列表的某个位置"),
    effect,
    PinOptions,
    selection="none",
)
