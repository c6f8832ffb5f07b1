"""SQLite, opened to read only. There values have types, and columns have none: every column comes as text."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from foresell.contracts.errors import BackendError, InputError, NotFoundError, did_you_mean
from foresell.sources.guessing import is_gb
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import (
    PARAMETER,
    ConnectionLostError,
    OrderValue,
    SourceColumn,
    Statement,
    first_line,
)
from foresell.sources.sql.fetched_rows import FetchedRows, plain_order
from foresell.store.engine import quoted

WAIT_SECONDS = 30
ALLOWED = (
    *(sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE),
    sqlite3.SQLITE_TRANSACTION,
)
OWN_PRAGMAS = ("table_info", "journal_mode")


def open_database(address: Address) -> "SQLite":
    """See `sql.open_database`."""
    address.require_options(())
    path = Path(address.database)
    if not path.is_file():
        raise NotFoundError(f"There is no database {path}", do="Check the path: sqlite:////data/shop.db.")
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS, isolation_level=None
        )
        connection.text_factory = _decoded
        # The query is the user's, yet no other file is attached and nothing is set.
        connection.set_authorizer(_authorize)
        connection.execute("BEGIN")
        [(journal,)] = connection.execute("PRAGMA journal_mode").fetchall()
        return SQLite(connection, address, is_reader_blocking=journal != "wal")
    except sqlite3.Error as error:
        raise _unreadable(address, error) from error


def _authorize(
    action: int, first: str | None, _second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action in ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in OWN_PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


class SQLite:
    """A connection to a SQLite file; see `database.Database`."""

    def __init__(self, connection: sqlite3.Connection, address: Address, *, is_reader_blocking: bool) -> None:
        self._connection = connection
        self._address = address
        self.is_reader_blocking = is_reader_blocking

    def quoted(self, name: str) -> str:
        return quoted(name)

    def nulls_first(self, name: str) -> str:
        return name

    def relation(self, table: str) -> str:
        names = [
            name
            for (name,) in self._rows(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
            )
        ]
        if table.lower() not in (name.lower() for name in names):
            raise NotFoundError(
                f"There is no table '{table}' in {self._address.place}", do=did_you_mean(table, names)
            )
        return quoted(table)

    def columns(self, relation: str) -> list[SourceColumn]:
        described = self._executed(f"SELECT * FROM {relation} LIMIT 0").description
        return [SourceColumn(name, "VARCHAR", quoted(name), "text") for name, *_ in described]

    def primary_key(self, table: str) -> tuple[str, ...]:
        # Position, name, type, not null, default, place in the primary key.
        described = self._rows(f"PRAGMA table_info({quoted(table)})")
        return tuple(name for place, name in sorted((row[5], row[1]) for row in described) if place > 0)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def value(self, statement: Statement) -> OrderValue:
        [(found,)] = self._rows(statement.sql.replace(PARAMETER, "?"), statement.parameters)
        return plain_order(found, "watermark")

    def stream(self, statement: Statement, columns: Sequence[SourceColumn]) -> FetchedRows:
        cursor = self._executed(statement.sql.replace(PARAMETER, "?"), statement.parameters)

        def fetch(num_rows: int) -> Sequence[Sequence[Any]]:
            try:
                return cursor.fetchmany(num_rows)
            except sqlite3.Error as error:
                self._explain(error)

        names = [column.name for column in columns]
        return FetchedRows(
            fetch,
            names,
            lambda _place, values: [_text(value) for value in values],
            lambda place, value: plain_order(value, names[place]),
        )

    def renew(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise ConnectionLostError(first_line(error)) from error

    def close(self) -> None:
        self._connection.close()

    def _rows(self, text: str, parameters: Sequence[OrderValue] = ()) -> list[tuple[Any, ...]]:
        return self._executed(text, parameters).fetchall()

    def _executed(self, text: str, parameters: Sequence[OrderValue] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(text, parameters)
        except sqlite3.Error as error:
            self._explain(error)

    def _explain(self, error: sqlite3.Error) -> NoReturn:
        raise _unreadable(self._address, error) from error


def _decoded(data: bytes) -> str:
    """SQLite keeps as text whatever bytes a program called so; a few broken ones are no reason to stop."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("gb18030" if is_gb(data) else "utf-8", errors="replace")


def _text(value: Any) -> str | None:
    """Numbers in the fewest digits that mean exactly them, bytes in hexadecimal digits."""
    if value is None or isinstance(value, str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _unreadable(address: Address, error: sqlite3.Error) -> BackendError | InputError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return BackendError(
            f"{address.place} cannot be read now",
            received=first_line(error),
            do="Check its permissions, and that no other program holds it; then import again: it goes on.",
        )
    return InputError(
        f"{address.place} cannot read this",
        received=first_line(error),
        do="Check that it is a SQLite database, and the query, the watermark and the key.",
    )
