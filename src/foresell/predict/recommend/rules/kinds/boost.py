"""What the selection matches stands higher."""

from pydantic import Field

from foresell.predict.recommend.rules.effects import Adjust
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class Boost(Options):
    factor: float = Field(gt=1, le=1_000)


def effect(rule: Rule, scene: Scene) -> Adjust:
    return Adjust(scene.chosen(rule), Boost.model_validate(rule.options).factor)


KIND = Kind(
    Sentence("what is selected stands higher", "提升选中商品的排名"), effect, Boost, selection="required"
)
