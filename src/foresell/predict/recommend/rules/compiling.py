"""Rules made ready: once per rule set, assortment, surface and time; then, in microseconds, per customer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.interactions import HIDDEN_STATUSES
from foresell.predict.recommend.rules import load_kind
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts
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
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.rules.scene import Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foresell.predict.recommend.rules.effects import Factors, Ints, Mask

# The name of what is forbidden without any rule: products that are hidden or discontinued.
HIDDEN = "hidden or discontinued"
# What is new or on offer changes without a rule beginning or ending.
LONGEST_VALID = timedelta(hours=1)
MOST_FACTOR = 1e30

Kept = TypeVar("Kept")
Named = tuple[tuple[str, Kept], ...]


@dataclass(frozen=True, eq=False)
class Compiled:
    """The rules that hold on one surface from a moment until `valid_until` (UTC), applied to an assortment.

    It is never changed, so many threads may share it; compile anew when `valid_until` is reached, or the
    rules or the assortment are others.
    """

    assortment: Assortment
    valid_until: datetime
    forbid: Named[Forbid]
    younger: Named[ForbidYounger]
    bought: Named[ForbidBought]
    shown: Named[ForbidShown]
    factor_P: "NDArray[np.float32]"
    caps: tuple[Cap, ...]
    pins: tuple[Pin, ...]

    @property
    def shown_days(self) -> int | None:
        """How far back `CustomerFacts.shown` counts; None: no rule asks."""
        return self.shown[0][1].days if self.shown else None

    def for_customer(self, facts: CustomerFacts) -> Constraints:
        """What holds for one customer, in O(bought + shown + pins): no array of all products is copied."""
        shared = self._shared(facts.age)
        extra = self._extra(facts)
        extra = extra[~shared[extra]]
        constraints = Constraints(
            shared, extra, self.factor_P, (), self.caps, lambda position: self._why(position, facts)
        )
        if not self.pins:
            return constraints
        pins = self._pins(constraints)
        return Constraints(shared, extra, self.factor_P, pins, self.caps, constraints.reasons)

    def prepare(self) -> None:
        """Make now what the first customer would wait for."""
        _ = self._by_age

    @cached_property
    def _limits(self) -> "tuple[Ints, Ints]":
        """Of each product the least age; the ages at which something changes, ascending."""
        limits = np.zeros(self.assortment.size, dtype=np.int64)
        for _, effect in self.younger:
            np.maximum(limits, effect.limit_P, out=limits)
        return limits, np.unique(limits[limits > 0])

    @cached_property
    def _by_age(self) -> "dict[int, Mask]":
        """Number of limits reached → what is forbidden to all who have reached so many."""
        forbidden = np.zeros(self.assortment.size, dtype=np.bool_)
        for _, effect in self.forbid:
            forbidden |= effect.where_P
        limits, steps = self._limits
        masks = {len(steps): forbidden}
        for reached, step in enumerate(steps):
            masks[reached] = forbidden | (limits >= step)
        for mask in masks.values():
            mask.setflags(write=False)
        return masks

    def _shared(self, age: int | None) -> "Mask":
        if not self.younger:
            return self._by_age[0]
        reached = 0 if age is None else int(np.searchsorted(self._limits[1], age, side="right"))
        return self._by_age[reached]

    def _extra(self, facts: CustomerFacts) -> "Ints":
        parts = [_within(facts.bought, effect.where_P, self.assortment.size) for _, effect in self.bought]
        if self.shown and facts.shown:
            positions = np.fromiter(facts.shown.keys(), dtype=np.int64, count=len(facts.shown))
            times = np.fromiter(facts.shown.values(), dtype=np.int64, count=len(facts.shown))
            parts += [
                _within(positions[times >= effect.most], effect.where_P, self.assortment.size)
                for _, effect in self.shown
            ]
        if not parts:
            return np.empty(0, dtype=np.int64)
        return np.unique(parts[0] if len(parts) == 1 else np.concatenate(parts))

    def _pins(self, constraints: Constraints) -> tuple[tuple[int, int], ...]:
        """Those that can be kept, in the order in which they were compiled: the first come first."""
        places: dict[int, int] = {}
        counts: dict[tuple[int, int], int] = defaultdict(int)
        for pin in self.pins:
            if pin.place in places or pin.position in places.values():
                continue
            if constraints.is_forbidden(pin.position):
                continue
            groups = [(number, int(cap.group_P[pin.position])) for number, cap in enumerate(self.caps)]
            groups = [group for group in groups if group[1] >= 0]
            if any(counts[group] >= self.caps[group[0]].most for group in groups):
                continue
            places[pin.place] = pin.position
            for group in groups:
                counts[group] += 1
        return tuple(sorted(places.items()))

    def _why(self, position: int, facts: CustomerFacts) -> tuple[str, ...]:
        names = [name for name, effect in self.forbid if effect.where_P[position]]
        for name, limit in self.younger:
            least = int(limit.limit_P[position])
            if least > 0 and (facts.age is None or facts.age < least):
                names.append(name)
        has_bought = bool((np.asarray(facts.bought) == position).any())
        names += [name for name, e in self.bought if has_bought and _is_in(position, e.where_P)]
        times = facts.shown.get(position, 0)
        names += [name for name, e in self.shown if times >= e.most and _is_in(position, e.where_P)]
        return tuple(sorted(set(names)))


def compile_rules(rules: Iterable[Rule], assortment: Assortment, surface: str, at: datetime) -> Compiled:
    """The rules that hold on a surface at a moment, whatever their order.

    Raises InputError for a moment without a time zone, for two rules of one name, and for frequency caps of
    different `days` on one surface.
    """
    if at.tzinfo is None:
        raise InputError("The moment has no time zone", received=at, do="Give a time in UTC.")
    # One order, so that sums and products of floats do not depend on how the rules were written down.
    ordered = sorted(rules, key=lambda rule: rule.name)
    require_names_once(ordered)
    scene = Scene(assortment, at.astimezone(UTC))
    holding = [rule for rule in ordered if rule.holds(surface, scene.at)]
    effects = [(rule, load_kind(rule.kind).effect(rule, scene)) for rule in holding]
    hidden = Forbid(scene.where(pl.col("status").is_in(HIDDEN_STATUSES)))
    shown = _of(effects, ForbidShown)
    require_one_window(effect.days for _, effect in shown)
    compiled = Compiled(
        assortment=assortment,
        valid_until=_valid_until(ordered, scene.at),
        forbid=((HIDDEN, hidden), *_of(effects, Forbid)),
        younger=_of(effects, ForbidYounger),
        bought=_of(effects, ForbidBought),
        shown=shown,
        factor_P=_factors(effects, assortment.size),
        caps=tuple(effect for _, effect in _of(effects, Cap)),
        pins=_pins(effects),
    )
    compiled.prepare()
    return compiled


def constraints(
    rules: Iterable[Rule], assortment: Assortment, *, surface: str, at: datetime, customer: CustomerFacts
) -> Constraints:
    """Both steps at once, for who asks once."""
    return compile_rules(rules, assortment, surface, at).for_customer(customer)


def require_names_once(ordered: Sequence[Rule]) -> None:
    """InputError for two rules of one name, or of the name of what needs no rule."""
    names = [rule.name for rule in ordered]
    for name in names:
        if names.count(name) > 1 or name == HIDDEN:
            raise InputError(
                f"The name '{name}' is taken", do="Give every rule a name of its own: answers refer to it."
            )


def require_one_window(days: Iterable[int]) -> None:
    """InputError for frequency caps that would count different spans of days."""
    spans = sorted(set(days))
    if len(spans) > 1:
        raise InputError(
            "Frequency caps count different numbers of days",
            received=", ".join(map(str, spans)),
            do="Give all of them the same `days`.",
        )


def _of(effects: Sequence[tuple[Rule, Effect]], kind: type[Kept]) -> Named[Kept]:
    return tuple((rule.name, effect) for rule, effect in effects if isinstance(effect, kind))


def _factors(effects: Sequence[tuple[Rule, Effect]], size: int) -> "NDArray[np.float32]":
    factors = np.ones(size)
    for _, effect in effects:
        if isinstance(effect, Weigh):
            factors *= effect.factor_P
    factors *= _adjusted(effects, size)
    # More could not be told from infinity once it is multiplied.
    result = np.minimum(factors, MOST_FACTOR).astype(np.float32)
    result.setflags(write=False)
    return result


def _adjusted(effects: Sequence[tuple[Rule, Effect]], size: int) -> "Factors":
    """The product of the boosts and buries of each product's highest priority."""
    factors = np.ones(size)
    adjusting = [(rule.priority, effect) for rule, effect in effects if isinstance(effect, Adjust)]
    for priority in sorted({priority for priority, _ in adjusting}):
        same = [effect for number, effect in adjusting if number == priority]
        touched = np.zeros(size, dtype=np.bool_)
        for effect in same:
            touched |= effect.where_P
        factors[touched] = 1.0
        for effect in same:
            factors[effect.where_P] *= effect.factor
    return factors


def _pins(effects: Sequence[tuple[Rule, Effect]]) -> tuple[Pin, ...]:
    """Of products on sale, in the order in which they claim their places."""
    pins = [(rule, effect) for rule, effect in effects if isinstance(effect, Pin) and effect.position >= 0]
    pins.sort(key=lambda found: (-found[0].priority, found[1].place, found[0].name))
    return tuple(effect for _, effect in pins)


def _valid_until(rules: Sequence[Rule], at: datetime) -> datetime:
    later = [moment for rule in rules for moment in rule.changes() if moment > at]
    return min([at + LONGEST_VALID, *later])


def _within(positions: "Ints", where: "Mask | None", size: int) -> "Ints":
    known = np.asarray(positions, dtype=np.int64)
    known = known[(known >= 0) & (known < size)]
    return known if where is None else known[where[known]]


def _is_in(position: int, where: "Mask | None") -> bool:
    return where is None or bool(where[position])
