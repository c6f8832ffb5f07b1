"""A shop's tables as repairs would leave them, without writing anything."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from foresell.contracts.settings import Settings
from foresell.contracts.tables import Table
from foresell.quality.repair.patch import NEW, Action
from foresell.sources.normalize import local_date_sql
from foresell.store.engine import DuckDBViews, EngineTables, is_current, quoted

if TYPE_CHECKING:
    import duckdb
    import ibis.expr.types as ir


class RepairedTables:
    """`Tables` over a store's files, with the patches of repairs laid over them one after the other."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        list_files: Callable[[str], Sequence[str]],
        settings: Settings,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._views = DuckDBViews(connection)
        self._stored = EngineTables(self._views, list_files)
        self._laid: dict[str, str] = {}
        self._num_kept = 0

    def current(self, name: str) -> "ir.Table":
        return self._views.read(self._laid[name]) if name in self._laid else self._stored.current(name)

    def history(self, name: str) -> "ir.Table":
        laid = self._laid.get(name)
        return self._views.read(f"{laid}_history") if laid else self._stored.history(name)

    def has_rows(self, name: str) -> bool:
        if name not in self._laid:
            return self._stored.has_rows(name)
        return int(self.current(name).limit(1).count().execute()) > 0

    def keep(self, rows: "ir.Table") -> str:
        """Calculate the rows of a lazy table once; the name of the temporary table that holds them."""
        self._num_kept += 1
        name = f"kept_{self._num_kept}"
        self._views.backend.create_table(name, rows, temp=True)
        return name

    def lay(self, table: Table, action: Action, patches: str) -> None:
        """Lay patches (a temporary table) over a table; superseded rows stay as they are."""
        self.history(table.name)
        before = f"{self._laid.get(table.name, table.name)}_history"
        laid = f"{patches}_laid"
        columns = [row[0] for row in self._connection.execute(f"DESCRIBE {patches}").fetchall()]
        changed = [name.removeprefix(NEW) for name in columns if name.startswith(NEW)]
        new = {name: f"p.{quoted(NEW + name)}" for name in changed}
        if table.time_column in new:
            new["local_date"] = local_date_sql(new[table.time_column], self._settings)
        rows = LAYERS[action](table, before, patches, new)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {laid}_history AS {rows}")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {laid} AS SELECT * FROM {laid}_history WHERE {is_current(table)}"
        )
        self._laid[table.name] = laid


def _joined(table: Table) -> str:
    names = [f"t.{quoted(n)} = p.{quoted(n)}" for n in table.key]
    if table.is_versioned:
        names.append("t.valid_from IS NOT DISTINCT FROM p.valid_from")
    return " AND ".join([*names, "t.superseded_at IS NULL"])


def _changed(table: Table, before: str, patches: str, new: Mapping[str, str]) -> str:
    values = ", ".join(
        f"CASE WHEN p.evidence IS NULL THEN t.{quoted(n)} ELSE {value} END AS {quoted(n)}"
        for n, value in new.items()
    )
    return f"SELECT t.* REPLACE ({values}) FROM {before} t LEFT JOIN {patches} p ON {_joined(table)}"


def _dropped(table: Table, before: str, patches: str, _new: Mapping[str, str]) -> str:
    return f"SELECT t.* FROM {before} t LEFT JOIN {patches} p ON {_joined(table)} WHERE p.evidence IS NULL"


def _added(table: Table, before: str, patches: str, new: Mapping[str, str]) -> str:
    values = {**{name: f"p.{quoted(name)}" for name in table.key}, **new}
    selected = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    return f"SELECT * FROM {before} UNION ALL BY NAME SELECT {selected} FROM {patches} p"


LAYERS = {"change": _changed, "drop": _dropped, "add": _added}
