"""The edges of rules, by hand: what is just allowed, and who wins where two want different things."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import BackendError
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.rules.compiling import HIDDEN, compile_rules
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts, verify
from foresell.predict.recommend.rules.reading import rule_from_record

AT = datetime(2026, 3, 10, tzinfo=UTC)
SHOP = Assortment.of(
    pl.DataFrame(
        {
            "product_id": ["a", "b", "c", "d"],
            "parent_product_id": [None, "a", "x", None],
            "brand": ["Acme", "ACME ", None, "Bolt"],
            "price": [1.0, 2.0, None, 4.0],
            "margin": [0.5, 0.2, None, 4.0],
            "on_hand": [1.0, 0.5, None, 0.0],
            "status": ["active", None, "active", "Hidden"],
            "min_age": [18, 16, None, None],
        }
    ).with_columns(pl.col("brand").str.strip_chars(), pl.col("status").str.to_lowercase())
)


def told(*records: dict[str, Any], **customer: Any) -> Constraints:
    rules = [rule_from_record({"name": f"r{n}", **record}, "here") for n, record in enumerate(records)]
    return compile_rules(rules, SHOP, "email", AT).for_customer(CustomerFacts(**customer))


def forbidden(found: Constraints) -> list[str]:
    return SHOP.product_ids.filter(pl.Series(found.forbidden_P)).to_list()


def test_without_rules_only_what_is_hidden_is_forbidden() -> None:
    found = told()
    assert forbidden(found) == ["d"]
    assert found.why(3) == (HIDDEN,)
    assert found.factor_P.tolist() == [1.0] * 4
    assert (found.pins, found.caps) == ((), ())


@pytest.mark.parametrize(
    ("age", "expected"), [(None, "abd"), (15, "abd"), (16, "ad"), (17, "ad"), (18, "d"), (90, "d")]
)
def test_who_has_reached_the_age_may_see_it(age: int | None, expected: str) -> None:
    assert forbidden(told({"kind": "min_age"}, age=age)) == list(expected)


def test_an_age_that_a_rule_gives_takes_the_place_of_the_product_s() -> None:
    assert forbidden(told({"kind": "min_age", "age": 17}, age=17)) == ["d"]
    assert forbidden(told({"kind": "min_age", "age": 17}, {"kind": "min_age"}, age=17)) == ["a", "d"]


def test_the_edges_of_numbers_are_inside() -> None:
    assert forbidden(told({"kind": "price_range", "least": 2, "most": 4})) == ["a", "c", "d"]
    assert forbidden(told({"kind": "price_range", "least": 1, "most": 2, "allow_unknown": True})) == ["d"]
    assert forbidden(told({"kind": "in_stock"})) == ["b", "c", "d"]
    assert forbidden(told({"kind": "in_stock", "least": 0.5, "allow_unknown": True})) == ["d"]
    assert forbidden(told({"kind": "status", "allowed": "Active"})) == ["b", "d"]


def test_shown_as_often_as_allowed_is_enough() -> None:
    cap = {"kind": "frequency_cap", "most": 3, "days": 7}
    found = told(cap, shown={0: 3, 1: 2, 2: 4, -1: 9})
    assert forbidden(found) == ["a", "c", "d"]
    assert (found.why(0), found.why(1)) == (("r0",), ())
    compiled = compile_rules([rule_from_record({"name": "x", **cap}, "here")], SHOP, "email", AT)
    assert compiled.shown_days == 7


def test_what_was_bought_and_is_not_sold_here_is_passed_over() -> None:
    bought = np.array([1, -1, 1, 99])
    assert forbidden(told({"kind": "already_bought"}, bought=bought)) == ["b", "d"]
    assert forbidden(told({"kind": "already_bought", "brand": "Bolt"}, bought=bought)) == ["d"]


def test_nothing_large_is_copied_for_a_customer() -> None:
    rules = [rule_from_record({"name": "x", "kind": "already_bought"}, "here")]
    compiled = compile_rules(rules, SHOP, "email", AT)
    one = compiled.for_customer(CustomerFacts())
    other = compiled.for_customer(CustomerFacts(bought=np.array([0])))
    assert one.shared_P is other.shared_P
    assert one.forbidden_P is one.shared_P
    assert one.factor_P is other.factor_P
    assert (one.is_forbidden(0), other.is_forbidden(0)) == (False, True)
    with pytest.raises(ValueError, match="read-only"):
        one.forbidden_P[0] = True


def test_the_highest_priority_boosts_and_equal_ones_multiply() -> None:
    twice = {"kind": "boost", "brand": "acme", "factor": 2}
    found = told(twice, {"kind": "bury", "product_ids": ["a"], "factor": 0.25, "priority": 1}, twice)
    assert found.factor_P.tolist() == [0.25, 4.0, 1.0, 1.0]


def test_margins_weigh_by_their_share_and_unknown_ones_by_the_median() -> None:
    found = told({"kind": "margin_weight", "strength": 0.5})
    assert found.factor_P.tolist() == pytest.approx([0.75, 0.55, 0.75, 1.0])


def pin(product: str, place: int, priority: int = 0) -> dict[str, Any]:
    return {"kind": "pin", "product_id": product, "place": place, "priority": priority}


def test_who_wins_a_place() -> None:
    assert told(pin("a", 1), pin("b", 1)).pins == ((1, 0),), "the name that comes first"
    assert told(pin("a", 1), pin("b", 1, 1)).pins == ((1, 1),), "the higher priority"
    assert told(pin("a", 2), pin("a", 1)).pins == ((1, 0),), "the lower place"
    assert told(pin("d", 1, 9), pin("unknown", 2), pin("c", 3)).pins == ((3, 2),), "forbidding wins"
    only_one = {"kind": "cap", "by": "brand", "most": 1}
    assert told(pin("b", 1), pin("a", 2), pin("c", 3), only_one).pins == ((1, 1), (3, 2)), "caps win"
    assert told(
        pin("b", 1), pin("a", 2), {"kind": "already_bought"}, only_one, bought=np.array([1])
    ).pins == ((2, 0),), "what the customer may not see takes no room"


def test_a_parent_is_one_of_its_variants() -> None:
    found = told({"kind": "collapse_variants"})
    verify(found, np.array([0, 2]))
    with pytest.raises(BackendError, match="'r0' allows"):
        verify(found, np.array([0, 1]))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ([0, 0], "twice"),
        ([-1], "not sold here"),
        ([4], "not sold here"),
        ([3], "forbidden by hidden or discontinued"),
        ([2], "forbidden by r0"),
        ([0, 1], "'r1' allows"),
    ],
)
def test_the_last_look_catches_each_fault(chosen: list[int], said: str) -> None:
    found = told({"kind": "already_bought"}, {"kind": "cap", "by": "brand", "most": 1}, bought=np.array([2]))
    verify(found, np.array([0]))
    verify(found, np.array([], dtype=np.int64))
    with pytest.raises(BackendError, match=said):
        verify(found, np.array(chosen))


def test_a_cap_without_a_column_counts_all_that_is_selected() -> None:
    found = told({"kind": "cap", "most": 1, "brand": ["acme", "bolt"]})
    assert (found.caps[0].group_P >= 0).tolist() == [True, True, False, True]
    with pytest.raises(BackendError, match="more products"):
        verify(found, np.array([0, 1]))
