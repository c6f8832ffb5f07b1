"""Back-up while the store is written to, the way back, and stores that other versions have made."""

import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import ConflictError, NotFoundError
from foresell.services.access.audit import audit_log
from foresell.services.backups import backup, restore_backup
from foresell.services.live.accepting import Acceptance
from foresell.services.live.moving import move_events
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine
from foresell.services.rebuild import table_hash
from foresell.services.shop import Shop, open_shop
from foresell.services.upkeep import rebuild, verify

KEY, OTHER_KEY = "5a" * 32, "6b" * 32
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "stores"


def event(number: int) -> dict[str, object]:
    return {
        "event_id": f"e{number}",
        "event_name": "view_item",
        "occurred_at": "2026-11-22T10:00:00Z",
        "customer_id": "c1",
        "product_id": "p1",
    }


class Writers:
    """Threads that accept events and write the audit log until the block ends. `acknowledged`: event ids."""

    def __init__(self, shop: Shop) -> None:
        self.acknowledged: list[str] = []
        self._shop, self._ended, self._first = shop, threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._accept, self._audit)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        assert self._first.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        acceptance = Acceptance(self._shop)
        number = 0
        while not self._ended.is_set():
            [outcome] = acceptance.accept(event(number))
            self.acknowledged.append(outcome.event_id or "")
            self._first.set()
            number += 1

    def _audit(self) -> None:
        while not self._ended.wait(0.002):
            audit_log(self._shop).append("ann", "profile.read", "s1")


def event_ids(shop: Shop) -> list[str]:
    with shop.reading() as tables:
        return sorted(row["event_id"] for row in tables.current("events").to_pyarrow().to_pylist())


def test_a_backup_under_writes_comes_back_with_every_acknowledged_event_once(
    shop: Shop, import_rows: Any, tmp_path: Path
) -> None:
    import_rows("l1,o1,p1,1,5", "l2,o1,p1,1,oops")
    with Writers(shop) as writers:
        acknowledged = list(writers.acknowledged)
        copy = backup(shop, tmp_path / "copy")
    restored = restore_backup(copy, tmp_path / "again")
    move_events(restored)
    found = event_ids(restored)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert verify(restored).problems == ()
    assert table_hash(restored, "order_lines") == table_hash(shop, "order_lines")
    assert [row.status for row in list_quarantine(restored)] == ["open"]


def test_a_restored_store_goes_on(shop: Shop, import_rows: Any, tmp_path: Path) -> None:
    import_rows("l1,o1,p1,1,5")
    Acceptance(shop).accept(event(1))
    restored = restore_backup(backup(shop, tmp_path / "copy"), tmp_path / "again")
    Acceptance(restored).accept(event(2))
    move_events(restored)
    assert event_ids(restored) == ["e1", "e2"]


def test_a_damaged_backup_is_not_restored(shop: Shop, import_rows: Any, tmp_path: Path) -> None:
    import_rows("l1,o1,p1,1,5")
    copy = backup(shop, tmp_path / "copy")
    [part] = (copy / "raw").rglob("part-*.parquet")
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(ConflictError, match="damaged"):
        restore_backup(copy, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_another_stores_key_is_refused(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = backup(shop, tmp_path / "copy")
    monkeypatch.setenv("FORESELL_KEY", OTHER_KEY)
    with pytest.raises(ConflictError, match="not this backup's"):
        restore_backup(copy, tmp_path / "again")
    monkeypatch.delenv("FORESELL_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    with pytest.raises(NotFoundError, match="key is missing"):
        restore_backup(copy, tmp_path / "again")


def test_a_store_is_not_restored_over_something(shop: Shop, tmp_path: Path) -> None:
    copy = backup(shop, tmp_path / "copy")
    with pytest.raises(ConflictError, match="exists already"):
        restore_backup(copy, shop.folder.root)


@pytest.fixture
def first_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """What Foresell of 2026-11-22 03:00 UTC (2bf5d5c) made of orders o1, o2 and lines l1, l2 and a bad l3."""
    monkeypatch.setenv("FORESELL_KEY", KEY)
    with tarfile.open(FIXTURES / "first-road.tar.gz") as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return open_shop(tmp_path / "old")


def test_a_store_of_the_first_version_is_read_written_and_rebuilt(first_store: Shop, tmp_path: Path) -> None:
    def believed() -> list[tuple[str, float]]:
        with first_store.reading() as tables:
            rows = tables.current("order_lines").to_pyarrow().to_pylist()
        return sorted((row["order_line_id"], float(row["line_amount"])) for row in rows)

    assert believed() == [("l1", 5.0), ("l2", 7.5)]
    assert verify(first_store).problems == ()
    [bad] = list_quarantine(first_store)
    fix_quarantine(first_store, bad.quarantine_id, {"line_amount": "4"})
    replay_quarantine(first_store)
    Acceptance(first_store).accept(event(1))
    move_events(first_store)
    assert believed() == [("l1", 5.0), ("l2", 7.5), ("l3", 4.0)]
    before = {name: table_hash(first_store, name) for name in ("orders", "order_lines", "events")}
    rebuild(first_store)
    assert {name: table_hash(first_store, name) for name in before} == before
    assert verify(restore_backup(backup(first_store, tmp_path / "b"), tmp_path / "r")).problems == ()


def test_a_store_of_a_newer_version_is_refused_with_the_ways_out(shop: Shop) -> None:
    shop.folder.state.set_meta("format", "2")
    with pytest.raises(ConflictError, match=r"newer Foresell.*format 2.*from-backup"):
        open_shop(shop.folder.root)
