"""DuckDB for Ibis, which writes the SQL of a question once, however often it is asked: of another store, of
another moment.

Ibis takes some 100 to 250 ms to write a question about a dozen tables, and DuckDB a few to answer it, and a
shop's pages, reports and backtests ask the same ones again and again.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import TableNotFound
from ibis.expr.schema import Schema

from foresell.store.engine import quoted

if TYPE_CHECKING:
    import ibis.expr.types as ir

# What tells a question from others and its SQL take some 30 kB.
NUM_HELD = 1024
# Whole numbers from here on are moments, in seconds or finer. Smaller ones can be digits, places or days,
# which Ibis reads when it writes.
LEAST_MOMENT = 10**8
# What stands for the first thing that a question leaves open while it is written, by type.
YEAR = 8000
FIRST: Mapping[str, Any] = {
    "date": dt.date(YEAR, 1, 1),
    "timestamp": dt.datetime(YEAR, 1, 1),  # noqa: DTZ001  # the type has no time zone
    "timestamp('UTC')": dt.datetime(YEAR, 1, 1, tzinfo=dt.UTC),
    "int32": 2_100_000_000,
    "int64": 9_100_000_000_000_000_000,
}

_type_of = cache(Backend.compiler.type_mapper.from_string)


class CompiledOnce(Backend):  # type: ignore[misc]  # Ibis' backends have no types
    """As Ibis' own. Questions are told apart by what they ask, not by their connection, and not by the names
    of tables and the moments that they speak of: these are filled in."""

    def compile(
        self, expr: "ir.Expr", /, *, limit: int | None = None, params: Any = None, pretty: bool = False
    ) -> str:
        question = None if params or pretty else _question(expr.op(), limit)
        parts = question and _written(question)
        if not question or not parts:
            return str(super().compile(expr, limit=limit, params=params, pretty=pretty))
        texts = [_text(blank) for blank in question.blanks]
        return "".join(part if isinstance(part, str) else texts[part] for part in parts)

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


@dataclass(frozen=True, slots=True)
class _At:
    """A part of a question, by its place among the parts."""

    place: int


@dataclass(frozen=True, slots=True)
class _Blank:
    """The same blank is filled with the same thing."""

    number: int


class _Question(NamedTuple):
    """`asked`: what tells it from others, and holds no rows, tables and connections; `blanks`: what it leaves
    open."""

    op: ops.Node
    limit: int | None
    asked: tuple[Any, ...]
    blanks: tuple[ops.Node, ...]


def _question(op: ops.Node, limit: int | None) -> _Question | None:
    """None for what is not known to be told by its parts: tables of another kind."""
    parts: list[tuple[Any, ...]] = []
    blanks: dict[ops.Node, _Blank] = {}

    def tell(node: ops.Node, _: Any, **arguments: Any) -> _At:
        told = tuple(_hashable(argument) for argument in arguments.values())
        if _is_open(node):
            told = (blanks.setdefault(node, _Blank(len(blanks))), *_known(node))
        parts.append((type(node), *told))
        return _At(len(parts) - 1)

    op.map(tell)
    if any(issubclass(part[0], ops.PhysicalTable) and not isinstance(part[1], _Blank) for part in parts):
        return None
    return _Question(op, limit, (limit, *parts), tuple(blanks))


def _hashable(argument: Any) -> Any:
    if isinstance(argument, _At):
        return argument
    if isinstance(argument, tuple):
        return tuple(map(_hashable, argument))
    if isinstance(argument, Mapping) and not isinstance(argument, Schema):
        return tuple((_hashable(key), _hashable(value)) for key, value in argument.items())
    return argument


def _is_open(node: ops.Node) -> bool:
    if isinstance(node, ops.Literal):
        is_small = isinstance(node.value, int) and node.value < LEAST_MOMENT
        return node.value is not None and str(node.dtype) in FIRST and not is_small
    return type(node) in (ops.DatabaseTable, ops.InMemoryTable)


def _known(blank: ops.Node) -> tuple[Any, ...]:
    """What is told of a blank: a literal's type; a table's schema and where it lies."""
    if isinstance(blank, ops.Literal):
        return (blank.dtype,)
    return blank.schema, blank.namespace if isinstance(blank, ops.DatabaseTable) else ops.Namespace()


_held: dict[tuple[Any, ...], tuple[str | int, ...]] = {}
_changing = Lock()


def _written(question: _Question) -> tuple[str | int, ...]:
    """Its SQL, with the number of a blank where it is to be filled; nothing where that cannot be told."""
    parts = _held.get(question.asked)
    if parts is None:
        parts = _write(question)
        with _changing:
            if len(_held) >= NUM_HELD:
                del _held[next(iter(_held))]
            _held[question.asked] = parts
    return parts


def _write(question: _Question) -> tuple[str | int, ...]:
    signs = {blank: _sign(blank, number) for number, blank in enumerate(question.blanks)}
    numbers = {_text(sign): number for number, sign in enumerate(signs.values())}
    asked = question.op.replace(signs).to_expr()
    sql = str(_unconnected().compile(asked, limit=question.limit))
    parts = tuple(numbers.get(part, part) for part in re.split(f"({'|'.join(map(re.escape, numbers))})", sql))
    is_told = set(numbers.values()) <= set(parts)
    is_elsewhere = any(isinstance(part, str) and str(YEAR) in part for part in parts)
    return parts if is_told and not is_elsewhere else ()


def _sign(blank: ops.Node, number: int) -> ops.Node:
    if not isinstance(blank, ops.Literal):
        schema, namespace = _known(blank)
        return ops.UnboundTable(f"blank_{number}_of_a_question", schema, namespace)
    first = FIRST[str(blank.dtype)]
    return ops.Literal(first + (number if isinstance(first, int) else dt.timedelta(number)), blank.dtype)


def _text(blank: ops.Node) -> str:
    """As it stands in SQL; a table's name without its quotes, since names of columns tell it too."""
    if not isinstance(blank, ops.Literal):
        return str(blank.name).replace('"', '""')
    return str(Backend.compiler.visit_Literal(blank, value=blank.value, dtype=blank.dtype).sql("duckdb"))


@cache
def _unconnected() -> Backend:
    return Backend()
