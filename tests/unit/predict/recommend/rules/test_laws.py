"""The laws of rules: whatever the catalog, the rules and the customer, they say what the slow oracle says."""

from collections import Counter
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, product
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import slow_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import BackendError, InputError
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.rules.compiling import HIDDEN, compile_rules
from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts, verify
from foresell.predict.recommend.rules.reading import rule_from_record

AT = datetime(2026, 3, 10, 20, 30, tzinfo=UTC)
ZONE = "Asia/Shanghai"  # where it is 11 March already
IDS = [f"p{n}" for n in range(6)]
texts = st.sampled_from
maybe = st.none


def some_product(identifier: str) -> st.SearchStrategy[dict[str, Any]]:
    prices = st.sampled_from([None, 0.0, 1.0, 2.5, 10.0])
    return st.fixed_dictionaries(
        {
            "product_id": st.just(identifier),
            "parent_product_id": texts([None, "p0", "family"]),
            "category": texts([None, "Tea", "wine"]),
            "department": texts([None, "Food"]),
            "brand": texts([None, "Acme", "ACME", "Bolt"]),
            "price": prices,
            "margin": st.sampled_from([None, -1.0, 0.0, 0.5, 1.0]),
            "status": texts([None, "active", "hidden", "discontinued", "preorder"]),
            "on_hand": st.sampled_from([None, -1.0, 0.0, 1.0, 5.0]),
            "first_seen_at": st.sampled_from([None, AT - timedelta(days=3), AT - timedelta(days=300)]),
            "min_age": st.sampled_from([None, 0, 16, 18]),
            "is_on_offer": st.booleans(),
        }
    ).map(lambda row: {**row, "levels": [row["category"]]})


catalogs = st.lists(st.sampled_from(IDS), unique=True, min_size=3).flatmap(
    lambda ids: st.tuples(*(some_product(identifier) for identifier in ids)).map(list)
)
SELECTING = {
    "product_ids": st.lists(st.sampled_from([*IDS, "unknown"]), min_size=1),
    "parent_product_ids": st.just(["family"]),
    "category": texts(["tea", ["Wine", "Tea"], "Beer"]),
    "brand": texts(["acme", " Bolt"]),
    "department": st.just("FOOD"),
    "status": texts(["active", ["PREORDER"]]),
    "price_below": st.sampled_from([2.5, 5]),
    "price_above": st.sampled_from([0, 1.0]),
    "is_on_offer": st.booleans(),
    "newer_than_days": st.sampled_from([2, 30]),
}
WHEN = {
    "from": st.sampled_from([date(2026, 3, 11), date(2026, 3, 12), AT, AT + timedelta(seconds=1)]),
    "until": st.sampled_from([date(2026, 3, 11), AT, datetime(2026, 3, 11, 4, 31)]),  # noqa: DTZ001
    "dates": st.lists(st.sampled_from([date(2026, 3, 10), date(2026, 3, 11)]), min_size=1),
    "surfaces": st.sampled_from([["email"], ["customer", "email"], ["basket"]]),
}


