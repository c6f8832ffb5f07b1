"""How full each table is: rows, and the share of missing values by column."""

from dataclasses import dataclass
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.tables import LINEAGE, LOCAL_DATE, TABLES, VALIDITY
from foresell.quality.rules import read_rows

NOT_PROFILED = {column.name for column in (*LINEAGE, *VALIDITY, LOCAL_DATE)}


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A table's rows and, by column, the share (0-1) of rows without a value."""

    table: str
    num_rows: int
    missing: dict[str, float]

    @property
    def empty_columns(self) -> tuple[str, ...]:
        return tuple(name for name, share in self.missing.items() if share == 1.0)


class ProfiledTables:
    """Tables seen at one moment, that remember what was already counted about them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._current: dict[str, Any] = {}
        self._has_rows: dict[str, bool] = {}
        self._profiles: dict[str, TableProfile] = {}

    @classmethod
    def over(cls, tables: Tables) -> "ProfiledTables":
        return tables if isinstance(tables, cls) else cls(tables)

    def current(self, name: str) -> Any:
        if name not in self._current:
            self._current[name] = self._tables.current(name)
        return self._current[name]

    def history(self, name: str) -> Any:
        return self._tables.history(name)

    def has_rows(self, name: str) -> bool:
        if name not in self._has_rows:
            self._has_rows[name] = self._tables.has_rows(name)
        return self._has_rows[name]

    def loaded(self) -> tuple[str, ...]:
        """The canonical tables that have rows."""
        return tuple(name for name in TABLES if self.has_rows(name))

    def profile(self, name: str) -> TableProfile:
        """Counted in one scan; the columns that the store itself fills are left out."""
        if name not in self._profiles:
            self._profiles[name] = _profile(self.current(name), name)
        return self._profiles[name]


def _profile(rows: Any, name: str) -> TableProfile:
    columns = [column for column in TABLES[name].columns if column.name not in NOT_PROFILED]
    optional = [column.name for column in columns if not column.required]
    filled = {f"filled_{column}": rows[column].count() for column in optional}
    counted = read_rows(rows.aggregate(num_rows=rows.count(), **filled))[0]
    total = counted["num_rows"]
    missing = {column.name: 0.0 for column in columns}
    if total:
        missing.update({column: 1 - counted[f"filled_{column}"] / total for column in optional})
    return TableProfile(name, total, missing)
