"""Views in PostgreSQL that stay while the tables behind them are exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresell.contracts.columns import Column
from foresell.contracts.errors import ConflictError, DeniedError, InputError
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import first_line
from foresell.sources.sql.postgresql import connected
from foresell.sources.sql.target import LOCK_SECONDS, MARK, table_parts
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import psycopg

MARKED_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r' AND starts_with(c.relname, %s)
    AND starts_with(obj_description(c.oid, 'pg_class'), %s)
"""
STANDING = """
    SELECT c.relkind, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
# Eight digits of a hash and the line before them.
DIGEST_LENGTH = 9


@dataclass(frozen=True)
class View:
    """`table`: where its rows are, in the same schema: `data_NAME_DIGEST`."""

    name: str
    table: str
    doc: str
    columns: tuple[Column, ...]


def make_schema(address: Address, schema: str, views: Sequence[str], *, is_forced: bool = False) -> None:
    """A schema, if it is not there. DeniedError where this user may not make it, ConflictError where what is
    not ours stands in the place of a view, unless `is_forced`."""
    import psycopg

    if len(table_parts(schema, 1)) != 1:
        raise InputError("That is no name of a schema", received=schema)
    with connected(address) as connection:
        try:
            [(is_there,)] = connection.execute(
                "SELECT count(*) FROM pg_namespace WHERE nspname = %s", [schema]
            ).fetchall()
            if not is_there:
                connection.execute(f"CREATE SCHEMA {quoted(schema)}")
            for name in views:
                _require_ours(connection, schema, name, is_forced=is_forced)
        except psycopg.Error as error:
            raise _denied(address, error) from error


def publish_views(address: Address, schema: str, views: Sequence[View], *, is_forced: bool = False) -> None:
    """Let each view show its table, all at once; tables of older columns go. Grants on a view stay, unless it
    loses or changes columns.

    ConflictError where something that is not ours has the name of a view, unless `is_forced`.
    """
    import psycopg

    with connected(address) as connection:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                for view in views:
                    _publish(connection, schema, view, is_forced=is_forced)
        except psycopg.Error as error:
            raise _denied(address, error) from error


def _publish(connection: "psycopg.Connection[Any]", schema: str, view: View, *, is_forced: bool) -> None:
    import psycopg

    where = f"{quoted(schema)}.{quoted(view.name)}"
    _require_ours(connection, schema, view.name, is_forced=is_forced)
    listed = ", ".join(quoted(column.name) for column in view.columns)
    select = f"SELECT {listed} FROM {quoted(schema)}.{quoted(view.table)}"
    try:
        with connection.transaction():
            _run(connection, f"CREATE OR REPLACE VIEW {where} AS {select}")
    except psycopg.errors.InvalidTableDefinition:
        _run(connection, f"DROP VIEW {where}")
        _run(connection, f"CREATE VIEW {where} AS {select}")
    _run(connection, f"COMMENT ON VIEW {where} IS {literal(f'{view.doc} {MARK}')}")
    for column in view.columns:
        if column.doc:
            _run(connection, f"COMMENT ON COLUMN {where}.{quoted(column.name)} IS {literal(column.doc)}")
    prefix = view.table[:-DIGEST_LENGTH]
    for (name,) in connection.execute(MARKED_TABLES, [schema, f"{prefix}_", MARK]).fetchall():
        if name != view.table and len(name) == len(view.table):
            _run(connection, f"DROP TABLE {quoted(schema)}.{quoted(name)}")


def _require_ours(connection: "psycopg.Connection[Any]", schema: str, name: str, *, is_forced: bool) -> None:
    for kind, comment in connection.execute(STANDING, [schema, name]).fetchall():
        if kind not in ("v", b"v") or not ((comment or "").endswith(MARK) or is_forced):
            raise ConflictError(
                f"{schema}.{name} is there, and Foresell did not make it",
                do="Choose another schema with --schema.",
            )


def _run(connection: "psycopg.Connection[Any]", statement: str) -> None:
    connection.execute(statement)


def _denied(address: Address, error: "psycopg.Error") -> DeniedError:
    return DeniedError(
        f"{address.place} does not allow this user to make schemas and views there",
        received=first_line(error),
        do="Grant CREATE on the database, or make the schema and grant CREATE and USAGE on it.",
    )