def some_of(choices: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """None, one or two of the keys: more of them would fit nothing."""
    keys = st.sets(st.sampled_from(sorted(choices)), max_size=2)
    mostly = st.one_of(st.just(set()), st.just(set()), keys)
    return mostly.flatmap(lambda chosen: st.fixed_dictionaries({key: choices[key] for key in sorted(chosen)}))


unknown = {"allow_unknown": st.booleans()}
KINDS: dict[str, Any] = {
    "exclude": {},
    "only": {},
    "blackout": {},
    "in_stock": {"least": st.sampled_from([1, 3.5]), **unknown},
    "status": {"allowed": st.sampled_from(["active", ["Active", "hidden"]]), **unknown},
    "price_range": {"least": st.sampled_from([0, 1, 2]), "most": st.sampled_from([2.5, 20]), **unknown},
    "min_age": {"age": st.sampled_from([17, 21])},
    "already_bought": {},
    "frequency_cap": {"most": st.sampled_from([1, 3]), "days": st.just(7)},
    "boost": {"factor": st.sampled_from([1.5, 3])},
    "bury": {"factor": st.sampled_from([0, 0.1])},
    "margin_weight": {"strength": st.sampled_from([0.3, 1])},
    "cap": {"most": st.integers(1, 2), "by": st.sampled_from(["brand", "category", "price", "is_on_offer"])},
    "collapse_variants": {},
    "pin": {"product_id": st.sampled_from([*IDS, "unknown"]), "place": st.integers(1, 3)},
}
NEEDED = {"status": ["allowed"], "frequency_cap": ["most", "days"], "price_range": ["least", "most"]}
NEEDED |= {"boost": ["factor"], "bury": ["factor"], "margin_weight": ["strength"], "cap": ["most"]}
NEEDED |= {"pin": ["product_id", "place"]}


@st.composite
def rule_records(draw: Any, kinds: tuple[str, ...] = tuple(KINDS)) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(kinds))
        needed = NEEDED.get(kind, [])
        choices = KINDS[kind]
        record = draw(
            st.fixed_dictionaries(
                {key: choices[key] for key in needed},
                optional={key: value for key, value in choices.items() if key not in needed},
            )
        )
        record |= {"kind": kind, "name": f"rule {number}", "priority": draw(st.integers(-1, 1))}
        record |= draw(some_of(WHEN)) or ({"dates": [date(2026, 3, 11)]} if kind == "blackout" else {})
        if kind == "blackout" and not record.keys() & {"dates", "from", "until"}:
            record["dates"] = [date(2026, 3, 11)]
        if kind not in ("margin_weight", "pin"):
            record |= draw(some_of(SELECTING))
        if kind in ("exclude", "only", "boost", "bury") and not record.keys() & set(SELECTING):
            record["brand"] = "acme"
        if not makes_sense(record):
            record.pop("from", None)
        found.append(record)
    return found


def makes_sense(record: dict[str, Any]) -> bool:
    try:
        rule_from_record(record, "here", ZONE)
    except InputError as error:
        assert "ends before" in str(error), error  # noqa: PT017
        return False
    return True


customers = st.fixed_dictionaries(
    {
        "age": st.sampled_from([None, 3, 16, 17, 18, 40]),
        "bought": st.sets(st.sampled_from([*IDS, "unknown"])),
        "shown": st.dictionaries(st.sampled_from(IDS), st.integers(0, 4)),
    }
)


class World:
    """A catalog, rules and a customer, as the code sees them and as the oracle does."""

    def __init__(self, catalog: list[dict[str, Any]], records: list[dict[str, Any]], customer: Any) -> None:
        rows = [{k: v for k, v in row.items() if k != "levels"} for row in catalog]
        frame = pl.DataFrame(rows, schema=self.schema()) if rows else pl.DataFrame(schema=self.schema())
        self.assortment = Assortment.of(frame)
        self.products = sorted(catalog, key=lambda row: row["product_id"])
        self.records, self.customer = records, customer
        self.rules = [rule_from_record(record, "here", ZONE) for record in records]
        self.holding = [r for r in records if oracle.holds(r, "email", AT, ZoneInfo(ZONE))]

    @staticmethod
    def schema() -> dict[str, Any]:
        from foresell.predict.recommend.assortment import PRODUCTS

        left_out = ("labels", "name", "cost", "created_at", "discount_rate")
        return {name: kind for name, kind in PRODUCTS.items() if name not in left_out}

    def facts(self) -> CustomerFacts:
        shown = self.customer["shown"]
        positions = self.assortment.position_of(list(shown))
        return CustomerFacts(
            "ann",
            self.customer["age"],
            self.assortment.position_of(sorted(self.customer["bought"])),
            {int(p): n for p, n in zip(positions, shown.values(), strict=True)},
        )

    def constraints(self, rules: Any = None) -> Constraints:
        compiled = compile_rules(self.rules if rules is None else rules, self.assortment, "email", AT)
        return compiled.for_customer(self.facts())


WEIGHING = ("boost", "bury", "margin_weight")
LIMITING = ("cap", "collapse_variants")
FORBIDDING = tuple(kind for kind in KINDS if kind not in (*WEIGHING, *LIMITING, "pin"))


def worlds_of(*kinds: str) -> st.SearchStrategy[World]:
    """Few kinds at a time, so that rules of them meet."""
    return st.builds(World, catalogs, rule_records(kinds), customers)


# Every age and every number of times around those that the rules above speak of.
ALL_CUSTOMERS = [
    {
        "age": age,
        "bought": {IDS[number % 6], "unknown"},
        "shown": {p: (n + number) % 5 for n, p in enumerate(IDS)},
    }
    for number, age in enumerate((None, 3, 16, 17, 18, 20, 21))
]


