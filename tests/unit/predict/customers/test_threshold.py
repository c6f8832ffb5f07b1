import json

import numpy as np
import polars as pl
import pytest

from foresell.evaluation.money import Costs
from foresell.predict.customers.threshold import Threshold, choose_threshold

COSTS = Costs(false_positive=1.0, false_negative=4.0)


def drawn(number: int = 2_000) -> tuple[np.ndarray, np.ndarray, pl.Series]:
    random = np.random.default_rng(0)
    chance = random.random(number)
    return (random.random(number) < chance).astype(float), chance, pl.Series(np.arange(number))


def test_true_chances_are_acted_on_from_where_the_costs_break_even() -> None:
    labels, chance, entities = drawn()
    found = choose_threshold(labels, chance, entities, COSTS)
    assert found.value == found.by_costs == 0.2
    assert found.by_money.lower <= 0.2 <= found.by_money.upper
    assert found.earns.lower > 0
    assert found.over_everybody.lower > 0
    assert found.share == pytest.approx(0.8, abs=0.03)


def test_untrue_chances_are_acted_on_from_where_most_was_earned() -> None:
    labels, chance, entities = drawn()
    found = choose_threshold(labels, chance / 4, entities, COSTS)
    assert found.value == found.by_money.value == pytest.approx(0.05, abs=0.02)


def test_where_acting_never_pays_nobody_is_chosen() -> None:
    labels, chance, entities = drawn()
    found = choose_threshold(labels, chance, entities, Costs(1.0, 4.0, action=9.0))
    assert not found.chosen(chance).any()
    assert found.earns.value == 0.0
    assert found.over_everybody.value > 0


def test_kept_as_a_record_it_is_the_same() -> None:
    labels, chance, entities = drawn(200)
    for costs in (COSTS, Costs(1.0, 4.0, action=9.0)):
        found = choose_threshold(labels, chance, entities, costs)
        assert Threshold.from_record(json.loads(json.dumps(found.to_record()))) == found
