"""What was recommended: on the disk when it is said to be, counted as by hand, gone with the person."""

import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import NotFoundError
from foresell.predict.recommend.serving.request import Answer, Item, Request
from foresell.services.backups import backup
from foresell.services.erase import erase
from foresell.services.results import read_results
from foresell.services.served import log_answers, shown_counts
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import compact, rebuild, store_summary, verify

NOW = datetime(2026, 5, 6, 23, 30, tzinfo=UTC)


def answer(customer: str | None, *products: str, at: datetime = NOW, **others: Any) -> Answer:
    items = tuple(
        Item(product, rank, 1 / rank, 0.5, "popular", None) for rank, product in enumerate(products, start=1)
    )
    request = Request(customer_id=customer, k=len(products) or 1, **others)
    return Answer(request, items, (), "markov/3", 7, "epsilon:0.1", at)


def rows(shop: Shop) -> list[dict[str, Any]]:
    return read_results(shop, "served").sort("served_at", "served_id").to_dicts()


def customers(shop: Shop) -> list[str | None]:
    return [row["customer_id"] for row in rows(shop)]


def test_a_row_says_all_of_what_was_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "s", {"store": {"time_zone": "Asia/Shanghai"}})
    item = Item("p9", 1, float("inf"), 0.25, "goes_with", "p1")
    request = Request(surface="basket", basket=("p1",), k=3, seed=2**70)
    [name] = log_answers(shop, [Answer(request, (item,), (), "m/1", 2, "thompson", NOW)])
    assert rows(shop) == [
        {
            "served_id": f"{name}-1",
            "request_id": name,
            "served_at": NOW,
            "local_date": date(2026, 5, 7),
            "surface": "basket",
            "customer_id": None,
            "product_id": "p9",
            "rank": 1,
            "score": None,
            "propensity": 0.25,
            "policy": "thompson",
            "model": "m/1",
            "rules_version": 2,
            "experiment_id": None,
            "variant": None,
            "reason_code": "goes_with",
            "because_product_id": "p1",
            "seed": str(2**70),
            "k": 3,
        }
    ]


def test_answers_without_items_leave_no_row(shop: Shop) -> None:
    assert len(log_answers(shop, [answer("c1"), answer("c2", "p1"), answer("c3")])) == 3
    assert customers(shop) == ["c2"]
    assert log_answers(shop, []) == []


def test_two_shops_of_one_folder_and_their_threads_log_at_once(shop: Shop) -> None:
    """As two processes do: each has a journal of its own."""
    shops = [shop, open_shop(shop.folder.root)]

    def log(number: int) -> None:
        for step in range(5):
            log_answers(shops[number % 2], [answer(f"c{number}", f"p{step}", "x")])

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(customers(shop)) == {f"c{number}": 10 for number in range(8)}
    assert len({row["served_id"] for row in rows(shop)}) == 80
    assert len(shop.folder.files("served")) == 2


PRODUCTS = st.sampled_from(["p1", "p2", "p3", "p4"])
SHOWN = st.tuples(
    st.sampled_from(["c1", "c2", None]), st.lists(PRODUCTS, unique=True, max_size=4), st.integers(-100, 100)
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SHOWN, max_size=8), st.integers(1, 3))
def test_shown_counts_are_those_counted_by_hand(
    tmp_path_factory: pytest.TempPathFactory, shown: list[Any], days: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        shop = create_shop(tmp_path_factory.mktemp("shop"))
    log_answers(shop, [answer(c, *products, at=NOW + timedelta(hours=hours)) for c, products, hours in shown])
    by_hand = Counter(
        product
        for customer, products, hours in shown
        for product in products
        if customer == "c1" and -24 * days < hours <= 0
    )
    with shop.reading() as tables:
        assert shown_counts(tables, "c1", days, NOW) == by_hand


def test_rebuilding_and_compacting_keep_every_row(shop: Shop, import_rows: Any) -> None:
    log_answers(shop, [answer("c1", "p1", "p2")])
    before = rows(shop)
    import_rows("l1,o1,p1,1,5")
    rebuilt = rebuild(shop)
    assert "served" not in rebuilt.changed
    assert rows(shop) == before
    shop.folder.logs["served"].close()
    compact(shop)
    assert [Path(path).suffix for path in shop.folder.files("served")] == [".parquet"]
    assert rows(shop) == before
    summary = store_summary(shop)["rows"]
    assert isinstance(summary, dict)
    assert summary["served"] == 2


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
def test_spark_reads_the_same_rows_from_journals_and_parts(shop: Shop) -> None:
    log_answers(shop, [answer("c1", "p1", "p2"), answer(None, "零售")])
    shop.folder.logs["served"].close()
    compact(shop)
    log_answers(shop, [answer("c2", "p3")])
    [torn] = [Path(path) for path in shop.folder.files("served") if path.endswith(".jsonl")]
    torn.write_bytes(torn.read_bytes() + torn.read_bytes()[:-30])
    with shop.reading("spark") as tables:
        # Through Spark, moments come without their zone, which is UTC.
        moments = pl.col("served_at").dt.replace_time_zone("UTC")
        found = tables.current("served").to_polars().with_columns(moments).sort("served_at", "served_id")
        assert int(tables.current("served").count().execute()) == 4
    assert found.to_dicts() == rows(shop)


def test_a_backup_holds_what_was_served(shop: Shop, tmp_path: Path) -> None:
    log_answers(shop, [answer("c1", "p1")])
    copied = open_shop(backup(shop, tmp_path / "copy"))
    assert rows(copied) == rows(shop)
    log_answers(copied, [answer("c2", "p1")])
    assert (sorted(map(str, customers(copied))), customers(shop)) == (["c1", "c2"], ["c1"])


def test_the_store_tells_of_damage_and_of_what_was_cut_off(shop: Shop) -> None:
    log_answers(shop, [answer("c1", "p1", "p2")])
    [path] = map(Path, shop.folder.files("served"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    found = verify(shop)
    assert (found.num_files, found.problems, len(found.notes)) == (1, (), 1)
    assert found.as_record()["notes"] == list(found.notes)
    path.write_bytes(whole.replace(b"p1", b"p7", 1))
    assert verify(shop).problems == (f"logs/served/journals/{path.name} is damaged in 1 lines, first 1",)


def test_a_person_who_is_erased_is_in_no_log_and_does_not_come_back(shop: Shop, import_rows: Any) -> None:
    import_rows("o1,c1,2026-05-01,USD", header="order_id,customer_id,created_at,currency", preset="orders")
    serving = open_shop(shop.folder.root)
    log_answers(serving, [answer("c1", "p1"), answer("c2", "p1"), answer(None, "p1")])
    erase(shop, ["c1"])
    assert sorted(map(str, customers(shop))) == ["None", "c2"]
    assert not any(b'"c1"' in path.read_bytes() for path in shop.folder.root.rglob("*") if path.is_file())
    # A process that has served them all the while does not know of it.
    log_answers(serving, [answer("c1", "p2"), answer("c3", "p2")])
    assert sorted(map(str, customers(shop))) == ["None", "c2", "c3"]
    rebuild(shop)
    assert sorted(map(str, customers(shop))) == ["None", "c2", "c3"]
    assert verify(shop).problems == ()


def test_somebody_who_was_only_ever_shown_something_can_be_erased(shop: Shop) -> None:
    log_answers(shop, [answer("visitor-7", "p1")])
    with pytest.raises(NotFoundError):
        erase(shop, ["visitor-8"])
    erase(shop, ["visitor-7"])
    assert customers(shop) == []
