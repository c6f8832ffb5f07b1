"""What is asked: the split, the period, the days, the conditions; and how a fact is cut by it.

A fact's table carries `date` (the store's local date) and the columns of its grains. Cutting adds
the key columns `period` and `by_value`, joins only many-to-one, and so never repeats a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import WEEKDAYS, Settings
from foresell.contracts.tables import TABLES
from foresell.kpis.dimensions import DIMENSIONS, Dimension, Grain
from foresell.kpis.kept_facts import KeptFacts
from foresell.store.ever_there import ever_there

if TYPE_CHECKING:
    import ibis.expr.types as ir

PERIODS = ("day", "week", "month")
Where = Mapping[str, str] | Sequence[str]


@dataclass(frozen=True)
class Scope:
    """One question put to the tables. `start` and `end` are local dates, both inclusive."""

    tables: Tables
    settings: Settings
    by: Dimension | None = None
    period: str | None = None
    start: date | None = None
    end: date | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Those of the split and the conditions, each once."""
        names = ([self.by.id] if self.by else []) + list(self.where)
        return tuple(DIMENSIONS[name] for name in dict.fromkeys(names))

    @property
    def keys(self) -> list[str]:
        """The key columns of a cut: of `period` and `by_value`, those that were asked for."""
        return (["period"] if self.period else []) + (["by_value"] if self.by else [])

    @property
    def currency(self) -> str:
        return self.settings.store.currency

    def but(self, **changes: Any) -> "Scope":
        return replace(self, **changes)

    def uses(self, grain: Grain, *others: Grain) -> bool:
        """Whether a dimension lives at this grain only (and at none of the others)."""
        return any(grain in d.grains and not d.grains & set(others) for d in self.dimensions)

    def has_rows(self, table: str) -> bool:
        return bool(self._once(table, lambda: self.tables.has_rows(table)))

    def has_values(self, table: str, column: str) -> bool:
        """Whether any current row has a value in that column."""
        return self.has_rows(table) and self._any(
            table, f"with {column}", lambda rows: rows[column].notnull()
        )

    def lacks_values(self, table: str, column: str) -> bool:
        """Whether any current row has none in that column."""
        return self._any(table, f"without {column}", lambda rows: rows[column].isnull())

    def has_foreign_money(self, table: str) -> bool:
        """Whether any current row is in another currency than the store's."""
        return self._any(table, "in foreign money", lambda rows: rows.currency != self.currency)

    def _any(self, table: str, words: str, meets: "Callable[[ir.Table], ir.BooleanValue]") -> bool:
        """Whether any current row meets the condition, which `words` name for whoever asks again."""

        def look() -> bool:
            rows = self.tables.current(table)
            return int(rows.filter(meets(rows)).limit(1).count().execute()) > 0

        return bool(self._once(f"{table} {words}", look))

    def _once(self, key: str, look: Any) -> Any:
        if key not in self.known:
            self.known[key] = look()
        return self.known[key]


def make_scope(
    tables: Tables,
    settings: Settings,
    *,
    by: str | None = None,
    period: str | None = None,
    start: date | None = None,
    end: date | None = None,
    where: Where = (),
) -> Scope:
    """The question, its words checked.

    Errors: InputError for an unknown period, dates the wrong way round, or a condition that is
    not dimension=value; NotFoundError for an unknown dimension.
    """
    if period is not None and period not in PERIODS:
        raise InputError(f"'{period}' is no period", do=f"Choose one of: {', '.join(PERIODS)}.")
    if start and end and start > end:
        raise InputError("The first day is after the last", received=f"{start} to {end}", do="Swap them.")
    conditions = read_conditions(where)
    for name in [*([by] if by else []), *conditions]:
        if name not in DIMENSIONS:
            raise NotFoundError(f"There is no dimension '{name}'", do=did_you_mean(name, DIMENSIONS))
    known = tables.known if isinstance(tables, KeptFacts) else {}
    return Scope(tables, settings, DIMENSIONS[by] if by else None, period, start, end, conditions, known)


