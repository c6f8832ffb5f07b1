"""Nothing but what the selection matches is shown."""

from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


def effect(rule: Rule, scene: Scene) -> Forbid:
    """Of several such rules a product must fit every one."""
    return Forbid(~scene.chosen(rule))


KIND = Kind(
    Sentence("nothing but what is selected is shown", "只展示选中的商品"), effect, selection="required"
)
