"""Tables of which nothing is asked twice: a panel asks dozens of questions, and each costs a query's plan."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class RememberedTables:
    """`Tables` whose rows do not change while they are read. `known`: what a `kpis.scope.Scope` found out."""

    tables: Tables
    known: dict[str, Any] = field(default_factory=dict)
    _filled: dict[str, bool] = field(default_factory=dict)
    _current: dict[str, "ir.Table"] = field(default_factory=dict)

    def current(self, name: str) -> "ir.Table":
        if name not in self._current:
            self._current[name] = self.tables.current(name)
        return self._current[name]

    def history(self, name: str) -> "ir.Table":
        return self.tables.history(name)

    def has_rows(self, name: str) -> bool:
        if name not in self._filled:
            self._filled[name] = self.tables.has_rows(name)
        return self._filled[name]
