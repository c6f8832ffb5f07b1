"""MySQL and MariaDB as a target: rows go into a table beside, and RENAME TABLE exchanges the two at once.

A statement that makes a table ends a transaction there, and LOAD DATA is often forbidden: hence INSERTs of
many rows, committed a batch at a time, into a table that nobody reads. Its name follows from the other's, so
that the next export removes what a crash has left. Views go on; triggers of the old table are lost.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from foresell.contracts.columns import Column
from foresell.contracts.errors import DeniedError, ForesellError, InputError, NotFoundError
from foresell.sources.sql.address import Address
from foresell.sources.sql.mysql import LOST, NOT_ALLOWED, connected, error_code, said_by
from foresell.sources.sql.target import (
    LOCK_SECONDS,
    MARK,
    Standing,
    broken_off,
    raise_busy,
    require_replaceable,
    require_short,
    table_parts,
)
from foresell.sources.sql.target_values import python_rows, require_finite, vectors_as_text, without_zones
from foresell.store.crash_points import reached
from foresell.store.engine import literal

if TYPE_CHECKING:
    import pyarrow as pa
    import pymysql

TYPES = {
    "string": "LONGTEXT",
    "decimal": "DECIMAL(18,4)",
    "timestamp": "DATETIME(6)",
    "date": "DATE",
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "json": "JSON",
    "floats": "JSON",
}
# Nothing is cut or bent to fit; a double quote is what it is elsewhere.
STRICT = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', lock_wait_timeout = %d"
# Ids that differ in case or accents are different.
TABLE_OPTIONS = f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT={literal(MARK)}"
MOST_LETTERS = 64
# Well below the smallest packet that a server takes unless it is told otherwise (1 MiB), at the most rows.
STATEMENT_BYTES, STATEMENT_ROWS = 256 << 10, 1000
LOCK_WAIT, NO_DATABASE = 1205, (1044, 1049)
FIND = """
    SELECT table_name, table_type, table_comment FROM information_schema.tables
    WHERE table_schema = %s AND table_name = %s
