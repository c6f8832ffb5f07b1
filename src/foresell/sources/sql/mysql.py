"""MySQL and MariaDB: rows come unbuffered, every value as the text that the server writes."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from foresell.contracts.errors import (
    BackendError,
    DeniedError,
    ForesellError,
    InputError,
    NotFoundError,
    did_you_mean,
)
from foresell.sources.sql.address import PASSWORD_VARIABLE, Address, given_password
from foresell.sources.sql.database import (
    PARAMETER,
    ConnectionLostError,
    OrderKind,
    OrderValue,
    SourceColumn,
    Statement,
    missing_driver,
)
from foresell.sources.sql.fetched_rows import FetchedRows, plain_order

if TYPE_CHECKING:
    import pymysql

TLS_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity", "ssl_disabled")
FLAGS = ("ssl_verify_cert", "ssl_verify_identity", "ssl_disabled")
OPTIONS = (*TLS_OPTIONS, "unix_socket", "connect_timeout")
CONNECT_SECONDS = 15
# A sort of a large table may take long before its first row comes.
READ_SECONDS = 3600
UTC_SESSION = "SET SESSION time_zone = '+00:00', net_write_timeout = 3600, wait_timeout = 28800"
READING = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    # One view of the data for all statements, and no statement that writes.
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
# The server's numbers of types (https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html).
WHOLE = {1: "TINYINT", 2: "SMALLINT", 3: "INTEGER", 8: "BIGINT", 9: "INTEGER", 13: "SMALLINT"}
FLOATS = {4: "FLOAT", 5: "DOUBLE"}
DECIMALS, TIMESTAMPS, DATES, DATE_TIMES, BITS = (0, 246), (7, 17), (10, 14), (12, 18), 16
TEXTS = (15, 249, 250, 251, 252, 253, 254)
BINARY, UNSIGNED = 63, 32
SHORT_DECIMAL, MOST_DIGITS = 18, 38

# Errors after which the connection is gone or its statement ended; another one goes on.
LOST = (1053, 1152, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 2055, 3169, 4031)
WRONG_PASSWORD, NO_DATABASE, NOT_ALLOWED = (1045, 1698), (1044, 1049), (1142, 1143, 1227, 1370, 1792)


def open_database(address: Address) -> "MySQL":
    """See `sql.open_database`."""
    return MySQL(connected(address, *READING), address)


def connected(address: Address, *statements: str) -> "pymysql.Connection[Any]":
    """A connection on which statements were executed. Errors: those of `sql.open_database`."""
    try:
        import pymysql
        from pymysql.converters import conversions
    except ImportError as error:
        raise missing_driver("MySQL", "mysql") from error
    address.require_options(OPTIONS)
    options: dict[str, Any] = dict(address.options)
    options |= {name: options[name].lower() in ("1", "true", "yes", "") for name in FLAGS if name in options}
    try:
        connection = pymysql.connect(
            host=address.host or "localhost",
            port=address.port or 3306,
            user=address.user,
            password=given_password("MYSQL_PWD") or "",
            database=address.database,
            charset="utf8mb4",
            # Values stay as the server writes them.
            conv={kind: convert for kind, convert in conversions.items() if not isinstance(kind, int)},
            read_timeout=READ_SECONDS,
            **{**options, "connect_timeout": int(options.get("connect_timeout", CONNECT_SECONDS))},
        )
        for statement in (UTC_SESSION, *statements):
            connection.cursor().execute(statement)
    except (pymysql.Error, OSError, ValueError) as error:
        raise _not_connected(address, error) from error
    return connection


class MySQL:
    """A connection to MySQL or MariaDB; see `database.Database`."""

    is_reader_blocking = False

    def __init__(self, connection: "pymysql.Connection[Any]", address: Address) -> None:
        self._connection = connection
        self._address = address

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def nulls_first(self, name: str) -> str:
        return name

    def relation(self, table: str) -> str:
        parts = table.split(".")
        schema, name = (parts[0], parts[-1]) if len(parts) == 2 else (self._address.database, table)
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1"
        names = [str(row[0]) for row in self._rows(listed, (schema,))]
        if name not in names:
            raise NotFoundError(
                f"There is no table '{table}' in {self._address.place}, or the user may not see it",
                do=did_you_mean(name, names),
            )
        return f"{self.quoted(schema)}.{self.quoted(name)}"

    def columns(self, relation: str) -> list[SourceColumn]:
        cursor = self._executed(f"SELECT * FROM {relation} LIMIT 0", (), is_buffered=True)
        return [_column(field, self.quoted(field.name)) for field in cursor._result.fields]

    def primary_key(self, table: str) -> tuple[str, ...]:
        parts = table.split(".")
        schema, name = (parts[0], parts[-1]) if len(parts) == 2 else (self._address.database, table)
        rows = self._rows(
            "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = %s "
            "AND table_name = %s AND constraint_name = 'PRIMARY' ORDER BY ordinal_position",
            (schema, name),
        )
        return tuple(str(row[0]) for row in rows)

    def now(self) -> datetime:
        [(now,)] = self._rows("SELECT utc_timestamp(6)", ())
        return datetime.fromisoformat(str(now)).replace(tzinfo=UTC)

    def value(self, statement: Statement) -> OrderValue:
        cursor = self._executed(*_written(statement), is_buffered=True)
        return _order_value(cursor._result.fields[0], cursor.fetchall()[0][0])

    def stream(self, statement: Statement, columns: Sequence[SourceColumn]) -> FetchedRows:
        import pymysql

        cursor = self._executed(*_written(statement), is_buffered=False)
        fields = cursor._result.fields

        def fetch(num_rows: int) -> Sequence[Sequence[Any]]:
            try:
                fetched: Sequence[Sequence[Any]] = cursor.fetchmany(num_rows)
            except (pymysql.Error, AttributeError, OSError) as error:
                # A connection that was closed meanwhile has no file to read from.
                self._explain(error)
            return fetched

        return FetchedRows(
            fetch,
            [column.name for column in columns],
            lambda place, values: _texts(fields[place], values),
            lambda place, value: _order_value(fields[place], value),
        )

    def renew(self) -> None:
        import pymysql

        try:
            for statement in ("ROLLBACK", *READING):
                self._connection.cursor().execute(statement)
        except (pymysql.Error, AttributeError, OSError) as error:
            raise ConnectionLostError(said_by(error)) from error

    def close(self) -> None:
        import pymysql

        # The driver would first read all that an unbuffered result still holds.
        result = getattr(self._connection, "_result", None)
        if result is not None:
            result.unbuffered_active = False
        with suppress(pymysql.Error):
            self._connection.close()

    def _rows(self, text: str, parameters: Sequence[OrderValue]) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = self._executed(text, parameters, is_buffered=True).fetchall()
        return rows

    def _executed(self, text: str, parameters: Sequence[OrderValue], *, is_buffered: bool) -> Any:
        import pymysql
        from pymysql.cursors import Cursor, SSCursor

        cursor = self._connection.cursor(Cursor if is_buffered else SSCursor)
        try:
            # Without parameters a percent sign in a query is what it is.
            cursor.execute(text, parameters or None)
        except (pymysql.Error, OSError) as error:
            self._explain(error)
        return cursor

    def _explain(self, error: Exception) -> NoReturn:
        if not self._connection.open or error_code(error) in LOST or not error.args:
            raise ConnectionLostError(said_by(error)) from error
        raise _refused(self._address, error) from error


def _written(statement: Statement) -> tuple[str, tuple[OrderValue, ...]]:
    if not statement.parameters:
        return statement.sql, ()
    return statement.sql.replace("%", "%%").replace(PARAMETER, "%s"), statement.parameters


def _column(field: Any, quoted_name: str) -> SourceColumn:
    code, is_binary = field.type_code, field.charsetnr == BINARY
    if code in WHOLE:
        unsigned = "U" if field.flags & UNSIGNED and code != 13 else ""
        return SourceColumn(field.name, f"{unsigned}{WHOLE[code]}", quoted_name, "number")
    if code in DECIMALS:
        # The length counts a sign and a point.
        digits = SHORT_DECIMAL if field.length - 2 <= SHORT_DECIMAL else MOST_DIGITS
        return SourceColumn(field.name, f"DECIMAL({digits}, {field.scale})", quoted_name, "number")
    if code in FLOATS:
        return SourceColumn(field.name, FLOATS[code], quoted_name, "number")
    times: dict[int, tuple[str, OrderKind]] = {
        **dict.fromkeys(TIMESTAMPS, ("TIMESTAMPTZ", "utc")),
        **dict.fromkeys(DATE_TIMES, ("TIMESTAMP", "time")),
        **dict.fromkeys(DATES, ("DATE", "date")),
    }
    if code in times:
        return SourceColumn(field.name, times[code][0], quoted_name, times[code][1])
    if code == BITS:
        return SourceColumn(field.name, "UBIGINT", quoted_name, "number")
    return SourceColumn(
        field.name, "VARCHAR", quoted_name, "text" if code in TEXTS and not is_binary else None
    )


def _texts(field: Any, values: Sequence[Any]) -> Sequence[str | None]:
    """A column's values as text: times of a moment with their zone, no date for 0000-00-00, bytes in
    hexadecimal digits."""
    code = field.type_code
    if code in (*TIMESTAMPS, *DATE_TIMES, *DATES):
        zone = "+00" if code in TIMESTAMPS else ""
        return [None if v is None or v.startswith("0000-00-00") else f"{v}{zone}" for v in values]
    if code == BITS:
        return [None if v is None else str(int.from_bytes(v)) for v in values]
    return [v.hex() if isinstance(v, bytes) else v for v in values]


def _order_value(field: Any, value: Any) -> OrderValue:
    """As a number where the column holds numbers: against a text MySQL would compare roughly."""
    if value is None:
        return None
    if field.type_code == BITS:
        return int.from_bytes(value)
    if field.type_code in WHOLE or (field.type_code in DECIMALS and "." not in value):
        return int(value)
    return float(value) if field.type_code in FLOATS else plain_order(value, field.name)


def error_code(error: Exception) -> int:
    """The number of a server's error; 0: it has none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def said_by(error: Exception) -> str:
    """What the server says, without the number before it. The driver never names the password."""
    return " ".join(str(error.args[-1]).split()) if error.args else type(error).__name__


def _not_connected(address: Address, error: Exception) -> ForesellError:
    code = error_code(error)
    if code in WRONG_PASSWORD:
        return DeniedError(
            f"{address.place} does not accept user and password",
            received=said_by(error),
            do=f"Set {PASSWORD_VARIABLE} (or MYSQL_PWD) in the environment.",
        )
    if code in NO_DATABASE:
        return NotFoundError(
            f"There is no database {address.place}, or the user may not read it",
            do="Check its name in the URL, and grant the user SELECT.",
        )
    if code in NOT_ALLOWED:
        return DeniedError(
            f"{address.place} does not let this user in", received=said_by(error), do="Grant the user SELECT."
        )
    return BackendError(
        f"{address.place} cannot be reached",
        received=said_by(error),
        do="Check host, port, network and TLS options, and that the server runs.",
    )


def _refused(address: Address, error: Exception) -> ForesellError:
    if error_code(error) in NOT_ALLOWED:
        return DeniedError(
            f"{address.place} does not allow this", received=said_by(error), do="Grant the user SELECT on it."
        )
    return InputError(
        f"{address.place} cannot read this",
        received=said_by(error),
        do="Check the query, the watermark and the key.",
    )
