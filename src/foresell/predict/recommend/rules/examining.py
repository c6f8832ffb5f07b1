"""What rules would touch in an assortment, and what about them looks like a mistake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.rules import load_kind
from foresell.predict.recommend.rules.effects import (
    Adjust,
    Cap,
    Effect,
    Forbid,
    ForbidBought,
    ForbidShown,
    ForbidYounger,
    Pin,
    Weigh,
)
from foresell.predict.recommend.rules.kind import Sentence
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene


@dataclass(frozen=True, slots=True)
class RuleTouch:
    """A rule, how many products it touches whenever it holds, and warnings.

    Touched by a rule that forbids are those that it forbids (to some customer); by a cap those in its groups.
    """

    name: str
    kind: str
    num_products: int
    warnings: tuple[Sentence, ...]

    def as_record(self, language: str = "en") -> dict[str, object]:
        return {
            "name": self.name,
            "kind": self.kind,
            "num_products": self.num_products,
            "warnings": [warning.in_language(language) for warning in self.warnings],
        }


def examine(rules: Iterable[Rule], assortment: Assortment, at: datetime) -> tuple[RuleTouch, ...]:
    """Each rule in the order given, as if it held at the moment (with a time zone)."""
    scene = Scene(assortment, at.astimezone(UTC))
    return tuple(_touch(rule, scene) for rule in rules)


def _touch(rule: Rule, scene: Scene) -> RuleTouch:
    effect = load_kind(rule.kind).effect(rule, scene)
    count = _count(effect, scene.assortment.size)
    return RuleTouch(rule.name, rule.kind, count, tuple(_warnings(rule, effect, count, scene)))


def _count(effect: Effect, size: int) -> int:
    match effect:
        case Forbid() | Adjust():
            return int(np.count_nonzero(effect.where_P))
        case ForbidBought() | ForbidShown():
            return size if effect.where_P is None else int(np.count_nonzero(effect.where_P))
        case ForbidYounger():
            return int(np.count_nonzero(effect.limit_P))
        case Weigh():
            return int(np.count_nonzero(effect.factor_P != 1))
        case Cap():
            return int(np.count_nonzero(effect.group_P >= 0))
        case Pin():
            return int(effect.position >= 0)


def _warnings(rule: Rule, effect: Effect, count: int, scene: Scene) -> list[Sentence]:
    size = scene.assortment.size
    warnings = []
    if rule.selection is not None and not scene.chosen(rule).any():
        warnings.append(Sentence("Its selection matches no product.", "所选条件没有匹配到任何商品。"))
    if unknown := _unknown_ids(rule, effect, scene):
        english, chinese = _sample(unknown, ", "), _sample(unknown, "、")
        warnings.append(Sentence(f"Not sold here: {english}.", f"本店没有这些商品：{chinese}。"))
    if isinstance(effect, Forbid) and size and count == size:
        warnings.append(Sentence("It forbids every product.", "该规则禁止了所有商品。"))
    if isinstance(effect, ForbidYounger) and not count:
        warnings.append(Sentence("No product has an age limit by it.", "没有商品因此受到年龄限制。"))
    _, ends_at = rule.span()
    if ends_at is not None and ends_at <= scene.at:
        warnings.append(Sentence("It is over.", "该规则已过期。"))
    return warnings


def _unknown_ids(rule: Rule, effect: Effect, scene: Scene) -> list[str]:
    """Products that the rule names by id and that are not on sale."""
    named = list(rule.selection.product_ids or ()) if rule.selection else []
    if isinstance(effect, Pin) and effect.position < 0:
        named.append(str(rule.options.model_dump()["product_id"]))
    positions = scene.assortment.position_of(named)
    return [name for name, position in zip(named, positions, strict=True) if position < 0]


def _sample(names: list[str], joined_by: str) -> str:
    shown = joined_by.join(names[:5])
    return shown if len(names) <= 5 else f"{shown} … ({len(names)})"
