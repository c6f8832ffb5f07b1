"""Rows that several expressions read are computed once."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import finalize

if TYPE_CHECKING:
    import ibis.expr.types as ir


def kept(rows: "ir.Table") -> "ir.Table":
    """The same rows, computed now and kept by the engine as long as somebody holds an expression over them.

    On DuckDB, where they go beyond the engine's memory they lie in its spill folder; Spark is left to plan on
    its own. Ibis' own `cache` fails when the connection is closed before the expression is let go.
    """
    backend = rows.get_backend()
    if backend.name != "duckdb":
        return rows
    name = f"kept_{uuid4().hex}"
    table = backend.create_table(name, rows)
    letting_go = finalize(table.op(), _drop, backend.con, name)
    letting_go.atexit = False
    return table


def _drop(connection: Any, name: str) -> None:
    import duckdb

    # A database in memory is gone with its connection. Another cursor, since an expression may be let go
    # while an answer is still read from this one.
    with suppress(duckdb.ConnectionException), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
