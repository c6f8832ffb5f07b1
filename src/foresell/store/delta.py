"""The Delta tables of a store: which files are current, and atomic commits of new ones.

DuckDB writes the Parquet files; delta-rs keeps the log. Every commit carries its run's id as a
Delta application transaction, so that a run applied twice commits once.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Column, Type
from foresell.contracts.errors import BackendError, BusyError
from foresell.contracts.tables import Table

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.schema import Schema


DELTA_TYPES: dict[Type, str] = {
    "string": "string",
    "decimal": f"decimal({DECIMAL_PRECISION},{DECIMAL_SCALE})",
    "timestamp": "timestamp",
    "date": "date",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
    "json": "string",
}
# Delta types that are lists: of what.
DELTA_LISTS: dict[Type, str] = {"floats": "float"}

# A log is read from its last checkpoint on: with one in a hundred commits, which is what delta-rs does by
# itself, reading and committing would take four times as long after fifty runs. Old entries stay, for
# `files_before`.
LOG_SETTINGS = {"delta.checkpointInterval": "10", "delta.enableExpiredLogCleanup": "false"}
# The exchange is two renames; this is many times longer.
EXCHANGE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file inside a table's folder."""

    path: Path
    num_rows: int
    num_bytes: int


@dataclass
class _Opened:
    """A table as its log said it when it was read, and what was asked of it since.

    It is true as long as the last file of the log is the same one (a rebuild brings another log in its
    place) and none follows it.
    """

    table: "DeltaTable"
    log: Path
    last: tuple[int, ...] | None = None
    transactions: dict[str, int | None] = field(default_factory=dict)
    files: list[str] | None = None

    def is_current(self) -> bool:
        if self.last is None or self._entry(self.table.version() + 1).exists():
            return False
        return self.last == _identity(self._entry(self.table.version()))

    def remember(self, log_before: tuple[int, ...] | None) -> None:
        """Take what was read for current, if the log is still in the folder that it was read from."""
        last = _identity(self._entry(self.table.version()))
        self.last = last if log_before == _folder_identity(self.log) else None

    def version_of(self, transaction: str) -> int | None:
        if transaction not in self.transactions:
            self.transactions[transaction] = self.table.transaction_version(transaction)
        return self.transactions[transaction]

    def sorted_files(self) -> list[str]:
        if self.files is None:
            self.files = sorted(self.table.file_uris())
        return self.files

    def _entry(self, version: int) -> Path:
        return self.log / f"{version:020}.json"


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _folder_identity(folder: Path) -> tuple[int, ...] | None:
    """Which folder it is, whatever was put in it since."""
    found = _identity(folder)
    return None if found is None else found[:2]


