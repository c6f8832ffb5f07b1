"""What the selection matches is never shown."""

from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


def effect(rule: Rule, scene: Scene) -> Forbid:
    return Forbid(scene.chosen(rule))


KIND = Kind(Sentence("what is selected is never shown", "选中的商品一律不展示"), effect, selection="required")
