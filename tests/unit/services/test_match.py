"""Matching a store: recorded once, undone exactly, rebuilt, and gone with whom it names."""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import ConflictError, NotFoundError
from foresell.predict.recommend.serving.request import Request
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.links import find_run
from foresell.services.match import (
    list_matches,
    match_identities,
    match_orders,
    reconcile_events,
    show_match,
    undo_match,
)
from foresell.services.measure import Question, measure
from foresell.services.rebuild import table_hash
from foresell.services.recommend import recommend
from foresell.services.restate import restate
from foresell.services.shop import Shop
from foresell.services.upkeep import rebuild

CUSTOMERS = "customer_id,email,phone"
ORDERS = "order_id,customer_id,created_at,total_amount,currency"


@pytest.fixture
def people(shop: Shop, import_rows: Any) -> Shop:
    """a, b and c are one person: a and b by e-mail, b and c by phone; d and e are another."""
    people = ("a,ann@x.org,", "b,ann@x.org,123", "c,,123", "d,dan@x.org,", "e,dan@x.org,")
    import_rows(*people, header=CUSTOMERS, preset="customers")
    orders = [f"o{n},{who},2024-01-0{n},10,USD" for n, who in enumerate("abcde", 1)]
    import_rows(*orders, header=ORDERS, preset="orders")
    return shop


def value(shop: Shop, kpi: str) -> Any:
    return measure(shop, kpi, Question()).rows[0]["value"]


def links(shop: Shop) -> list[tuple[str, str]]:
    with shop.reading() as tables:
        rows = tables.current("customer_links").select("customer_id", "person_id").to_polars()
    return sorted(rows.iter_rows())


def test_customers_of_one_file_who_share_an_e_mail_count_once(people: Shop) -> None:
    assert value(people, "customers") == 5
    matched = match_identities(people)
    assert matched.run is not None
    assert (matched.run.num_added, matched.run.num_closed) == (3, 0)
    assert links(people) == [("b", "a"), ("c", "a"), ("e", "d")]
    assert value(people, "customers") == 2
    assert value(people, "repeat_purchase_rate") == 1


def test_any_id_of_a_person_asks_for_the_persons_figures(people: Shop) -> None:
    match_identities(people)
    for who in "abc":
        [row] = measure(people, "orders", Question(where=(f"customer={who}",))).rows
        assert row["value"] == 3
        # On the same day nothing is known but what was reported.
        told = restate(people, "orders", Question(where=(f"customer={who}",)), datetime.now(UTC).date())
        assert [(row["value"], row["value_as_reported"]) for row in told.rows] == [(3, 3)]


def test_a_dry_run_and_a_second_run_change_nothing(people: Shop) -> None:
    told = match_identities(people, dry_run=True)
    assert told.as_record()["customers_linked"] == 3
    assert list_matches(people) == []
    match_identities(people)
    before = table_hash(people, "customer_links")
    assert match_identities(people).run is None
    assert table_hash(people, "customer_links") == before


def test_undoing_runs_gives_the_exact_rows_back(people: Shop, import_rows: Any) -> None:
    hashes = [table_hash(people, "customer_links")]
    first = match_identities(people).run
    hashes.append(table_hash(people, "customer_links"))
    import_rows("z,,123", "d,other@x.org,", header=CUSTOMERS, preset="customers")
    import_rows("o9,z,2023-01-01,10,USD", header=ORDERS, preset="orders")
    second = match_identities(people).run
    assert first is not None
    assert second is not None
    # z is older than a: every link to a is closed, and all are z's.
    assert (second.num_added, second.num_closed) == (3, 2)
    assert links(people) == [("a", "z"), ("b", "z"), ("c", "z"), ("e", "d")]
    with pytest.raises(ConflictError, match=second.run_id):
        undo_match(people, first.run_id)
    for run, before in ((second, hashes[1]), (first, hashes[0])):
        undo_match(people, run.run_id)
        assert table_hash(people, "customer_links") == before
    assert list_matches(people) == []
    with pytest.raises(NotFoundError):
        find_run(people, first.run_id)


