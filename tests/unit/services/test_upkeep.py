"""Care of the store: going back, taking back, backing up, verifying, one writer at a time."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import BusyError, ConflictError, InputError, NotFoundError
from foresell.services.backups import backup
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.quarantine import fix_quarantine, list_quarantine, replay_quarantine
from foresell.services.rebuild import table_hash
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import (
    compact,
    read_kept_original,
    restore,
    store_summary,
    take_back,
    verify,
    versions,
)
from foresell.store.folder import LOCK_NAME

Lines = Callable[[], Any]


def test_every_run_is_a_version(shop: Shop, import_rows: Any) -> None:
    runs = [import_rows("l1,o1,p1,1,5"), import_rows("l2,o1,p1,1,5", "l3,o1")]
    listed = versions(shop)
    assert [version.run_id for version in listed] == [run.run_id for run in runs]
    assert [version.num_rows for version in listed] == [1, 2]
    assert [version.is_taken_back for version in listed] == [False, False]
    assert listed[0].as_record()["recorded_at"] == listed[0].recorded_at.isoformat()


def test_restoring_gives_the_rows_of_that_time_and_later_files_can_come_again(
    shop: Shop, import_rows: Any, lines: Lines
) -> None:
    first = import_rows("l1,o1,p1,1,5")
    before = table_hash(shop, "order_lines")
    import_rows("l1,o1,p1,1,6", "l2,o1,p1,1,1")
    restore(shop, first.run_id)
    assert lines() == [("l1", 5.0)]
    assert table_hash(shop, "order_lines") == before
    assert [version.is_taken_back for version in versions(shop)] == [False, True]
    again = import_rows("l1,o1,p1,1,6", "l2,o1,p1,1,1")
    assert (again.counts.rows_updated, again.counts.rows_accepted) == (1, 1)
    assert lines() == [("l1", 6.0), ("l2", 1.0)]


def test_a_bad_load_is_taken_back_and_later_ones_stay(shop: Shop, import_rows: Any, lines: Lines) -> None:
    import_rows("l1,o1,p1,1,5")
    bad = import_rows("l1,o1,p1,1,999", "l9,o1,p1,1,999")
    import_rows("l2,o1,p1,1,2")
    take_back(shop, [bad.run_id])
    assert lines() == [("l1", 5.0), ("l2", 2.0)]
    with pytest.raises(NotFoundError, match=bad.run_id):
        take_back(shop, [bad.run_id])


def test_a_load_takes_the_replays_of_its_rows_with_it(shop: Shop, import_rows: Any, lines: Lines) -> None:
    kept = import_rows("l1,o1,p1,1,5", "l2,o1,p1,1,oops")
    load = import_rows("l3,o1,p1,1,oops")
    for row in list_quarantine(shop):
        fix_quarantine(shop, row.quarantine_id, {"line_amount": "1"})
    assert len(replay_quarantine(shop)) == 2
    take_back(shop, [load.run_id])
    assert lines() == [("l1", 5.0), ("l2", 1.0)]
    assert kept.run_id in [version.run_id for version in versions(shop) if not version.is_taken_back]


def test_rows_whose_replay_is_taken_back_are_open_again(shop: Shop, import_rows: Any, lines: Lines) -> None:
    """Nothing is lost: a row is in the tables, or it waits in quarantine."""
    import_rows("l1,o1,p1,1,oops")
    [row] = list_quarantine(shop)
    fix_quarantine(shop, row.quarantine_id, {"line_amount": "1"})
    [replay] = replay_quarantine(shop)
    take_back(shop, [replay.run_id])
    assert lines() == []
    assert [open_row.quarantine_id for open_row in list_quarantine(shop)] == [row.quarantine_id]


def test_going_back_to_an_unknown_run_says_where_to_look(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    with pytest.raises(NotFoundError, match="store versions"):
        restore(shop, "never")


def test_a_backup_is_a_store_of_its_own(shop: Shop, import_rows: Any, tmp_path: Path) -> None:
    import_rows("l1,o1,p1,1,5", "l2,o1,p1,1,oops")
    [row] = list_quarantine(shop)
    fix_quarantine(shop, row.quarantine_id, {"line_amount": "1"})
    copy = open_shop(backup(shop, tmp_path / "copies" / "monday"))
    assert table_hash(copy, "order_lines") == table_hash(shop, "order_lines")
    replay_quarantine(copy)
    assert verify(copy).problems == ()
    assert [open_row.status for open_row in list_quarantine(shop, status=None)] == ["fixed"]
    held = [path.name for path in copy.folder.root.rglob("*")]
    assert not any("key" in name for name in held)


def test_a_backup_goes_to_a_new_folder_outside(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="inside"):
        backup(shop, shop.folder.root / "copy")
    (tmp_path / "there").mkdir()
    with pytest.raises(ConflictError, match="exists"):
        backup(shop, tmp_path / "there")


def test_a_sound_store_has_no_problems(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5", "l2,o1")
    found = verify(shop)
    assert found.problems == ()
    assert found.num_runs == 1
    assert found.num_files >= 4, "a part, the rejects, and the files of the tables"


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_verify_finds_a_flipped_byte_in_the_raw_zone(shop: Shop, import_rows: Any) -> None:
    run = import_rows("l1,o1,p1,1,5")
    flip_a_byte(shop.folder.raw.folder(run.run_id) / "part-00000.parquet")
    [problem] = verify(shop).problems
    assert f"{run.run_id}/part-00000.parquet has changed" in problem


def test_verify_finds_missing_files(shop: Shop, import_rows: Any) -> None:
    run = import_rows("l1,o1,p1,1,5")
    (shop.folder.raw.folder(run.run_id) / "part-00000.parquet").unlink()
    [uri] = shop.folder.tables.files("order_lines")
    Path(uri).unlink()
    problems = verify(shop).problems
    assert any("part-00000.parquet is missing" in problem for problem in problems)
    assert any("order_lines" in problem and Path(uri).name in problem for problem in problems)


def test_verify_finds_a_table_file_that_was_cut_short(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    [uri] = shop.folder.tables.files("order_lines")
    Path(uri).write_bytes(Path(uri).read_bytes()[:-20])
    assert any("cannot be read" in problem for problem in verify(shop).problems)


def test_verify_finds_counts_that_do_not_add_up(shop: Shop, import_rows: Any) -> None:
    """As nothing of ours writes such counts, the row of the record is replaced by hand."""
    run = import_rows("l1,o1,p1,1,5")
    [uri] = shop.folder.tables.files("ingest_runs")
    with shop.connect() as connection:
        changed = f"SELECT * REPLACE (7 AS rows_read) FROM read_parquet('{uri}')"
        connection.execute(f"COPY ({changed}) TO '{uri}.new' (FORMAT parquet)")
    shutil.move(f"{uri}.new", uri)
    [problem] = verify(shop).problems
    assert run.run_id in problem


def test_one_writer_at_a_time_and_the_other_learns_who_it_is(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    with shop.folder.writer_lock("import"):
        with pytest.raises(BusyError, match=str(os.getpid())) as caught, shop.folder.writer_lock("x", 0.2):
            pass
        assert "'import'" in caught.value.message
        with shop.reading() as tables:
            assert tables.has_rows("order_lines"), "reading needs no lock"
    with shop.folder.writer_lock("compact", 0):
        assert "compact" in (shop.folder.root / LOCK_NAME).read_text()
    assert (shop.folder.root / LOCK_NAME).read_text() == ""


def test_compacting_keeps_every_row(shop: Shop, import_rows: Any) -> None:
    for number in range(3):
        import_rows(f"l{number},o1,p1,1,5")
    before = table_hash(shop, "order_lines")
    assert compact(shop)["order_lines"] == 3
    assert len(shop.folder.tables.files("order_lines")) == 1
    assert table_hash(shop, "order_lines") == before
    assert verify(shop).problems == ()


def test_the_summary_counts_what_is_believed(shop: Shop, import_rows: Any) -> None:
    import_rows("l1,o1,p1,1,5")
    import_rows("l1,o1,p1,1,6")
    rows = store_summary(shop)["rows"]
    assert isinstance(rows, dict)
    assert (rows["order_lines"], rows["ingest_runs"]) == (1, 2)


def test_a_kept_original_is_read_by_its_token_and_an_unknown_token_is_not_found(tmp_path: Path) -> None:
    shop = create_shop(tmp_path / "kept", {"privacy": {"keep_originals": True}})
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,email\nc1,Ann@Example.org\n")
    import_files(shop, ImportRequest(path, "customers"))
    with shop.reading() as tables:
        [identity] = tables.current("identities").to_pyarrow().to_pylist()
    assert read_kept_original(shop, identity["id_token"]) == "ann@example.org"
    with pytest.raises(NotFoundError, match="No original is kept"):
        read_kept_original(shop, "0" * 32)
