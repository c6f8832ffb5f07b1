"""What every database gives: its columns, one ordered stream of rows as text, and errors in our words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

# A value by which rows are ordered, as JSON can hold it; None: null.
OrderValue = str | int | float | None
# time: local to the shop; utc: in UTC, without saying so; zoned: with its offset.
OrderKind = Literal["time", "utc", "zoned", "date", "number", "text"]


# Stands in SQL for a parameter: a character that SQL cannot hold, so that no query is misread.
PARAMETER = "\0"


class ConnectionLostError(Exception):
    """The connection is gone; what was read before is good. The message says why."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of what is read. `sql_type`: the DuckDB type of its values, VARCHAR where there is no closer
    one. `select`: the expression that reads it. `order_kind`: how a watermark in it counts; None: not at all.
    """

    name: str
    sql_type: str
    select: str
    order_kind: OrderKind | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with PARAMETER in the place of each parameter."""

    sql: str
    parameters: tuple[OrderValue, ...] = ()


class RowStream(Protocol):
    """The rows of one statement, in its order."""

    is_finished: bool

    @property
    def is_lost(self) -> bool:
        """Whether the connection ended before the rows."""

    def read(self, max_rows: int, max_bytes: int) -> "pa.Table":
        """The next rows, every column text as the database writes it (null stays null); fewer than `max_rows`
        only where they exceed `max_bytes` or the stream ends.

        Raises ConnectionLostError if the connection is lost before the first of them; if later, the rows
        until then are given, and the next call raises it.
        """

    def last_values(self, columns: Sequence[int]) -> tuple[OrderValue, ...]:
        """The values of the last row read, of columns by position."""


class Database(Protocol):
    """One connection, in one transaction that only reads."""

    @property
    def is_reader_blocking(self) -> bool:
        """Whether its writers wait while somebody reads: then a stream is closed between batches."""

    def quoted(self, name: str) -> str: ...

    def nulls_first(self, name: str) -> str:
        """The ORDER BY term of a quoted column, ascending, nulls before all values."""

    def relation(self, table: str) -> str:
        """The name of a table, perhaps `schema.table`, as SQL. NotFoundError, naming the closest one."""

    def columns(self, relation: str) -> list[SourceColumn]:
        """The columns of a table or query. InputError for SQL that cannot be read."""

    def primary_key(self, table: str) -> tuple[str, ...]:
        """The columns of a table's primary key; none if it has no such key."""

    def now(self) -> datetime:
        """The database's clock, in UTC."""

    def value(self, statement: Statement) -> OrderValue:
        """The only value that a statement gives."""

    def stream(self, statement: Statement, columns: Sequence[SourceColumn]) -> RowStream: ...

    def renew(self) -> None:
        """Another transaction, with a view of the data as it is now. ConnectionLostError: it is gone."""

    def close(self) -> None: ...


def missing_driver(database: str, extra: str) -> InputError:
    return InputError(
        f"The driver for {database} is not installed", do=f"Install it: pip install 'foresell[{extra}]'"
    )


def first_line(error: Exception) -> str:
    """What a driver says, in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
