"""SQLite as a target: one transaction. The file is made if it is not there, for its owner's eyes."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from foresell.contracts.columns import Column
from foresell.contracts.errors import BackendError, InputError, NotFoundError
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import first_line
from foresell.sources.sql.target import (
    LOCK_SECONDS,
    MARK,
    Standing,
    raise_busy,
    require_replaceable,
    table_parts,
)
from foresell.sources.sql.target_values import (
    decimals_as_text,
    python_rows,
    require_finite,
    times_as_text,
    typed_columns,
    vectors_as_text,
)
from foresell.store.crash_points import reached
from foresell.store.engine import quoted

if TYPE_CHECKING:
    import pyarrow as pa

TYPES = {
    "string": "TEXT",
    "decimal": "TEXT",
    "timestamp": "TEXT",
    "date": "TEXT",
    "integer": "INTEGER",
    "float": "REAL",
    "boolean": "INTEGER",
    "json": "TEXT",
    "floats": "TEXT",
}
HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def open_target(address: Address) -> "SQLiteTarget":
    """See `writing.write_table`."""
    address.require_options(())
    path = Path(address.database)
    if not path.absolute().parent.is_dir():
        raise NotFoundError(f"There is no folder {path.absolute().parent}", do="Make it, or choose another.")
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise BackendError(
            f"{address.place} cannot be written", received=error, do="Check the folder's permissions."
        ) from error
    return SQLiteTarget(connection, address)


class SQLiteTarget:
    """A connection to a SQLite file; see `target.Target`."""

    def __init__(self, connection: sqlite3.Connection, address: Address) -> None:
        self._connection = connection
        self._address = address

    def replace(
        self, table: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", *, is_forced: bool
    ) -> int:
        [name] = table_parts(table, most_parts=1)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._make_room(name, columns, is_forced=is_forced)
            num_rows = self._insert(name, columns, batches)
            reached("export.written")
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._explain(error, table)
        return num_rows

    def _make_room(self, name: str, columns: Sequence[Column], *, is_forced: bool) -> None:
        standing = self._standing(name, columns)
        require_replaceable(standing, f"{name} in {self._address.place}", is_forced=is_forced)
        if standing is not None and standing.is_ours and standing.has_columns:
            self._connection.execute(f"DELETE FROM {quoted(name)}")
            return
        if standing is not None:
            self._connection.execute(f"DROP TABLE {quoted(name)}")
        typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in typed_columns(columns, TYPES))
        self._connection.execute(f"CREATE TABLE {quoted(name)} (/* {MARK} */ {typed})")

    def _standing(self, name: str, columns: Sequence[Column]) -> Standing | None:
        found = self._connection.execute(
            "SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type <> 'trigger'", (name,)
        ).fetchone()
        if found is None:
            return None
        kind, text = found
        # Position, name, type, not null, default, place in the primary key.
        described = self._connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        return Standing(
            is_table=kind == "table",
            is_ours=f"(/* {MARK} */" in (text or ""),
            has_columns=[(row[1], row[2]) for row in described] == typed_columns(columns, TYPES),
        )

    def _insert(self, name: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]") -> int:
        num_rows = 0
        statement = f"INSERT INTO {quoted(name)} VALUES ({', '.join('?' * len(columns))})"
        for batch in batches:
            require_finite(batch, "SQLite")
            plain = decimals_as_text(times_as_text(vectors_as_text(batch)))
            self._connection.executemany(statement, python_rows(plain))
            num_rows += batch.num_rows
            reached("export.batch_written")
        return num_rows

    def close(self) -> None:
        # What is not committed is undone.
        self._connection.close()

    def _explain(self, error: sqlite3.Error, table: str) -> NoReturn:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in HELD:
            raise_busy(f"{table} in {self._address.place}", first_line(error))
        if code in UNWRITABLE:
            raise BackendError(
                f"{self._address.place} cannot be written",
                received=first_line(error),
                do="Check permissions and free disk space. The table there is as it was.",
            ) from error
        raise InputError(
            f"{self._address.place} did not take the rows",
            received=first_line(error),
            do="Check that it is a SQLite database. Nothing was changed there.",
        ) from error
