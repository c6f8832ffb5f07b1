"""The people of a world, wherever they live: in this process, or in others (see `processes`).

What a crowd gives is a list, an item a shard, in the same order every time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from foresell.simulator.browse import Shelf
from foresell.simulator.catalog import Catalog
from foresell.simulator.days import Day
from foresell.simulator.draws import Draws, Ints
from foresell.simulator.policies import Visitors
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import Shard, ShardDay

# Rates are added up as whole parts of this, so that the sum does not depend on the order.
RATE_PARTS = 2**24

# Lines asked for: product, quantity, second of the day, person.
Asked = tuple[Ints, Ints, Ints, Ints]


@dataclass(frozen=True)
class Standing:
    """How the persons `ids` of a shard stand with the shop now. `invited`: the coupon campaign of the week is
    aimed at them, in a week that has one."""

    ids: Ints
    invited: np.ndarray
    has_account: np.ndarray
    left_on: Ints


class Crowd(Protocol):
    """A day is `visitors`, `browse`, `settle`, in that order; see `Shard`."""

    @property
    def shards(self) -> Sequence[Shard]:
        """Those that live in this process."""

    def visit_rate(self) -> float:
        """The base rates of all people's visits a day, added up; the same however they are cut."""

    def visitors(self, day: Day) -> list[Visitors]: ...

    def browse(self, day: Day, shelf: Shelf, shown: Sequence[Ints]) -> list[Asked]: ...

    def settle(self, day: Day, shelf: Shelf, filled: Sequence[Ints]) -> list[ShardDay]:
        """`events` is empty where another process has written them already."""

    def standings(self) -> Iterator[Standing]: ...


class LocalCrowd:
    """People in this process; `cuts`: the persons of each shard."""

    def __init__(
        self, settings: WorldSettings, draws: Draws, catalog: Catalog, cuts: Sequence[range]
    ) -> None:
        self.shards = [Shard(settings, draws, catalog, np.arange(cut.start, cut.stop)) for cut in cuts]

    def visit_rate(self) -> float:
        parts = (np.round(shard.people.visits_per_day * RATE_PARTS) for shard in self.shards)
        return sum(int(part.astype(np.int64).sum()) for part in parts) / RATE_PARTS

    def visitors(self, day: Day) -> list[Visitors]:
        return [shard.visitors(day) for shard in self.shards]

    def browse(self, day: Day, shelf: Shelf, shown: Sequence[Ints]) -> list[Asked]:
        return [shard.browse(day, shelf, some) for shard, some in zip(self.shards, shown, strict=True)]

    def settle(self, day: Day, shelf: Shelf, filled: Sequence[Ints]) -> list[ShardDay]:
        return [shard.settle(day, shelf, given) for shard, given in zip(self.shards, filled, strict=True)]

    def standings(self) -> Iterator[Standing]:
        for shard in self.shards:
            yield Standing(shard.people.ids, shard.invited, shard.has_account, shard.left_on)


def cut_people(number: int, size: int) -> list[range]:
    """Persons 0 to `number` − 1, in shards of `size`."""
    return [range(first, min(first + size, number)) for first in range(0, number, size)]
