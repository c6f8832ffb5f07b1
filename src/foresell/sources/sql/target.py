"""What is written to a database: a table of ours, typed by its columns, that replaces the one before whole.

Ours is a table that carries MARK: in its comment, or in SQLite, which has no comments of tables, in the text
of its CREATE TABLE, which SQLite keeps. Nothing beside the table is needed, and whoever looks at it reads it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from foresell.contracts.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Column
from foresell.contracts.errors import BackendError, BusyError, ConflictError, InputError
from foresell.sources.sql.address import Address

if TYPE_CHECKING:
    import pyarrow as pa

MARK = "Written by Foresell: the next export replaces it"
LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands where a table is to be written. `is_table`: not a view or something else. `is_ours`: it
    carries MARK. `has_columns`: exactly those to be written, so that its rows alone are exchanged and what
    others made of it (grants, views, indexes) stays."""

    is_table: bool
    is_ours: bool
    has_columns: bool


class Target(Protocol):
    """A connection that may write."""

    def replace(
        self, table: str, columns: Sequence[Column], batches: "Iterable[pa.RecordBatch]", *, is_forced: bool
    ) -> int:
        """Put rows in the place of a table's, at once: see `writing.write_table`."""

    def close(self) -> None: ...


def require_replaceable(standing: Standing | None, where: str, *, is_forced: bool) -> None:
    """Raise ConflictError where what stands there must not be replaced."""
    if standing is None:
        return
    if not standing.is_table:
        raise ConflictError(f"{where} is there, and is no table", do="Choose another name with --table.")
    if not standing.is_ours and not is_forced:
        raise ConflictError(
            f"{where} is there, and Foresell did not write it",
            do="Choose another name with --table, or add --replace: its rows and columns are lost then.",
        )


def table_parts(table: str, most_parts: int = 2) -> list[str]:
    """`table` or `schema.table` in parts. InputError for anything else."""
    parts = table.split(".")
    if len(parts) > most_parts or not all(part.strip() for part in parts) or "\0" in table:
        known = "table or schema.table" if most_parts > 1 else "a name without a point"
        raise InputError("That is no name of a table", received=table, do=f"Give {known}.")
    return parts


def require_short(part: str, length: int, most: int) -> None:
    """Raise InputError for a name that the server would cut."""
    if length > most:
        raise InputError("The name is too long for this database", received=part, do=f"At most {most}.")


def arrow_schema(columns: Sequence[Column]) -> "pa.Schema":
    """The Arrow types of columns: what batches are given in."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "decimal": pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        "timestamp": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "boolean": pa.bool_(),
        "json": pa.string(),
        "floats": pa.list_(pa.float32()),
    }
    return pa.schema([(column.name, types[column.type]) for column in columns])


def broken_off(address: Address, said: str) -> BackendError:
    """The connection was lost, or the server has no room."""
    return BackendError(
        f"Writing to {address.place} broke off",
        received=said,
        do="The table there is as it was before, or whole. Export again.",
    )


def raise_busy(where: str, said: str) -> NoReturn:
    raise BusyError(
        f"Somebody else holds {where}",
        received=said,
        do=f"Foresell waited {LOCK_SECONDS} seconds; export again later.",
    )
