"""Only products of certain statuses are shown."""

import polars as pl

from foresell.predict.recommend.assortment import plain
from foresell.predict.recommend.rules.effects import Forbid
from foresell.predict.recommend.rules.kind import Kind, Sentence
from foresell.predict.recommend.rules.rule import Options, Rule, Texts
from foresell.predict.recommend.rules.scene import Scene


class Status(Options):
    """The statuses that may be shown; one that is not known may not, unless it is allowed."""

    allowed: Texts
    allow_unknown: bool = False


def effect(rule: Rule, scene: Scene) -> Forbid:
    options = Status.model_validate(rule.options)
    allowed = [plain(text) for text in options.allowed]
    passes = pl.col("status").is_in(allowed).fill_null(value=options.allow_unknown)
    return Forbid(scene.chosen(rule) & scene.where(~passes))


KIND = Kind(Sentence("only products of these statuses are shown", "只展示指定状态的商品"), effect, Status)
