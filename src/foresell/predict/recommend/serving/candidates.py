"""The few products of an answer's choice: found, and ordered by opinion, weight and popularity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.opinions import Flags, Opinions, is_among
from foresell.predict.recommend.rank import Ints
from foresell.predict.recommend.rules.constraints import Constraints
from foresell.predict.recommend.serving.ground import Ground
from foresell.predict.recommend.serving.request import Request

Doubles = NDArray[np.float64]
# What a popular product counts where nobody has an opinion: about nothing.
FILL = 1e-6
# What a product of factor 0 counts: it stands last, and is still there.
LEAST_VALUE = 1e-30
# Where a request asks for so few products, all of them are looked at.
FEW = 4_096
BY_OPINION, BY_POPULARITY, LAST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Asked:
    """A request (the row of `opinions`) and what may be shown to it. `barred`: positions not to show beside
    what `ground` forbids, ascending; `among`: of these only, ascending; None: of all. `is_filled`: popular
    products may fill up."""

    row: int
    request: Request
    rules: Constraints
    ground: Ground
    barred: Ints
    among: Ints | None
    opinions: Opinions
    is_filled: bool

    def may_show(self, positions: Ints) -> Flags:
        may = self.ground.allowed_P[positions] & ~is_among(positions, self.barred)
        if self.among is not None:
            may &= is_among(positions, self.among) if len(self.among) else False
        if not self.is_filled:
            may &= self.opinions.logs_at(self.row, positions) > -np.inf
        return may


@dataclass(frozen=True, eq=False)
class Ranked:
    """Products, best first, equal ones by position. `values` above 0: opinions as shares of the highest,
    weighed by the rules; below them what is popular. `tiers`: what each stands by."""

    positions: Ints
    values: Doubles
    tiers: Ints

    def without(self, positions: Ints) -> "Ranked":
        kept = ~np.isin(self.positions, positions)
        return Ranked(self.positions[kept], self.values[kept], self.tiers[kept])

    def first(self, number: int) -> "Ranked":
        return Ranked(self.positions[:number], self.values[:number], self.tiers[:number])

    def values_of(self, positions: Ints) -> Doubles:
        order = np.argsort(self.positions)
        places = order[np.searchsorted(self.positions, positions, sorter=order)]
        return np.asarray(self.values[places])


def best(opinions: Opinions, asked: Sequence[Asked], number: int) -> list[Ranked]:
    """For each request its `number` best products (fewer where fewer may be shown), and its pins that may
    stand, wherever they come."""
    found: list[Ints] = [np.empty(0, np.int64)] * len(asked)
    groups: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(asked):
        if one.among is not None and (len(one.among) <= FEW or not one.is_filled):
            found[place] = one.among[one.may_show(one.among)]
        else:
            groups.setdefault((id(one.ground), id(one.among)), []).append(place)
    for places in groups.values():
        first = asked[places[0]]
        allowed = first.ground.searched
        if first.among is not None:
            allowed = first.ground.searched_among(first.among)
        rows, barred = [asked[place].row for place in places], [asked[place].barred for place in places]
        for place, some in zip(places, opinions.best(rows, number, allowed, barred), strict=True):
            found[place] = _filled(asked[place], some, number)
    return [_ranked(one, some) for one, some in zip(asked, found, strict=True)]


def everything(asked: Asked) -> Ranked:
    """All that may be shown, in order."""
    positions = np.flatnonzero(asked.ground.allowed_P)
    return _ranked(asked, positions[asked.may_show(positions)])


def _filled(asked: Asked, found: Ints, number: int) -> Ints:
    """With popular products where the ones found are too few."""
    if len(found) >= number:
        return found
    if asked.among is not None:
        return np.union1d(found, asked.among[asked.may_show(asked.among)])
    barred = np.concatenate([asked.barred, found])
    return np.concatenate([found, asked.ground.fill(number - len(found), barred)])


def _ranked(asked: Asked, positions: Ints) -> Ranked:
    if asked.rules.pins:
        pins = np.array([position for _, position in asked.rules.pins], dtype=np.int64)
        pins = pins[~np.isin(pins, positions)]
        positions = np.concatenate([positions, pins[asked.may_show(pins)]])
    logs = asked.opinions.logs_at(asked.row, positions)
    is_last, keys = asked.ground.fill_keys(positions)
    tiers = np.where(is_last, LAST, np.where(logs > -np.inf, BY_OPINION, BY_POPULARITY))
    by_opinion = tiers == BY_OPINION
    weighed = asked.ground.searched.weighed(logs, positions)
    highest = float(weighed[by_opinion].max(initial=-np.inf))
    values = _values(tiers, keys, FILL if by_opinion.any() else 1.0)
    values[by_opinion] = np.maximum(np.exp(weighed[by_opinion] - highest), LEAST_VALUE)
    order = np.lexsort((positions, -np.where(by_opinion, weighed, keys), tiers))
    return Ranked(positions[order], values[order], tiers[order])


def _values(tiers: Ints, keys: Doubles, fill: float) -> Doubles:
    by_popularity = tiers == BY_POPULARITY
    largest = max(1.0, float(keys[by_popularity].max(initial=0.0)))
    return np.where(by_popularity, np.maximum(fill * keys / largest, LEAST_VALUE), LEAST_VALUE * (1 + keys))