@settings(max_examples=60)
@given(worlds_of(*FORBIDDING))
def test_forbidden_if_and_only_if_some_rule_says_so(world: World) -> None:
    for customer in (world.customer, *ALL_CUSTOMERS):
        world.customer = customer
        found = world.constraints()
        for position, item in enumerate(world.products):
            names = [rule["name"] for rule in world.holding if oracle.forbids(rule, item, customer, AT)]
            names += [HIDDEN] * oracle.is_hidden(item)
            assert found.why(position) == tuple(sorted(names))
            assert found.is_forbidden(position) == bool(names) == bool(found.forbidden_P[position])
            assert found.allowed_P[position] == (not names)


@settings(max_examples=80)
@given(worlds_of(*WEIGHING))
def test_scores_are_multiplied_as_the_oracle_does(world: World) -> None:
    found = world.constraints()
    for position, item in enumerate(world.products):
        expected = oracle.factor(world.holding, item, world.products, AT)
        assert found.factor_P[position] == pytest.approx(expected, rel=1e-6)


@settings(max_examples=60)
@given(worlds_of(*LIMITING))
def test_caps_group_as_the_oracle_does(world: World) -> None:
    expected = {
        rule["name"]: oracle.groups(rule, world.products, AT)
        for rule in world.holding
        if rule["kind"] in ("cap", "collapse_variants")
    }
    found = world.constraints()
    assert [cap.name for cap in found.caps] == sorted(expected)
    for cap in found.caps:
        members = expected[cap.name]
        ids = [item["product_id"] for item in world.products]
        for one, mine in zip(ids, cap.group_P, strict=True):
            assert (mine >= 0) == (one in members)
            for other, theirs in zip(ids, cap.group_P, strict=True):
                if one in members and other in members:
                    assert (mine == theirs) == (members[one] == members[other])


@settings(max_examples=60)
@given(worlds_of(*WEIGHING, *LIMITING, "pin", "exclude"), st.randoms())
def test_the_order_of_rules_does_not_matter(world: World, random: Any) -> None:
    shuffled = list(world.rules)
    random.shuffle(shuffled)
    one, other = world.constraints(), world.constraints(shuffled)
    np.testing.assert_array_equal(one.forbidden_P, other.forbidden_P)
    np.testing.assert_array_equal(one.factor_P, other.factor_P)
    assert one.pins == other.pins
    assert [cap.name for cap in one.caps] == [cap.name for cap in other.caps]


@settings(max_examples=100)
@given(worlds_of("pin", *LIMITING, "already_bought"))
def test_pins_keep_what_is_forbidden_and_what_is_capped(world: World) -> None:
    found = world.constraints()
    verify(found, np.array([position for _, position in found.pins], dtype=np.int64))
    assert [place for place, _ in found.pins] == sorted({place for place, _ in found.pins})
    asked = {(r["place"], r["product_id"]) for r in world.holding if r["kind"] == "pin"}
    kept = {(place, world.products[position]["product_id"]) for place, position in found.pins}
    assert kept <= asked
    for place, name in asked - kept:  # each that was not kept stands in the way of another, or of a rule
        [position] = world.assortment.position_of([name])
        crowded = [int(p) for _, p in found.pins]
        taken = place in dict(found.pins) or int(position) in crowded
        if position >= 0 and not taken:
            with pytest.raises(BackendError):
                verify(found, np.array([*crowded, position]))


@settings(max_examples=60)
@given(worlds_of(*LIMITING, "already_bought"))
def test_verify_refuses_exactly_what_breaks_a_rule(world: World) -> None:
    found = world.constraints()
    places = range(found.size)
    limits = [
        (rule.get("most", 1), oracle.groups(rule, world.products, AT))
        for rule in world.holding
        if rule["kind"] in LIMITING
    ]
    for chosen in (*product(places, repeat=2), *combinations(places, 3)):
        names = [world.products[position]["product_id"] for position in chosen]
        counts = [Counter(groups[name] for name in names if name in groups) for _, groups in limits]
        is_over = any(
            max(count.values(), default=0) > most for count, (most, _) in zip(counts, limits, strict=True)
        )
        is_wrong = is_over or len(set(chosen)) < len(chosen) or found.forbidden_P[list(chosen)].any()
        with pytest.raises(BackendError, match="held back") if is_wrong else nullcontext():
            verify(found, np.array(chosen, dtype=np.int64))
