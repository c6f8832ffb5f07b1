"""What may be shown to one customer on one surface now, and the last look at what was chosen."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from foresell.contracts.errors import BackendError, InputError
from foresell.predict.recommend.rules.effects import Cap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from foresell.predict.recommend.rules.effects import Ints, Mask

# Of products that a cap does not count.
NO_GROUP = -1


def _no_positions() -> "Ints":
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class CustomerFacts:
    """What rules ask of a customer. Positions are the assortment's; −1 (not sold here) is passed over.

    `age` in years; None: unknown, which counts as too young for every limit. `bought`: positions, in any
    order, repeats allowed. `shown`: position → times shown in the last `Compiled.shown_days` days.
    """

    customer_id: str | None = None
    age: int | None = None
    bought: "Ints" = field(default_factory=_no_positions)
    shown: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Constraints:
    """What rules say of each of the P products, for one customer. Its arrays are shared: never write to them.

    `shared_P`: forbidden for everybody of this customer's age; `extra`: positions forbidden to this customer
    on top, ascending, each once. `factor_P` ≥ 0 multiplies a score in (0, 1]; a product of factor 0 stands
    last, and is not forbidden. `pins`: (place from 1, position), by place; each may be shown, and all of
    them together keep the caps.
    """

    shared_P: "Mask"
    extra: "Ints"
    factor_P: "NDArray[np.float32]"
    pins: tuple[tuple[int, int], ...]
    caps: tuple[Cap, ...]
    reasons: Callable[[int], tuple[str, ...]]

    @property
    def size(self) -> int:
        return len(self.shared_P)

    @cached_property
    def forbidden_P(self) -> "Mask":  # noqa: N802
        """`shared_P` itself where there is nothing extra, else a copy with it."""
        if not len(self.extra):
            return self.shared_P
        forbidden = self.shared_P.copy()
        forbidden[self.extra] = True
        return forbidden

    @cached_property
    def allowed_P(self) -> "Mask":  # noqa: N802
        return ~self.forbidden_P

    def is_forbidden(self, position: int) -> bool:
        """Without making a mask. InputError for a position that the assortment has not."""
        self._require(position)
        place = int(np.searchsorted(self.extra, position))
        is_extra = place < len(self.extra) and int(self.extra[place]) == position
        return is_extra or bool(self.shared_P[position])

    def why(self, position: int) -> tuple[str, ...]:
        """The names of the rules that forbid the product, sorted; none: it may be shown."""
        self._require(position)
        return self.reasons(position)

    def may_follow(self, candidates: "Ints", before: "Ints") -> "Callable[[Ints], Mask]":
        """What the caps say of N candidates (positions) in a list that holds `before` (positions) already: a
        function of those chosen so far (places among the candidates) → (N,) which may come next."""
        groups = [cap.group_P[candidates] for cap in self.caps]
        used = [_counts(cap.group_P[before], 0) for cap in self.caps]

        def allowed(chosen: "Ints") -> "Mask":
            may = np.ones(len(candidates), dtype=np.bool_)
            for cap, group, held in zip(self.caps, groups, used, strict=True):
                counts = _counts(group[chosen], max(len(held), int(group.max(initial=0)) + 1))
                counts[: len(held)] += held
                may &= (group < 0) | (counts[np.maximum(group, 0)] < cap.most)
            return may

        return allowed

    def first_within(self, candidates: "Ints", before: "Ints", most: int) -> "Ints":
        """Places among N candidates (positions, best first) of the first `most` that the caps let through in
        a list that holds `before` already: as `may_follow` asked again for each."""
        if not self.caps:
            return np.arange(min(most, len(candidates)))
        groups = zip(*(cap.group_P[candidates].tolist() for cap in self.caps), strict=True)
        left = [_left(cap, cap.group_P[before]) for cap in self.caps]
        chosen: list[int] = []
        for place, own in enumerate(groups):
            if len(chosen) >= most:
                break
            if all(free[group] > 0 for free, group in zip(left, own, strict=True)):
                chosen.append(place)
                for free, group in zip(left, own, strict=True):
                    free[group] -= 1
        return np.array(chosen, dtype=np.int64)

    def _require(self, position: int) -> None:
        if not 0 <= position < self.size:
            raise InputError("There is no such product in the assortment", received=position)


def _counts(groups: "Ints", at_least: int) -> "Ints":
    """How many are in each group; −1 is none."""
    return np.bincount(groups[groups >= 0], minlength=at_least)


def _left(cap: Cap, held: "Ints") -> dict[int, float]:
    """How many more of each group may come."""
    left: dict[int, float] = defaultdict(lambda: cap.most)
    left[NO_GROUP] = math.inf
    for group in held.tolist():
        left[group] -= 1
    return left


def verify(constraints: Constraints, chosen: "Ints") -> None:
    """The last look before anything is shown: BackendError for a product that is unknown, repeated,
    forbidden, or beyond a cap. `chosen`: positions, in any order."""
    positions = np.asarray(chosen, dtype=np.int64)
    if not len(positions):
        return
    if positions.min() < 0 or positions.max() >= constraints.size:
        raise _broken("a product that is not sold here")
    if len(set(positions.tolist())) != len(positions):
        raise _broken("a product twice")
    is_forbidden = constraints.shared_P[positions]
    if len(extra := constraints.extra):
        places = np.minimum(extra.searchsorted(positions), len(extra) - 1)
        is_forbidden = is_forbidden | (extra[places] == positions)
    if is_forbidden.any():
        first = int(positions[is_forbidden][0])
        raise _broken(f"the product at position {first}, forbidden by {', '.join(constraints.why(first))}")
    for cap in constraints.caps:
        counts = Counter(cap.group_P[positions].tolist())
        del counts[NO_GROUP]
        if max(counts.values(), default=0) > cap.most:
            raise _broken(f"more products than '{cap.name}' allows")


def _broken(what: str) -> BackendError:
    return BackendError(
        f"A recommendation was held back: it had {what}",
        do="This is a defect of Foresell; the rules were kept. Report it.",
    )