"""


def open_target(address: Address) -> "MySQLTarget":
    """See `writing.write_table`."""
    return MySQLTarget(connected(address, STRICT % LOCK_SECONDS), address)


class MySQLTarget:
    """A connection to MySQL or MariaDB; see `target.Target`."""

    def __init__(self, connection: "pymysql.Connection[Any]", address: Address) -> None:
        self._connection = connection
        self._address = address

    def replace(
        self, table: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", *, is_forced: bool
    ) -> int:
        import pymysql

        parts = table_parts(table)
        for part in parts:
            require_short(part, len(part), MOST_LETTERS)
        schema, name = (parts[0] if len(parts) == 2 else self._address.database, parts[-1])
        try:
            self._lock(schema, name)
            standing = self._standing(schema, name)
            require_replaceable(standing, f"{schema}.{name} in {self._address.place}", is_forced=is_forced)
            return self._exchange(schema, name, columns, batches, is_there=standing is not None)
        except (pymysql.Error, OSError) as error:
            self._explain(error, table)

    def _exchange(
        self,
        schema: str,
        name: str,
        columns: Sequence[Column],
        batches: "Iterable[pa.RecordBatch]",
        *,
        is_there: bool,
    ) -> int:
        own, new, old = (_quoted(schema, one) for one in (name, *_names_beside(schema, name)))
        # Left by a crash; whoever is writing them now holds the lock.
        self._execute(f"DROP TABLE IF EXISTS {new}, {old}")
        try:
            typed = ", ".join(f"{_quoted(column.name)} {_type(column)}" for column in columns)
            self._execute(f"CREATE TABLE {new} ({typed}) {TABLE_OPTIONS}")
            num_rows = self._insert(new, len(columns), batches)
            reached("export.written")
            aside = f"{own} TO {old}, " if is_there else ""
            self._execute(f"RENAME TABLE {aside}{new} TO {own}")
        except BaseException:
            with suppress(Exception):
                self._execute(f"DROP TABLE IF EXISTS {new}")
            raise
        self._execute(f"DROP TABLE IF EXISTS {old}")
        return num_rows

    def _insert(self, table: str, num_columns: int, batches: "Iterable[pa.RecordBatch]") -> int:
        num_rows = 0
        row = f"({', '.join(['%s'] * num_columns)})"
        start = f"INSERT INTO {table} VALUES ".replace("%", "%%")
        for batch in batches:
            require_finite(batch, "MySQL")
            plain = without_zones(vectors_as_text(batch))
            for rows in _statements(python_rows(plain), plain.nbytes):
                values = [value for one in rows for value in one]
                self._execute(start + ", ".join([row] * len(rows)), values)
            self._connection.commit()
            num_rows += batch.num_rows
            reached("export.batch_written")
        return num_rows

    def _lock(self, schema: str, name: str) -> None:
        """Another export of this table waits. The lock goes with the connection."""
        key = hashlib.sha256(f"{schema}.{name}".encode()).hexdigest()[:40]
        [(is_held,)] = self._execute("SELECT GET_LOCK(%s, %s)", (f"foresell {key}", LOCK_SECONDS))
        if str(is_held) != "1":
            raise_busy(f"{schema}.{name} in {self._address.place}", "another export is writing it")

    def _standing(self, schema: str, name: str) -> Standing | None:
        [(folds,)] = self._execute("SELECT @@lower_case_table_names")
        for found, kind, comment in self._execute(FIND, (schema, name)):
            # The catalog compares without regard to case, whatever the server does.
            if found == name or str(folds) != "0":
                is_ours = (comment or "").startswith(MARK)
                return Standing(is_table=kind == "BASE TABLE", is_ours=is_ours, has_columns=False)
        return None

    def _execute(self, text: str, parameters: Sequence[object] = ()) -> Sequence[Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(text, parameters or None)
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
            return rows

    def close(self) -> None:
        import pymysql

        with suppress(pymysql.Error):
            self._connection.close()

    def _explain(self, error: Exception, table: str) -> NoReturn:
        if error_code(error) == LOCK_WAIT:
            raise_busy(f"{table} in {self._address.place}", said_by(error))
        if not self._connection.open or error_code(error) in LOST or not error.args:
            raise broken_off(self._address, said_by(error)) from error
        raise _refused(self._address, error) from error


def _names_beside(schema: str, name: str) -> tuple[str, str]:
    """The names that a table has while it is written, and while it is replaced."""
    key = hashlib.sha256(f"{schema}.{name}".encode()).hexdigest()[:24]
    return f"_foresell_new_{key}", f"_foresell_old_{key}"


def _quoted(*parts: str) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def _type(column: Column) -> str:
    said = " COMMENT 'UTC'" if column.type == "timestamp" else ""
    return f"{TYPES[column.type]}{said}"


def _statements(rows: Sequence[tuple[object, ...]], num_bytes: int) -> Iterator[Sequence[tuple[object, ...]]]:
    """Rows in pieces that one statement each can carry. `num_bytes`: of all rows together."""
    if not rows:
        return
    # As text a number takes up to three times its bytes.
    size = max(1, min(STATEMENT_ROWS, STATEMENT_BYTES * len(rows) // (3 * num_bytes or 1)))
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def _refused(address: Address, error: Exception) -> ForesellError:
    said = said_by(error)
    if error_code(error) in NO_DATABASE:
        return NotFoundError(
            f"That schema is not in {address.place}, or the user may not write there",
            received=said,
            do="Make it with CREATE DATABASE, and grant the user CREATE, DROP, ALTER, INSERT and SELECT.",
        )
    if error_code(error) in NOT_ALLOWED:
        return DeniedError(
            f"{address.place} does not allow this user to write there",
            received=said,
            do="Grant the user CREATE, DROP, ALTER, INSERT and SELECT.",
        )
    return InputError(
        f"{address.place} did not take the rows", received=said, do="Nothing was changed there."
    )
