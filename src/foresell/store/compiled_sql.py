"""DuckDB for Ibis, which writes the SQL of an expression once, however many connections ask it.

Ibis takes some 100 ms to write a question about a dozen tables, and DuckDB a few to answer it, and a shop's
pages and reports ask the same ones again and again.
"""

import atexit
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import TableNotFound
from ibis.expr.schema import Schema

from foresell.store.engine import quoted

if TYPE_CHECKING:
    import ibis.expr.types as ir

# An expression that is held with its SQL takes up to a megabyte.
NUM_HELD = 256

_type_of = cache(Backend.compiler.type_mapper.from_string)


class CompiledOnce(Backend):  # type: ignore[misc]  # Ibis' backends have no types
    """As Ibis' own; expressions over views are told apart by what they say, not by their connection."""

    def compile(
        self, expr: "ir.Expr", /, *, limit: int | None = None, params: Any = None, pretty: bool = False
    ) -> str:
        op = expr.op()
        if params or pretty or not _reads_views_alone(op):
            return str(super().compile(expr, limit=limit, params=params, pretty=pretty))
        return _sql(op, limit)

    def create_table(self, name: str, /, obj: Any = None, **options: Any) -> "ir.Table":
        if obj is None or options.keys() - {"temp"}:
            return super().create_table(name, obj, **options)
        table = super().create_table(name, schema=obj.schema(), **options)
        self._run_pre_execute_hooks(obj)
        self.con.execute(f"INSERT INTO {quoted(name)} {self.compile(obj)}")
        return table

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> Schema:
        import duckdb

        place = ".".join(quoted(part) for part in (catalog, database, table_name) if part)
        try:
            columns = self.con.execute(f"DESCRIBE {place}").fetchall()
        except duckdb.CatalogException:
            raise TableNotFound(table_name) from None
        return Schema({name: _type_of(kind, nullable=null == "YES") for name, kind, null, *_ in columns})


def _reads_views_alone(op: ops.Node) -> bool:
    """Rows that an expression keeps in memory go with it, so no such expression is held here."""
    return all(
        type(table) is ops.DatabaseTable and table.namespace.catalog is None
        for table in op.find(ops.PhysicalTable)
    )


@lru_cache(maxsize=NUM_HELD)
def _sql(op: ops.Node, limit: int | None) -> str:
    return str(_unconnected().compile(op.to_expr(), limit=limit))


# Expressions hold connections, and DuckDB complains of those that outlive it.
atexit.register(_sql.cache_clear)


@cache
def _unconnected() -> Backend:
    return Backend()
