"""PostgreSQL: rows come by COPY, which is the fastest way out and writes every value exactly."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from foresell.contracts.errors import (
    DeniedError,
    NotFoundError,
    did_you_mean,
)
from foresell.sources.sql.address import Address, given_password
from foresell.sources.sql.copy_stream import CopyStream, Line
from foresell.sources.sql.database import (
    PARAMETER,
    ConnectionLostError,
    OrderKind,
    OrderValue,
    SourceColumn,
    Statement,
    first_line,
    missing_driver,
)
from foresell.sources.sql.postgresql_errors import not_connected, refused
from foresell.store.engine import quoted

if TYPE_CHECKING:
    import psycopg

# libpq's own options that a URL may set; passwords come from the environment, ~/.pgpass or a service file.
OPTIONS = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslsni", "sslnegotiation"),
    *("ssl_min_protocol_version", "channel_binding", "gssencmode", "krbsrvname", "require_auth"),
    *("connect_timeout", "application_name", "target_session_attrs", "hostaddr", "service", "host"),
)
CONNECT_SECONDS = 15
# What makes the server write the same text whatever its settings are.
SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET statement_timeout = 0; "
    "SET idle_in_transaction_session_timeout = 0"
)
# One view of the data for all statements, and no statement that writes.
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
TYPES = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}
NOT_ORDERED = ("bytea", "json", "xml", "point", "box", "polygon", "money")
ORDER_KINDS: dict[str, OrderKind] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "numeric", "float4", "float8"), "number"),
    "date": "date",
    "timestamp": "time",
    "timestamptz": "zoned",
}
MOST_DIGITS = 38
TABLES = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT starts_with(n.nspname, 'pg_') AND n.nspname <> 'information_schema' ORDER BY 1
"""


def open_database(address: Address) -> "PostgreSQL":
    """See `sql.open_database`."""
    connection = connected(address, READING)
    return PostgreSQL(connection, address)


def connected(address: Address, *statements: str) -> "psycopg.Connection[Any]":
    """A connection on which statements were executed. Errors: those of `sql.open_database`."""
    try:
        import psycopg
    except ImportError as error:
        raise missing_driver("PostgreSQL", "postgres") from error
    address.require_options(OPTIONS)
    given: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": given_password("PGPASSWORD"),
        "dbname": address.database,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "foresell",
        **address.options,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        connection = psycopg.connect("", autocommit=True, **chosen)
        for statement in (SESSION, *statements):
            connection.execute(statement)
    except psycopg.Error as error:
        raise not_connected(address, error) from error
    return connection


class PostgreSQL:
    """A connection to PostgreSQL; see `database.Database`."""

    is_reader_blocking = False

    def __init__(self, connection: "psycopg.Connection[Any]", address: Address) -> None:
        self._connection = connection
        self._address = address

    def quoted(self, name: str) -> str:
        return quoted(name)

    def nulls_first(self, name: str) -> str:
        return f"{name} NULLS FIRST"

    def relation(self, table: str) -> str:
        parts = table.split(".")
        [(found,)] = self._rows("SELECT to_regclass(%s)::oid", (".".join(quoted(part) for part in parts),))
        if found is None:
            names = [name for (name,) in self._rows(TABLES)]
            if len(parts) == 1:
                names = [name.removeprefix("public.") for name in names]
            if table in names:
                raise DeniedError(
                    f"The user of the database may not look into the schema of '{table}'",
                    received=self._address.place,
                    do="Grant the user USAGE on the schema and SELECT on its tables.",
                )
            raise NotFoundError(
                f"There is no table '{table}' in {self._address.place}", do=did_you_mean(table, names)
            )
        return ".".join(quoted(part) for part in parts)

    def columns(self, relation: str) -> list[SourceColumn]:
        import psycopg

        try:
            # The extended protocol takes one statement only, so that nothing can follow the query.
            described = self._connection.execute(f"SELECT * FROM {relation} LIMIT 0", binary=True).description
        except psycopg.Error as error:
            self._explain(error)
        return [self._column(column) for column in described or ()]

    def _column(self, column: Any) -> SourceColumn:
        info = self._connection.adapters.types.get(column.type_code)
        type_name = info.name if info else ""
        name, select = column.name, quoted(column.name)
        if info is not None and info.array_oid == column.type_code:
            return SourceColumn(name, "VARCHAR", f"array_to_json({select})")
        if type_name == "numeric":
            precision, scale = column.precision, column.scale
            fits = precision is not None and precision <= MOST_DIGITS and 0 <= (scale or 0) <= precision
            kind = f"DECIMAL({precision}, {scale or 0})" if fits else "VARCHAR"
            return SourceColumn(name, kind, select, "number")
        selects = {"bytea": f"encode({select}, 'hex')", "money": f"{select}::numeric"}
        return SourceColumn(
            name,
            TYPES.get(type_name, "VARCHAR"),
            selects.get(type_name, select),
            None if type_name in NOT_ORDERED else ORDER_KINDS.get(type_name, "text"),
        )

    def primary_key(self, table: str) -> tuple[str, ...]:
        name = ".".join(quoted(part) for part in table.split("."))
        rows = self._rows(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
            "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = to_regclass(%s) AND i.indisprimary "
            "ORDER BY array_position(i.indkey::int2[], a.attnum)",
            (name,),
        )
        return tuple(name for (name,) in rows)

    def now(self) -> datetime:
        [(now,)] = self._rows("SELECT clock_timestamp()")
        return now.astimezone(UTC)  # type: ignore[no-any-return]

    def value(self, statement: Statement) -> OrderValue:
        # As text, which is written back exactly.
        [(found,)] = self._rows(f"SELECT (({self._written(statement)}))::text")
        return None if found is None else str(found)

    def stream(self, statement: Statement, columns: Sequence[SourceColumn]) -> CopyStream:
        copy = f"COPY ({self._written(statement)}) TO STDOUT (FORMAT csv)"
        return CopyStream(self._copied(copy), [column.name for column in columns])

    def _written(self, statement: Statement) -> str:
        """A statement with its parameters as literals by the driver: COPY takes no parameters."""
        from psycopg.sql import Literal

        literals = [Literal(str(value)).as_string(self._connection) for value in statement.parameters]
        pieces = statement.sql.split(PARAMETER)
        return "".join(a + b for a, b in zip(pieces, [*literals, ""], strict=True))

    def renew(self) -> None:
        import psycopg

        try:
            # What a query may have set goes with its transaction.
            self._connection.execute("ROLLBACK")
            self._connection.execute(READING)
        except psycopg.Error as error:
            raise ConnectionLostError(first_line(error)) from error

    def close(self) -> None:
        self._connection.close()

    def _copied(self, text: str) -> Iterator[Line]:
        """What COPY sends: one row at a time. ConnectionLostError if the connection ends."""
        import psycopg

        try:
            with self._connection.cursor() as cursor, cursor.copy(text) as copy:
                yield from copy
        except psycopg.Error as error:
            self._explain(error)

    def _rows(self, text: str, parameters: Sequence[OrderValue] = ()) -> list[tuple[Any, ...]]:
        import psycopg

        try:
            # Without parameters a percent sign in a query is what it is.
            return self._connection.execute(text, parameters or None).fetchall()
        except psycopg.Error as error:
            self._explain(error)

    def _explain(self, error: "psycopg.Error") -> NoReturn:
        import psycopg

        # Also where a standby or somebody else ended the statement only: another connection goes on.
        if self._connection.closed or isinstance(error, psycopg.OperationalError):
            raise ConnectionLostError(first_line(error)) from error
        raise refused(self._address, error) from error
