"""How visits begin and end: at once, after some pages, or with a list of what is always bought."""

from functools import cache

import numpy as np
import pytest

from foresell.simulator.checkout import BOUGHT, NEVER
from foresell.simulator.draws import Draws
from foresell.simulator.eventlog import NAME
from foresell.simulator.people import make_people
from foresell.simulator.policies import Policies
from foresell.simulator.rebuy import shopping_lists
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import ShardDay
from foresell.simulator.world import World


@cache
def lived(**journeys: float) -> tuple[ShardDay, ...]:
    given = {"shop": {"customers": 1500, "days": 20}, "catalog": {"products": 200}, "journeys": journeys}
    world = World(WorldSettings.model_validate(given), 3)
    return tuple(part for _ in range(20) for part in world.step(Policies()).shards)


def total(days: tuple[ShardDay, ...], name: str) -> int:
    return sum(int((part.events["name"] == NAME[name]).sum()) for part in days)


def test_a_visit_that_ends_at_once_leaves_one_event_and_no_trace() -> None:
    days = lived()
    bounced = 0
    for part in days:
        length = np.bincount(part.events["session"], minlength=len(part.person))
        assert length.min() >= 1
        alone = length == 1
        assert (part.shown[alone] == -1).all()
        assert not part.clicked[alone].any()
        assert (part.known_from[alone] == NEVER).all()
        assert (part.reason[alone] == -1).all()
        bounced += int(alone.sum())
    assert bounced / total(days, "page_view") == pytest.approx(0.41, abs=0.05)


def test_without_bounces_every_visit_sees_a_list() -> None:
    days = lived(bounce_rate=0.0, more_pages_rate=0.0)
    assert total(days, "view_item_list") == total(days, "page_view")


def test_pages_follow_their_rate_up_to_the_most() -> None:
    for rate, mean in ((0.5, 2.0), (0.75, 4.0)):
        days = lived(bounce_rate=0.0, more_pages_rate=rate, interest_spread=0.0)
        pages = total(days, "view_item_list") / total(days, "page_view")
        assert pages == pytest.approx(mean, rel=0.05)
    endless = lived(bounce_rate=0.0, more_pages_rate=1.0, most_pages=5)
    assert total(endless, "view_item_list") == 5 * total(endless, "page_view")


def test_interest_that_differs_makes_some_visits_long() -> None:
    def longest(days: tuple[ShardDay, ...]) -> int:
        lists = [part.events["session"][part.events["name"] == NAME["view_item_list"]] for part in days]
        return max(int(np.bincount(sessions).max()) for sessions in lists)

    assert longest(lived(interest_spread=2.0)) > 1.5 * longest(lived(interest_spread=0.0))


def test_nobody_buys_again_without_habits() -> None:
    given = {"shop": {"customers": 500}, "people": {"habit_rate": 0.25}}
    people = make_people(WorldSettings.model_validate(given), Draws(5), np.arange(500))
    assert (people.restock_rate > 0).mean() == pytest.approx(0.25, abs=0.06)


def test_a_shopping_list_is_its_owners_alone() -> None:
    """The same whoever else comes that day, each product once, and drawn from habits that stay."""
    settings = WorldSettings.model_validate({"shop": {"customers": 60}, "catalog": {"products": 300}})
    world = World(settings, 11)
    ids, taste = np.arange(60), world.shards[0].people.taste
    given = (settings.journeys, world.draws, world.catalog)

    def one_list(visitors: np.ndarray, which: int, day: int) -> list[tuple[int, int]]:
        at, product, slot = shopping_lists(*given, ids[visitors], taste[visitors], day)
        mine = visitors[at] == which
        return sorted(zip(product[mine].tolist(), slot[mine].tolist(), strict=True))

    for which in range(0, 60, 7):
        together = one_list(ids, which, 4)
        assert together == one_list(np.array([which]), which, 4)
        assert len({product for product, _ in together}) == len(together) >= 1


def test_carts_of_those_who_came_to_buy_again_are_left_less_often() -> None:
    days = lived(restock_rate=0.3)
    bought = {True: [0, 0], False: [0, 0]}
    for part in days:
        rebuying = set(part.events["session"][part.events["list_id"] == 1000].tolist())
        for session in np.flatnonzero(part.reason >= 0).tolist():
            counted = bought[session in rebuying]
            counted[0] += int(part.reason[session] == BOUGHT)
            counted[1] += 1
    assert bought[True][0] / bought[True][1] > 4 * bought[False][0] / bought[False][1]