def test_a_run_is_shown_with_its_evidence_and_no_identifier_in_it(people: Shop) -> None:
    run = match_identities(people).run
    assert run is not None
    assert [listed.run_id for listed in list_matches(people)] == [run.run_id]
    shown = show_match(people, run.run_id)
    assert [(link["customer_id"], link["through_id"], link["id_type"]) for link in shown] == [
        ("b", "a", "email"),
        ("c", "b", "phone"),
        ("e", "d", "email"),
    ]
    assert all(link["evidence"] == f'{{"same": ["{link["id_type"]}"]}}' for link in shown)
    assert len(show_match(people, run.run_id, 1)) == 1


def test_links_survive_a_rebuild(people: Shop) -> None:
    match_identities(people)
    before = table_hash(people, "customer_links")
    assert rebuild(people).changed == ()
    assert table_hash(people, "customer_links") == before


def find(shop: Shop, needles: list[str]) -> set[str]:
    """Which of these stand anywhere in the store's folder, decoded."""
    path = Path(__file__).parents[2] / "integration" / "store_walk.py"
    spec = importlib.util.spec_from_file_location("store_walk", path)
    assert spec is not None
    assert spec.loader is not None
    walk = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(walk)
    return set(walk.find(shop.folder.root, needles))


def test_erasing_a_customer_dissolves_the_person_whose_evidence_led_over_them(
    shop: Shop, import_rows: Any
) -> None:
    people = ("ann,ann@x.org,", "GONE-BO-77,ann@x.org,123", "cy,,123", "d,dan@x.org,", "e,dan@x.org,")
    import_rows(*people, header=CUSTOMERS, preset="customers")
    import_rows("o1,ann,2023-01-01,10,USD", header=ORDERS, preset="orders")
    run = match_identities(shop).run
    assert run is not None
    assert links(shop) == [("GONE-BO-77", "ann"), ("cy", "ann"), ("e", "d")]
    phones = [row["id_token"] for row in show_match(shop, run.run_id) if row["id_type"] == "phone"]
    needles = ["GONE-BO-77", *phones]
    assert find(shop, needles) == set(needles)
    erase(shop, ["GONE-BO-77"])
    # cy's phone stays with cy alone; nothing names who is gone, and cy is ann no more.
    assert find(shop, needles) == set(phones)
    assert links(shop) == [("e", "d")]
    assert match_identities(shop).run is None
    erase(shop, ["cy"])
    assert find(shop, [*needles, "cy@"]) == set()


def test_a_name_is_nobodys_alone_and_its_next_bearer_is_not_taken_for_the_erased(
    shop: Shop, import_rows: Any
) -> None:
    header = "customer_id,email,full_name"
    import_rows("a,a@x.org,Wang Wei", "b,b@x.org,Li Na", header=header, preset="customers")
    with shop.reading() as tables:
        kinds = tables.current("identities").group_by("id_type").agg(num=lambda t: t.count()).to_polars()
    assert dict(kinds.iter_rows()) == {"email": 2, "name": 2}
    erase(shop, ["a"])
    import_rows("c,c@x.org,Wang Wei", header=header, preset="customers")
    with shop.reading() as tables:
        found = tables.current("identities").select("customer_id", "id_type").to_polars()
    assert sorted(found.iter_rows()) == [("b", "email"), ("b", "name"), ("c", "email"), ("c", "name")]


ERP = """
name = "erp"
[tables.orders.columns]
order_id = "No"
customer_id = "Account"
created_at = "Date"
total_amount = "Sum"
currency = "Cur"
"""


