"""A product is shown to a customer at most so many times in so many days."""

from pydantic import Field

from foresell.predict.recommend.rules.effects import ForbidShown
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule
from foresell.predict.recommend.rules.scene import Scene


class FrequencyCap(Options):
    most: int = Field(ge=1)
    days: int = Field(ge=1, le=3_650)


def effect(rule: Rule, scene: Scene) -> ForbidShown:
    options = FrequencyCap.model_validate(rule.options)
    return ForbidShown(scene.chosen_or_all(rule), options.most, options.days)


KIND = Kind(
    Sentence("shown to a customer at most so often in so many days", "限制若干天内向同一顾客展示的次数"),
    effect,
    FrequencyCap,
)
