"""Rebuild: the raw zone and the state give every table again, to the same rows, run ids and times."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from foresell.contracts.tables import TABLES
from foresell.services.quarantine import (
    discard_quarantine,
    fix_quarantine,
    list_quarantine,
    replay_quarantine,
)
from foresell.services.rebuild import finish_swap, table_contents_hash, table_hash
from foresell.services.results import read_results, write_results
from foresell.services.shop import Shop
from foresell.services.upkeep import compact, rebuild, take_back
from foresell.store.folder import COMPLETE_MARK, OLD_NAME, REBUILT_NAME

PRODUCTS = "product_id,title,price,valid_from"


@pytest.fixture
def lived(shop: Shop, import_rows: Any) -> Shop:
    """A store with updates, versions, duplicates, quarantine, a replay and a load taken back."""
    first = import_rows("l1,o1,p1,1,5", "l2,o1,p2,1,oops", "l3,o2,p1,many,1", "l4,o2,p1,1,4")
    import_rows("l1,o1,p1,1,6", "l4,o2,p1,1,4", "l5,o3,p1,1,4")
    import_rows("p1,Tea,1,", "p2,Coffee,2,2024-01-01", header=PRODUCTS, preset="products")
    import_rows("p2,Coffee,3,2024-03-01", "p2,Coffee,2.5,2024-02-01", header=PRODUCTS, preset="products")
    bad = import_rows("l6,o9,p1,1,999999")
    [mended, discarded] = list_quarantine(shop, run_id=first.run_id)
    fix_quarantine(shop, mended.quarantine_id, {"line_amount": "2"})
    discard_quarantine(shop, [discarded.quarantine_id])
    replay_quarantine(shop)
    take_back(shop, [bad.run_id])
    return shop


def hashes(shop: Shop) -> dict[str, str]:
    return {name: table_hash(shop, name) for name in shop.folder.tables.names()}


def test_every_table_has_the_same_rows_again(lived: Shop) -> None:
    before = hashes(lived)
    assert {"order_lines", "products", "ingest_runs", "quarantine"} <= set(before)
    rebuilt = rebuild(lived)
    assert hashes(lived) == before
    assert rebuilt.num_runs == 5
    assert rebuilt.num_rows["order_lines"] == int(before["order_lines"].split(":")[0])


def test_tables_that_are_lost_come_back(lived: Shop) -> None:
    import shutil

    before = {
        name: table_contents_hash(lived, name) for name in lived.folder.tables.names() if name in TABLES
    }
    shutil.rmtree(lived.folder.tables.root)
    rebuild(lived)
    after = {name: table_contents_hash(lived, name) for name in lived.folder.tables.names() if name in TABLES}
    assert after == before


def test_the_hash_sees_a_single_changed_value_and_not_the_files(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    import_rows("l2,o1,p1,1,5")
    before = table_hash(shop, "order_lines")
    assert compact(shop)["order_lines"] == 2
    assert table_hash(shop, "order_lines") == before
    import_rows("l2,o1,p1,1,5.0001")
    assert table_hash(shop, "order_lines") != before
    assert table_contents_hash(shop, "order_lines") != before


def test_results_of_models_are_carried_over(lived: Shop) -> None:
    rows = pl.DataFrame(
        {
            "customer_id": ["c1"],
            "model": ["m"],
            "rank": [1],
            "product_id": ["p1"],
            "made_at": [datetime.now(UTC)],
        }
    )
    columns = {"score": pl.Float64, "reason": pl.String}
    full = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in columns.items())
    write_results(lived, "recommendations", full, replaces={})
    before = table_hash(lived, "recommendations")
    rebuild(lived)
    assert table_hash(lived, "recommendations") == before
    assert read_results(lived, "recommendations")["customer_id"].to_list() == ["c1"]


def test_an_unfinished_rebuild_is_thrown_away(lived: Shop) -> None:
    before = hashes(lived)
    (lived.folder.root / REBUILT_NAME / "orders").mkdir(parents=True)
    finish_swap(lived)
    assert not (lived.folder.root / REBUILT_NAME).exists()
    assert hashes(lived) == before


def test_old_tables_do_not_outlive_an_exchange_that_was_interrupted(lived: Shop) -> None:
    """Killed between the exchange and the removal, their rows would lie in the store for ever."""
    before = hashes(lived)
    (lived.folder.root / OLD_NAME / "orders").mkdir(parents=True)
    (lived.folder.tables.root / COMPLETE_MARK).touch()
    finish_swap(lived)
    assert not (lived.folder.root / OLD_NAME).exists()
    assert not (lived.folder.tables.root / COMPLETE_MARK).exists()
    assert hashes(lived) == before


def test_old_tables_come_back_if_nothing_took_their_place(lived: Shop) -> None:
    before = hashes(lived)
    lived.folder.tables.root.rename(lived.folder.root / OLD_NAME)
    finish_swap(lived)
    assert hashes(lived) == before