class DeltaFolder:
    """The folder `tables/`: one Delta table a subfolder. A log is read again only when it has changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._opened: dict[str, _Opened] = {}

    def folder(self, name: str) -> Path:
        return self.root / name

    def files(self, name: str) -> list[str]:
        """The current files, as absolute paths in a stable order; none for a table never written."""
        opened = self._open(name)
        return [] if opened is None else list(opened.sorted_files())

    def version(self, name: str) -> int | None:
        opened = self._open(name)
        return None if opened is None else opened.table.version()

    def names(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(p.parent.name for p in self.root.glob("*/_delta_log"))

    def versions(self) -> dict[str, int]:
        found = {name: self.version(name) for name in self.names()}
        return {name: version for name, version in found.items() if version is not None}

    def has_committed(self, name: str, transaction: str) -> bool:
        return bool(self.committed(name, [transaction]))

    def committed(self, name: str, transactions: Iterable[str]) -> set[str]:
        """Those of the transactions that are committed; the log is read once for all of them.

        A file in the folder that a transaction writes to (`<transaction>/…`) is current by its commit only:
        the log, which takes its time, is asked for the others.
        """
        opened = self._open(name)
        if opened is None:
            return set()
        root = self.folder(name).resolve()
        written = {Path(uri).relative_to(root).parent.as_posix() for uri in opened.sorted_files()}
        return {one for one in transactions if one in written or opened.version_of(one) is not None}

    def version_of(self, name: str, transaction: str) -> int:
        """The version that a committed transaction made; -1 for one that was never committed."""
        opened = self._open(name)
        made = None if opened is None else opened.version_of(transaction)
        return -1 if made is None else made

    def files_before(self, name: str, transaction: str) -> list[str]:
        """The files current just before a transaction committed; the current ones if it has not."""
        opened = self._open(name)
        if opened is None:
            return []
        committed = opened.version_of(transaction)
        if committed is None:
            return list(opened.sorted_files())
        # What is loaded so is not the table as it is now.
        del self._opened[name]
        opened.table.load_as_version(committed - 1)
        return sorted(opened.table.file_uris())

    def commit(
        self, table: Table, added: Sequence[WrittenFile], removed: Sequence[str], transaction: str
    ) -> None:
        """Add and remove files in one atomic commit, once for each `transaction`."""
        from deltalake import CommitProperties, Transaction
        from deltalake.transaction import AddAction, RemoveAction

        if self.has_committed(table.name, transaction):
            return
        folder = self.folder(table.name)
        now = int(time.time() * 1000)
        adds = [
            AddAction(
                path=file.path.relative_to(folder).as_posix(),
                size=file.num_bytes,
                partition_values={},
                modification_time=now,
                data_change=True,
                stats=json.dumps({"numRecords": file.num_rows}),
            )
            for file in added
        ]
        removes = [
            RemoveAction(Path(uri).relative_to(folder.resolve()).as_posix(), True, now) for uri in removed
        ]
        opened = self._open(table.name)
        delta = self._create(table) if opened is None else opened.table
        # The version of the commit itself, which `files_before` reads back: one writer at a time.
        marked = Transaction(transaction, delta.version() + 1)
        properties = CommitProperties(app_transactions=[marked])
        self._opened.pop(table.name, None)
        delta.create_write_transaction(
            [*adds, *removes], mode="append", schema=delta_schema(table), commit_properties=properties
        )

    def compact(self, name: str) -> int:
        """Join small files; returns how many files were joined. Old versions stay readable."""
        opened = self._open(name)
        if opened is None:
            return 0
        del self._opened[name]
        return int(opened.table.optimize.compact()["numFilesRemoved"])

    def _create(self, table: Table) -> "DeltaTable":
        from deltalake import DeltaTable

        folder = self.folder(table.name)
        folder.mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(
            folder, delta_schema(table), mode="ignore", description=table.doc, configuration=LOG_SETTINGS
        )

    def _open(self, name: str) -> _Opened | None:
        self._wait_for_exchange()
        opened = self._opened.get(name)
        if opened is None or not opened.is_current():
            opened = self._read(name)
        if opened is None:
            self._opened.pop(name, None)
        else:
            self._opened[name] = opened
        return opened

    def _read(self, name: str) -> _Opened | None:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        folder = self.folder(name).resolve()
        log = folder / "_delta_log"
        log_before = _folder_identity(log)
        if not log.is_dir() or not DeltaTable.is_deltatable(str(folder)):
            return None
        try:
            opened = _Opened(DeltaTable(folder), log)
        except DeltaError as error:
            raise BackendError(
                f"The table '{name}' cannot be read",
                received=error,
                do="Run `foresell store verify`, then `foresell rebuild`, which derives it again.",
            ) from error
        opened.remember(log_before)
        return opened

    def _wait_for_exchange(self) -> None:
        """A rebuild takes the folder away for a moment; without it every table would look empty."""
        deadline = time.monotonic() + EXCHANGE_SECONDS
        while not self.root.is_dir():
            if time.monotonic() > deadline:
                raise BusyError(
                    f"{self.root} is missing: a rebuild was interrupted while it exchanged the tables",
                    do="Run any writing command, such as `foresell rebuild`: it finishes the exchange first.",
                )
            time.sleep(0.01)


def delta_schema(table: Table) -> "Schema":
    from deltalake.schema import ArrayType, Field, PrimitiveType, Schema

    def type_of(column: Column) -> "ArrayType | PrimitiveType":
        if column.type in DELTA_LISTS:
            return ArrayType(PrimitiveType(DELTA_LISTS[column.type]), contains_null=True)
        return PrimitiveType(DELTA_TYPES[column.type])

    return Schema([Field(c.name, type_of(c)) for c in table.columns])
