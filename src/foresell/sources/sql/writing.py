"""Write a table into a database, whole or not at all."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from foresell.contracts.columns import Column
from foresell.contracts.errors import InputError, did_you_mean
from foresell.sources.sql.address import Address
from foresell.sources.sql.target import Target

if TYPE_CHECKING:
    import pyarrow as pa

# The scheme of a URL → the module that writes into such a database.
TARGETS = {
    "postgresql": "foresell.sources.sql.postgresql_target",
    "postgres": "foresell.sources.sql.postgresql_target",
    "mysql": "foresell.sources.sql.mysql_target",
    "mariadb": "foresell.sources.sql.mysql_target",
    "sqlite": "foresell.sources.sql.sqlite_target",
}


def write_table(
    address: Address,
    table: str,
    columns: Sequence[Column],
    batches: "Iterable[pa.RecordBatch]",
    *,
    is_forced: bool = False,
) -> int:
    """Put rows in the place of those of a table, perhaps `schema.table`, which is made if it is not there.

    `batches`: of the types of `target.arrow_schema`, one in memory at a time. Returns how many rows there
    were. Whoever reads the table sees the old rows or the new ones, also after a crash. Only a table that
    carries `target.MARK` is replaced, unless `is_forced`.

    Types: text, days, flags and 64-bit numbers are what they are everywhere. Money is DECIMAL(18,4), in
    SQLite text, which alone is exact there. Moments are timestamptz in PostgreSQL, DATETIME(6) in UTC in
    MySQL, text in UTC (2024-01-31 12:00:00.000000Z) in SQLite. JSON is `json`, in SQLite text. Vectors are
    real[] in PostgreSQL, else JSON.

    Errors: InputError (scheme, option, name of the table, missing driver, a value that the database cannot
    hold), ConflictError (the table is not ours), DeniedError (password, permission), NotFoundError (database,
    schema), BusyError (somebody holds the table), BackendError (cannot be reached, connection lost).
    """
    if address.scheme not in TARGETS:
        raise InputError(
            f"There is no kind of database '{address.scheme}'", do=did_you_mean(address.scheme, TARGETS)
        )
    target: Target = import_module(TARGETS[address.scheme]).open_target(address)
    try:
        return target.replace(table, columns, batches, is_forced=is_forced)
    finally:
        target.close()
