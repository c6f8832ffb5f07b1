"""What a customer has bought is not shown to them again."""

from foresell.predict.recommend.rules.effects import ForbidBought
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


def effect(rule: Rule, scene: Scene) -> ForbidBought:
    return ForbidBought(scene.chosen_or_all(rule))


KIND = Kind(Sentence("what the customer has bought is not shown again", "不再展示顾客已购买的商品"), effect)
