"""What the selection matches stands lower, but is shown where nothing better is left."""

from pydantic import Field

from foresell.predict.recommend.rules.effects import Adjust
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class Bury(Options):
    """0: below all else."""

    factor: float = Field(ge=0, lt=1)


def effect(rule: Rule, scene: Scene) -> Adjust:
    return Adjust(scene.chosen(rule), Bury.model_validate(rule.options).factor)


KIND = Kind(
    Sentence("what is selected stands lower", "降低选中商品的排名"), effect, Bury, selection="required"
)
