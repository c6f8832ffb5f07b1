"""A world obeys its own laws: money adds up, stock is never negative, the same seed lives the same days."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from foresell.simulator import world as worlds
from foresell.simulator.eventlog import NAME
from foresell.simulator.policies import Policies
from foresell.simulator.settings import WorldSettings
from foresell.simulator.world import Outcome, World

DAYS = 40


@cache
def lived(seed: int = 7, customers: int = 1500) -> tuple[World, tuple[Outcome, ...]]:
    given = {"shop": {"customers": customers, "days": DAYS}, "catalog": {"products": 200}}
    world = World(WorldSettings.model_validate(given), seed)
    return world, tuple(world.step(Policies()) for _ in range(DAYS))


def test_the_same_seed_lives_the_same_days_however_people_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = lived()
    monkeypatch.setattr(worlds, "PEOPLE_PER_SHARD", 400)
    lived.cache_clear()
    _, cut = lived()
    assert len(cut[0].shards) == 4
    for one, other in zip(whole, cut, strict=True):
        assert one.ledger.as_record() == pytest.approx(other.ledger.as_record(), abs=1e-3)
        assert np.array_equal(one.on_hand, other.on_hand)
        bought = [
            sorted(
                (int(part.person[s]), int(p), int(q))
                for part in outcome.shards
                for s, p, q in zip(part.lines.session, part.lines.product, part.lines.quantity, strict=True)
            )
            for outcome in (one, other)
        ]
        assert bought[0] == bought[1]


def test_another_seed_lives_other_days() -> None:
    assert lived()[1][0].ledger != lived(8)[1][0].ledger


def test_stock_is_what_came_in_less_what_was_sold() -> None:
    world, days = lived()
    for before, after in pairwise(days):
        sold = np.zeros(len(world.catalog), dtype=np.int64)
        for part in after.shards:
            np.add.at(sold, part.lines.product, part.lines.quantity)
        came = np.zeros(len(world.catalog), dtype=np.int64)
        for delivery in after.deliveries:
            np.add.at(came, delivery.product, delivery.quantity)
        assert np.array_equal(after.on_hand, before.on_hand + came - sold)
        assert after.on_hand.min() >= 0


def test_the_money_adds_up() -> None:
    world, days = lived()
    for outcome in days:
        ledger = outcome.ledger
        gross = sum(float((part.lines.quantity * part.lines.price).sum()) for part in outcome.shards)
        cost = sum(
            float((part.lines.quantity * world.catalog.cost[part.lines.product]).sum())
            for part in outcome.shards
        )
        assert ledger.gross_sales == pytest.approx(gross)
        assert ledger.gross_margin == pytest.approx(gross - ledger.discount - cost)


def test_nobody_buys_what_was_not_in_the_cart_or_before_the_checkout() -> None:
    _, days = lived()
    order = [NAME[name] for name in ("begin_checkout", "add_payment_info", "purchase")]
    for part in (part for outcome in days for part in outcome.shards):
        events = part.events
        carted = events["name"] == NAME["add_to_cart"]
        in_cart = set(
            zip(events["session"][carted].tolist(), events["product"][carted].tolist(), strict=True)
        )
        bought = set(zip(part.lines.session.tolist(), part.lines.product.tolist(), strict=True))
        assert bought <= in_cart
        for session in np.unique(part.lines.session):
            names = events["name"][events["session"] == session].tolist()
            assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)


def test_those_who_left_never_come_back() -> None:
    world, days = lived()
    left = np.concatenate([shard.left_on for shard in world.shards])
    for outcome in days:
        for part in outcome.shards:
            assert (left[part.person] > outcome.day.number).all()
