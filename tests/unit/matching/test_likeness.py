"""Against the known truth of a made town: who is linked, how surely, and with which evidence."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from foresell.contracts.settings import MatchingSettings
from foresell.matching.identities import Stitched, stitch
from foresell.matching.resolve import MatchedTables

CERTAIN = MatchingSettings(is_probabilistic=False)
LIKELY = MatchingSettings()
SEEDS = (1, 2)
NUM_PERSONS = 900
Pairs = Callable[[Iterable[tuple[str, str]]], set[tuple[str, str]]]


def linked(stitched: Stitched, town: Any, pairs: Pairs) -> set[tuple[str, str]]:
    rows = stitched.links.drop_nulls("customer_id")
    person_of = dict(rows.select("customer_id", "person_id").iter_rows())
    return pairs((customer, person_of.get(customer, customer)) for customer in town.person_of)


@pytest.mark.parametrize("seed", SEEDS)
def test_precision_and_recall_against_the_truth(
    make_town: Any, make_tables: Any, pairs: Pairs, seed: int
) -> None:
    town = make_town(seed, NUM_PERSONS)
    tables, truth = make_tables(town.rows), town.true_pairs()
    certain = linked(stitch(tables, CERTAIN), town, pairs)
    assert certain <= truth
    assert len(certain) / len(truth) > 0.6
    both = linked(stitch(tables, LIKELY), town, pairs)
    likely = both - certain
    assert len(likely & truth) / len(likely) >= 0.95
    assert len(both & truth) / len(truth) >= 0.93


def test_with_names_and_places_alone_it_links_less_and_is_not_wrong_more_often(
    make_town: Any, make_tables: Any, pairs: Pairs
) -> None:
    town = make_town(3, NUM_PERSONS)
    truth = town.true_pairs()
    bare = {
        "customers": town.rows["customers"],
        "identities": [row for row in town.rows["identities"] if row["id_type"] == "name"],
    }
    found = linked(stitch(make_tables(bare), LIKELY), town, pairs)
    assert found
    assert len(found & truth) / len(found) >= 0.95
    assert len(found & truth) / len(truth) < 0.7


def test_visits_on_a_device_of_ones_own_belong_to_its_person(make_town: Any, make_tables: Any) -> None:
    town = make_town(4, 100)
    tables = make_tables(town.rows)
    stitched = stitch(tables, CERTAIN)
    links = [{"link_id": str(n), **row} for n, row in enumerate(stitched.links.to_dicts())]
    events = MatchedTables(make_tables({**town.rows, "customer_links": links})).current("events")
    found = {row["event_id"]: row["customer_id"] for row in events.to_pyarrow().to_pylist()}
    known = {event: found[event] for event in town.visits if found[event] is not None}
    assert all(town.person_of[customer] == town.visits[event] for event, customer in known.items())
    # The rest: before the first login on the device of somebody whose accounts nothing ties.
    assert len(known) / len(town.visits) > 0.85


def test_the_order_of_rows_changes_nothing(make_town: Any, make_tables: Any) -> None:
    rows = make_town(5, 150).rows
    expected = stitch(make_tables(rows), LIKELY)
    shuffled = {name: random.Random(7).sample(list(given), len(given)) for name, given in rows.items()}
    again = stitch(make_tables(shuffled), LIKELY)
    assert again.links.equals(expected.links)
    assert again.likeness == expected.likeness


def person(customer: str, names: tuple[str, ...], **cells: object) -> dict[str, list[dict[str, object]]]:
    tokens = [{"id_type": "name", "id_token": name, "customer_id": customer} for name in names]
    order = {"order_id": f"o-{customer}", "customer_id": customer, "created_at": "2024-01-01T00:00Z"}
    shared = {"currency": "EUR", "device_token": "tablet", "card_token": "card", "ip_token": "home"}
    return {
        "customers": [{"customer_id": customer, "country": "FR", "city": "Lyon", **cells}],
        "identities": tokens,
        "orders": [{**order, **shared}],
    }


def join(*parts: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [row for part in parts for row in part[name]] for name in parts[0]}


def test_a_household_shares_much_and_is_not_one_person(make_town: Any, make_tables: Any) -> None:
    wife = person("wife", ("Ada", "Roux"), birth_year=1980, gender="f")
    husband = person("husband", ("Max", "Roux"), birth_year=1980, gender="m")
    again = person("wife-2", ("Ada", "Roux"), gender="f")
    town = make_town(6, 150)
    stitched = stitch(make_tables(join(wife, husband, again, {n: town.rows[n] for n in wife})), LIKELY)
    rows = [row for row in stitched.links.to_dicts() if row["person_id"] in ("wife", "husband", "wife-2")]
    [link] = rows
    assert (link["customer_id"], link["person_id"], link["method"]) == ("wife-2", "wife", "probability")
    evidence = json.loads(link["evidence"])
    assert evidence["agree"]["name"] == "all"
    assert {"gender", "device", "card", "ip"} <= set(evidence["agree"])
    assert 0.95 <= evidence["probability"] == link["confidence"] <= 1


def test_a_shop_without_anything_to_compare_has_no_likely_links(make_tables: Any) -> None:
    alone = {"customers": [{"customer_id": "a"}, {"customer_id": "b"}]}
    for rows in ({}, alone):
        stitched = stitch(make_tables(rows), LIKELY)
        assert stitched.links.is_empty()
        assert stitched.likeness == {"pairs_compared": 0}
