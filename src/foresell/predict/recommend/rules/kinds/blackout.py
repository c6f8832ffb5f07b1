"""For a time, what the selection matches (without one: everything) is not shown."""

from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


def effect(rule: Rule, scene: Scene) -> Forbid:
    return Forbid(scene.chosen(rule))


KIND = Kind(
    Sentence("for a time, what is selected is not shown", "在指定时间内不展示选中的商品"),
    effect,
    needs_time=True,
)