@pytest.fixture
def two_sources(people: Shop, tmp_path: Path) -> Shop:
    """The books have o1, o2 and an order of their own; the first customer is another there."""
    (tmp_path / "erp.toml").write_text(ERP)
    rows = (
        "R-77001,b,2024-01-01T04:00:00Z,10,USD",
        "R-77002,b,2024-01-02,10,USD",
        "R-77003,b,2024-02-02,9,USD",
    )
    (tmp_path / "erp.csv").write_text("\n".join(["No,Account,Date,Sum,Cur", *rows]))
    import_files(people, ImportRequest(tmp_path / "erp.csv", mapping=tmp_path / "erp.toml"))
    return people


def test_orders_of_two_sources_count_once_by_the_persons_found_and_undone_they_count_again(
    two_sources: Shop,
) -> None:
    shop = two_sources
    assert (value(shop, "orders"), value(shop, "net_sales")) == (8, 79)
    before = table_hash(shop, "order_links")
    assert match_orders(shop, dry_run=True).found["copies"] == 1
    match_identities(shop)
    matched = match_orders(shop)
    assert matched.run is not None
    assert matched.found["orders_by_source"] == {"erp": 3, "orders": 5}
    assert [(link["order_id"], link["kept_order_id"]) for link in show_match(shop, matched.run.run_id)] == [
        ("o1", "R-77001"),
        ("o2", "R-77002"),
    ]
    assert (value(shop, "orders"), value(shop, "net_sales")) == (6, 59)
    assert match_orders(shop).run is None
    linked = table_hash(shop, "order_links")
    assert rebuild(shop).changed == ()
    assert table_hash(shop, "order_links") == linked
    assert [run.kind for run in list_matches(shop)] == ["identities", "orders"]
    undo_match(shop, matched.run.run_id)
    assert table_hash(shop, "order_links") == before
    assert (value(shop, "orders"), value(shop, "net_sales")) == (8, 79)


def test_erasing_a_customer_takes_the_links_of_their_orders_along(two_sources: Shop) -> None:
    match_identities(two_sources)
    match_orders(two_sources)
    erase(two_sources, ["a"])
    with two_sources.reading() as tables:
        left = tables.history("order_links").select("order_id", "kept_order_id").to_polars()
    assert list(left.iter_rows()) == [("o2", "R-77002")]


def test_recommendations_to_any_id_of_a_person_are_the_persons(shop: Shop, import_rows: Any) -> None:
    import_rows("a,ann@x.org,", "b,ann@x.org,", "c,cy@x.org,", header=CUSTOMERS, preset="customers")
    orders = [f"o{n},{who},2024-01-0{n},10,USD" for n, who in enumerate("abcc", 1)]
    import_rows(*orders, header=ORDERS, preset="orders")
    import_rows(*(f"l{n},o{n},p{n},1,10" for n in range(1, 5)))
    match_identities(shop)
    first, second = (recommend(shop, [Request("customer", 3, one)])[0]["items"] for one in "ab")
    assert first == second
    with shop.reading() as tables:
        made = tables.current("recommendations").select("customer_id").distinct().to_polars()
    assert sorted(made["customer_id"]) == ["a", "c"]


def test_events_are_reconciled_with_the_orders_of_the_persons_who_made_them(
    two_sources: Shop, import_rows: Any
) -> None:
    header = "event_id,event_name,occurred_at,customer_id,order_id,value,currency"
    rows = ("e1,purchase,2024-01-01T00:01:00Z,b,,10,USD", "e2,purchase,2024-01-05T00:01:00Z,,o5,10,USD")
    import_rows(*rows, header=header, preset="events")
    total: Any = reconcile_events(two_sources).as_record()["total"]
    assert (total["tracked"], total["tied_by_likeness"], total["orphan"]) == (1, 0, 1)
    match_identities(two_sources)
    total = reconcile_events(two_sources).as_record()["total"]
    # o1 is a's, and a is b.
    assert (total["tracked"], total["tied_by_likeness"], total["orphan"]) == (2, 1, 0)