def read_conditions(where: Where) -> dict[str, tuple[str, ...]]:
    """{"dimension": (values,)}: one dimension named twice means either value; an empty value
    means rows that have none."""
    if isinstance(where, Mapping):
        return {name: (str(value),) for name, value in where.items()}
    if isinstance(where, str):
        where = (where,)
    conditions: dict[str, tuple[str, ...]] = {}
    for text in where:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(
                "A condition is written dimension=value", received=repr(text), do="Such as category=COFFEE."
            )
        name = name.strip()
        conditions[name] = (*conditions.get(name, ()), value.strip())
    return conditions


def within(table: "ir.Table", scope: Scope) -> "ir.Table":
    """The rows whose `date` lies in the asked days."""
    import ibis

    if scope.start is not None:
        table = table.filter(table.date >= ibis.literal(scope.start))
    if scope.end is not None:
        table = table.filter(table.date <= ibis.literal(scope.end))
    return table


def once(scope: Scope, name: str, build: "Callable[[Scope], ir.Table]") -> "ir.Table":
    """A fact of the asked days, which depends on nothing else that is asked; taken from what the tables keep,
    where they do. It has a column `date`."""
    tables = scope.tables
    span = tables.span_of(scope.start, scope.end) if isinstance(tables, KeptFacts) else None
    if not isinstance(tables, KeptFacts) or span is None:
        return build(scope)
    whole = scope.but(start=span[0], end=span[1])
    found = tables.fact(name, span, lambda: build(whole))
    return build(scope) if found is None else within(found, scope)


def period_start(day: "ir.DateValue", period: str, settings: Settings) -> "ir.DateValue":
    """The first local date of the day's period; date arithmetic that every engine agrees on."""
    if period == "day":
        return day
    if period == "month":
        return day.truncate("M")
    first = WEEKDAYS.index(settings.store.week_start)
    days_in = (day.day_of_week.index() - first + 7) % 7
    return (day - days_in.as_interval("D")).cast("date")


def add_period(table: "ir.Table", scope: Scope) -> "ir.Table":
    if scope.period is None:
        return table
    return table.mutate(period=period_start(table.date, scope.period, scope.settings))


def cut(table: "ir.Table", scope: Scope, grains: Sequence[Grain]) -> "ir.Table":
    """The asked days and conditions of a fact, with its key columns (see `Scope.keys`)."""
    table = within(table, scope)
    for dimension in scope.dimensions:
        if dimension.grains & set(grains):
            table = with_dimension(table, dimension, scope, grains)
            table = cut_by_dimension(table, dimension, scope)
    return add_period(table, scope)


def cut_by_dimension(table: "ir.Table", dimension: Dimension, scope: Scope) -> "ir.Table":
    """Keep the rows that meet the dimension's condition; make it `by_value` if it is the split."""
    column = table[f"dimension_{dimension.id}"]
    if dimension.id in scope.where:
        values = scope.where[dimension.id]
        meets = column.isin([value for value in values if value])
        table = table.filter(meets | column.isnull() if "" in values else meets)
    if scope.by and scope.by.id == dimension.id:
        table = table.mutate(by_value=table[f"dimension_{dimension.id}"])
    return table


def with_dimension(
    table: "ir.Table", dimension: Dimension, scope: Scope, grains: Sequence[Grain]
) -> "ir.Table":
    """The dimension's value as a text column `dimension_<id>`."""
    grain = next(g for g in grains if g in dimension.grains)
    name = f"dimension_{dimension.id}"
    if dimension.table is None:
        return table.mutate(**{name: table[dimension.columns[grain]].cast("string")})
    return attach(table, scope.tables, dimension.table, {name: dimension.columns[grain]})


def attach(table: "ir.Table", tables: Tables, other: str, columns: Mapping[str, str]) -> "ir.Table":
    """Columns of another table, joined on its key: never more rows than before.

    `columns`: new name → the other table's column. The key must be one column that both have.
    """
    (key,) = TABLES[other].key
    parent = ever_there(tables, other)
    joined = f"{other}_key"
    parent = parent.select(**{joined: parent[key]}, **{new: parent[old] for new, old in columns.items()})
    return table.left_join(parent, table[key] == parent[joined]).drop(joined)
