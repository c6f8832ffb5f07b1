"""The Delta tables of a store: which files are current, and atomic commits of new ones.

DuckDB writes the Parquet files; delta-rs keeps the log. Every commit carries its run's id as a
Delta application transaction, so that a run applied twice commits once.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Type
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

# The exchange is two renames; this is many times longer.
EXCHANGE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file inside a table's folder."""

    path: Path
    num_rows: int
    num_bytes: int


class DeltaFolder:
    """The folder `tables/`: one Delta table a subfolder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        return self.root / name

    def files(self, name: str) -> list[str]:
        """The current files, as absolute paths in a stable order; none for a table never written."""
        table = self._open(name)
        return [] if table is None else sorted(table.file_uris())

    def version(self, name: str) -> int | None:
        table = self._open(name)
        return None if table is None else table.version()

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
        """Those of the transactions that are committed; the log is read once for all of them."""
        table = self._open(name)
        if table is None:
            return set()
        return {one for one in transactions if table.transaction_version(one) is not None}

    def version_of(self, name: str, transaction: str) -> int:
        """The version that a committed transaction made; -1 for one that was never committed."""
        table = self._open(name)
        made = None if table is None else table.transaction_version(transaction)
        return -1 if made is None else made

    def files_before(self, name: str, transaction: str) -> list[str]:
        """The files current just before a transaction committed; the current ones if it has not."""
        table = self._open(name)
        if table is None:
            return []
        committed = table.transaction_version(transaction)
        if committed is not None:
            table.load_as_version(committed - 1)
        return sorted(table.file_uris())

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
        delta = self._open(table.name) or self._create(table)
        # The version of the commit itself, which `files_before` reads back: one writer at a time.
        marked = Transaction(transaction, delta.version() + 1)
        properties = CommitProperties(app_transactions=[marked])
        delta.create_write_transaction(
            [*adds, *removes], mode="append", schema=delta_schema(table), commit_properties=properties
        )

    def compact(self, name: str) -> int:
        """Join small files; returns how many files were joined. Old versions stay readable."""
        table = self._open(name)
        if table is None:
            return 0
        return int(table.optimize.compact()["numFilesRemoved"])

    def _create(self, table: Table) -> "DeltaTable":
        from deltalake import DeltaTable

        folder = self.folder(table.name)
        folder.mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(folder, delta_schema(table), mode="ignore", description=table.doc)

    def _open(self, name: str) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        self._wait_for_exchange()
        folder = self.folder(name).resolve()
        if not (folder / "_delta_log").is_dir() or not DeltaTable.is_deltatable(str(folder)):
            return None
        try:
            return DeltaTable(folder)
        except DeltaError as error:
            raise BackendError(
                f"The table '{name}' cannot be read",
                received=error,
                do="Run `foresell store verify`, then `foresell rebuild`, which derives it again.",
            ) from error

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
    from deltalake.schema import Field, PrimitiveType, Schema

    return Schema([Field(c.name, PrimitiveType(DELTA_TYPES[c.type])) for c in table.columns])
