"""The log of a table is read again when it has changed, whoever changed it, and only then."""

import shutil
from pathlib import Path

import duckdb

from foresell.contracts.records import quarantine
from foresell.store.delta import DeltaFolder
from foresell.store.engine import typed_empty
from foresell.store.parquet import write_parquet

TABLE = quarantine
NAME = TABLE.name


def commit(tables: DeltaFolder, transaction: str, removed: tuple[str, ...] = ()) -> None:
    row = f"{typed_empty(TABLE.columns)} UNION ALL BY NAME SELECT '{transaction}' AS quarantine_id"
    with duckdb.connect() as connection:
        written = write_parquet(connection, row, tables.folder(NAME) / transaction)
    tables.commit(TABLE, written, removed, transaction)


def writers(tables: DeltaFolder) -> set[str]:
    return {Path(uri).parent.name for uri in tables.files(NAME)}


def test_commits_of_another_process_are_seen(tmp_path: Path) -> None:
    ours, theirs = DeltaFolder(tmp_path), DeltaFolder(tmp_path)
    assert not ours.has_committed(NAME, "a")
    for transaction in "abc":
        commit(theirs, transaction)
        assert ours.has_committed(NAME, transaction)
        assert writers(ours) == writers(theirs)
        assert ours.version(NAME) == theirs.version_of(NAME, transaction)


def test_a_log_exchanged_for_another_of_the_same_length_is_seen(tmp_path: Path) -> None:
    tables, other = DeltaFolder(tmp_path / "tables"), DeltaFolder(tmp_path / "other")
    for folder, transaction in ((tables, "old"), (other, "new")):
        folder.root.mkdir()
        commit(folder, transaction)
        assert writers(folder) == {transaction}
    shutil.rmtree(tables.root)
    other.root.rename(tables.root)
    assert writers(tables) == {"new"}
    assert not tables.has_committed(NAME, "old")


def test_a_commit_whose_files_are_gone_is_still_known(tmp_path: Path) -> None:
    tables = DeltaFolder(tmp_path)
    commit(tables, "a")
    commit(tables, "b", removed=tuple(tables.files(NAME)))
    assert writers(tables) == {"b"}
    assert tables.committed(NAME, ["a", "b", "c"]) == {"a", "b"}


def test_what_was_current_before_a_commit_is_not_taken_for_now(tmp_path: Path) -> None:
    tables = DeltaFolder(tmp_path)
    commit(tables, "a")
    commit(tables, "b")
    assert {Path(uri).parent.name for uri in tables.files_before(NAME, "b")} == {"a"}
    assert writers(tables) == {"a", "b"}


def test_commits_before_a_checkpoint_stay_known_and_readable(tmp_path: Path) -> None:
    tables = DeltaFolder(tmp_path)
    names = [f"run-{number:02}" for number in range(12)]
    for name in names:
        commit(tables, name)
    assert list((tables.folder(NAME) / "_delta_log").glob("*.checkpoint.parquet"))
    assert tables.committed(NAME, [*names, "other"]) == set(names)
    assert {Path(uri).parent.name for uri in tables.files_before(NAME, names[2])} == set(names[:2])


def test_a_part_that_is_committed_says_nothing_of_its_run(tmp_path: Path) -> None:
    tables = DeltaFolder(tmp_path)
    commit(tables, "run/0")
    assert tables.committed(NAME, ["run", "run/0"]) == {"run/0"}
