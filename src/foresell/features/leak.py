"""Proof that features do not know the future: compute them again in worlds with another future.

It shares no rule with `features.cutoffs`, so a hole in those shows too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.tables import TABLES, Table

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

Compute = Callable[[Tables], Any]

# Where a table has no main time of its own: the moment or date from which on its row is there.
FIRST_TIMES = ("created_at", "starts_at", "ordered_at", "at", "labelled_at", "as_of_date", "date")
PLANTED = "~planted"
PLANTED_AFTER = timedelta(hours=1)
RELATIVE_TOLERANCE = 1e-9


class LeakError(AssertionError):
    """Features changed when only the future did. `columns` are those that changed."""

    def __init__(self, world: str, columns: list[str]) -> None:
        self.world = world
        self.columns = columns
        super().__init__(
            f"A leak: {', '.join(columns)} changed when {world}. Read the tables through features.asof."
        )


def assert_no_leak(compute: Compute, tables: Tables, cutoff: datetime) -> None:
    """Raises LeakError where `compute` tells more than what was known at `cutoff`.

    `compute` takes Tables and gives an Ibis table or a polars frame, whose rows may come in any order.
    It runs three times: on the tables as they are; with everything from the cutoff on deleted; and with
    a future planted: new facts right after the cutoff, changed versions, orders cancelled. The three
    must agree, floating-point numbers to a relative 1e-9. `cutoff` must have a time zone.
    """
    told = _frame(compute(tables))
    for words, world in (
        ("the future was deleted", _WithoutFuture(tables, cutoff)),
        ("another future was planted", _WithPlantedFuture(tables, cutoff)),
    ):
        if changed := _changed_columns(told, _frame(compute(world))):
            raise LeakError(words, changed)


def first_time(table: Table) -> str | None:
    """The column that says since when a row is there; None for a table without time."""
    own = {column.name for column in table.own_columns}
    return table.time_column or next((name for name in FIRST_TIMES if name in own), None)


@dataclass(frozen=True)
class _World:
    """Tables whose `current` follows from `history`, as in the store."""

    tables: Tables
    cutoff: datetime

    def history(self, name: str) -> "ir.Table":
        raise NotImplementedError

    def current(self, name: str) -> "ir.Table":
        table, rows = TABLES[name], self.history(name)
        rows = rows.filter(rows.superseded_at.isnull())
        return rows.filter(rows.valid_to.isnull()) if table.is_versioned else rows

    def has_rows(self, name: str) -> bool:
        return int(self.current(name).limit(1).count().execute()) > 0

    def before(self, name: str) -> "ir.Table":
        """Rows that were there before the cutoff, as they lie in the store."""
        rows, table = self.tables.history(name), TABLES[name]
        if name == "order_lines":
            return rows.semi_join(self.before("orders").select("order_id"), "order_id")
        if time := first_time(table):
            edge = self.cutoff if table.column[time].type == "timestamp" else self.cutoff.date()
            rows = rows.filter(rows[time].isnull() | (rows[time] < edge))
        if table.is_versioned:
            rows = rows.filter(rows.valid_from.isnull() | (rows.valid_from < self.cutoff))
        return rows


class _WithoutFuture(_World):
    def history(self, name: str) -> "ir.Table":
        import ibis

        rows = self.before(name)
        moments = [
            c.name
            for c in TABLES[name].columns
            if c.type == "timestamp" and c.name not in ("recorded_at", "superseded_at")
        ]
        gone = {m: ibis.ifelse(rows[m] >= self.cutoff, ibis.null(rows[m].type()), rows[m]) for m in moments}
        return rows.mutate(**gone)


class _WithPlantedFuture(_World):
    def history(self, name: str) -> "ir.Table":
        table, rows = TABLES[name], self.tables.history(name)
        planted = []
        if table.time_column or name == "order_lines":
            planted.append(self._new_facts(name))
        if table.is_versioned:
            planted.append(self._new_versions(name))
            rows = self._ended(rows, name)
        for more in planted:
            rows = rows.union(more.select(*rows.columns))
        return rows

    @property
    def _later(self) -> datetime:
        return self.cutoff + PLANTED_AFTER

    def _new_facts(self, name: str) -> "ir.Table":
        """Every past fact again, right after the cutoff, under a new key and three times as large."""
        table, rows = TABLES[name], self.before(name)
        changed: dict[str, Any] = _tripled(rows, table)
        for key in {*table.key, *({"order_id"} & set(rows.columns))}:
            changed[key] = rows[key] + PLANTED
        if table.time_column:
            changed[table.time_column] = _moment(rows, table.time_column, self._later)
            changed["local_date"] = _moment(rows, table.time_column, self._later).date()
        return rows.mutate(**changed)

    def _new_versions(self, name: str) -> "ir.Table":
        """Of everything that may change, a changed version from right after the cutoff on."""
        table, rows = TABLES[name], self.before(name)
        rows = rows.filter(rows.valid_to.isnull() | (rows.valid_to >= self.cutoff))
        changed: dict[str, Any] = _tripled(rows, table)
        for column in table.own_columns:
            if column.type == "string" and column.identifies is None and column.name not in table.key:
                changed[column.name] = rows[column.name] + PLANTED
        changed["valid_from"] = _moment(rows, "valid_from", self._later)
        return rows.mutate(**changed)

    def _ended(self, rows: "ir.Table", name: str) -> "ir.Table":
        import ibis

        is_open = rows.valid_to.isnull() | (rows.valid_to >= self.cutoff)
        if name == "orders":
            is_changed = rows.valid_from.isnull() & rows.cancelled_at.isnull() & (rows.status != "cancelled")
            later = _moment(rows, "cancelled_at", self._later)
            rows = rows.mutate(
                cancelled_at=ibis.ifelse(is_changed, later, rows.cancelled_at),
                status=ibis.ifelse(is_changed, "cancelled", rows.status),
            )
        return rows.mutate(
            valid_to=ibis.ifelse(is_open, _moment(rows, "valid_to", self._later), rows.valid_to)
        )


def _tripled(rows: "ir.Table", table: Table) -> dict[str, Any]:
    numbers = [c.name for c in table.own_columns if c.type in ("decimal", "float", "integer")]
    return {name: (rows[name] * 3).cast(rows[name].type()) for name in numbers}


def _moment(rows: "ir.Table", column: str, moment: datetime) -> Any:
    import ibis

    return ibis.literal(moment).cast(rows[column].type())


def _frame(answer: Any) -> "polars.DataFrame":
    import polars

    frame = answer if isinstance(answer, polars.DataFrame) else answer.to_polars()
    is_float = {name: dtype.is_float() for name, dtype in frame.schema.items()}
    return frame.sort(sorted(frame.columns, key=lambda name: (is_float[name], name)), nulls_last=True)


def _changed_columns(told: "polars.DataFrame", again: "polars.DataFrame") -> list[str]:
    from polars.testing import assert_frame_equal

    if told.columns != again.columns or told.height != again.height:
        return ["the number of rows" if told.columns == again.columns else "the set of columns"]
    changed = []
    for name in told.columns:
        try:
            assert_frame_equal(told.select(name), again.select(name), rel_tol=RELATIVE_TOLERANCE)
        except AssertionError:
            changed.append(name)
    return changed
