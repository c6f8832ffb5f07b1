"""PostgreSQL as a target: one transaction that takes the old rows out and COPYs the new ones in.

Rows of a table with the same columns are deleted, not truncated: readers go on with the old rows and wait for
nobody, and grants, views and indexes stay. Another table is dropped and made anew, in the same transaction.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from foresell.contracts.columns import Column
from foresell.contracts.errors import DeniedError, ForesellError, InputError, NotFoundError, did_you_mean
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import first_line
from foresell.sources.sql.postgresql import connected
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
from foresell.sources.sql.target_values import typed_columns, vectors_as_text
from foresell.store.crash_points import reached
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

# As `format_type` writes them.
TYPES = {
    "string": "text",
    "decimal": "numeric(18,4)",
    "timestamp": "timestamp with time zone",
    "date": "date",
    "integer": "bigint",
    "float": "double precision",
    "boolean": "boolean",
    "json": "json",
    "floats": "real[]",
}
MOST_BYTES = 63
FIND = """
    SELECT c.oid, c.relkind, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
DESCRIBE = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_') ORDER BY 1"


def open_target(address: Address) -> "PostgreSQLTarget":
    """See `writing.write_table`."""
    return PostgreSQLTarget(connected(address), address)


class PostgreSQLTarget:
    """A connection to PostgreSQL; see `target.Target`."""

    def __init__(self, connection: "psycopg.Connection[Any]", address: Address) -> None:
        self._connection = connection
        self._address = address

    def replace(
        self, table: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", *, is_forced: bool
    ) -> int:
        import psycopg

        parts = table_parts(table)
        for part in parts:
            require_short(part, len(part.encode()), MOST_BYTES)
        try:
            with self._connection.transaction():
                self._connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                schema, name = self._place(parts)
                self._make_room(schema, name, columns, is_forced=is_forced)
                num_rows = self._copy(f"{quoted(schema)}.{quoted(name)}", columns, batches)
                reached("export.written")
        except psycopg.Error as error:
            self._explain(error, table)
        return num_rows

    def _place(self, parts: Sequence[str]) -> tuple[str, str]:
        if len(parts) == 1:
            [(schema,)] = self._rows("SELECT current_schema()")
            if schema is None:
                raise NotFoundError(
                    f"No schema of {self._address.place} is open to this user", do="Name one: schema.table."
                )
            return schema, parts[0]
        schemas = [name for (name,) in self._rows(SCHEMAS)]
        if parts[0] not in schemas:
            raise NotFoundError(
                f"There is no schema '{parts[0]}' in {self._address.place}",
                do=f"{did_you_mean(parts[0], schemas)} Make it with CREATE SCHEMA, or choose another.",
            )
        return parts[0], parts[1]

    def _make_room(self, schema: str, name: str, columns: Sequence[Column], *, is_forced: bool) -> None:
        """An empty table with these columns, in this transaction; another export of it waits."""
        where, relation = f"{schema}.{name}", f"{quoted(schema)}.{quoted(name)}"
        self._rows("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"foresell {where}",))
        standing = self._standing(schema, name, columns)
        require_replaceable(standing, f"{where} in {self._address.place}", is_forced=is_forced)
        if standing is not None and standing.is_ours and standing.has_columns:
            self._connection.execute(f"DELETE FROM {relation}")
            return
        if standing is not None:
            self._connection.execute(f"DROP TABLE {relation}")
        typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in typed_columns(columns, TYPES))
        self._connection.execute(f"CREATE TABLE {relation} ({typed})")
        self._connection.execute(f"COMMENT ON TABLE {relation} IS {literal(MARK)}")

    def _standing(self, schema: str, name: str, columns: Sequence[Column]) -> Standing | None:
        found = self._rows(FIND, (schema, name))
        if not found:
            return None
        [(number, kind, comment)] = found
        described = self._rows(DESCRIBE, (number,))
        return Standing(
            is_table=kind in ("r", "p", b"r", b"p"),
            is_ours=(comment or "").startswith(MARK),
            has_columns=described == typed_columns(columns, TYPES),
        )

    def _copy(self, relation: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]") -> int:
        listed = ", ".join(quoted(column.name) for column in columns)
        num_rows = 0
        text = f"COPY {relation} ({listed}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
        with self._connection.cursor() as cursor, cursor.copy(text) as copy:
            for batch in batches:
                copy.write(_csv_lines(vectors_as_text(batch, "{", "}")))
                num_rows += batch.num_rows
                reached("export.batch_written")
        return num_rows

    def _rows(self, text: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(text, parameters or None).fetchall()

    def close(self) -> None:
        self._connection.close()

    def _explain(self, error: "psycopg.Error", table: str) -> NoReturn:
        import psycopg.errors as known

        if isinstance(error, known.LockNotAvailable):
            raise_busy(f"{table} in {self._address.place}", first_line(error))
        if self._connection.closed or isinstance(error, known.OperationalError):
            raise broken_off(self._address, first_line(error)) from error
        raise _refused(self._address, error) from error


def _csv_lines(batch: "pa.RecordBatch") -> bytes:
    """CSV in which null is nothing, and every text stands in quotes."""
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(batch, sink, csv.WriteOptions(include_header=False, quoting_style="needed"))
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _refused(address: Address, error: "psycopg.Error") -> ForesellError:
    import psycopg.errors as known

    said = first_line(error)
    if isinstance(error, known.InsufficientPrivilege | known.ReadOnlySqlTransaction):
        return DeniedError(
            f"{address.place} does not allow this user to write there",
            received=said,
            do="Grant USAGE and CREATE on the schema; a table that is there must be the user's own.",
        )
    if isinstance(error, known.DependentObjectsStillExist):
        return InputError(
            "The table has other columns now, and other objects rest on the old one",
            received=said,
            do="Drop them first, or choose another name with --table.",
        )
    return InputError(
        f"{address.place} did not take the rows", received=said, do="Nothing was changed there."
    )
