"""The tables as the store reported them before some moment: what it believed then, right or wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.store.engine import ALL_TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class AsReportedTables:
    """`Tables` with what was recorded before `until` (UTC), as if nothing had been recorded since.

    A table whose rows carry no lineage (results of models, runs, quarantine) is as it is now. Rows of runs
    that were taken back, and of people who were erased, are in neither: they were never there.
    """

    tables: Tables
    until: datetime

    def current(self, name: str) -> "ir.Table":
        """The rows believed then; of a versioned table, those that had not ended then: one row a key."""
        table = ALL_TABLES.get(name)
        if table is None or not table.has_lineage:
            return self.tables.current(name)
        rows = self.history(name)
        rows = rows.filter(rows.superseded_at.isnull())
        return rows.filter(rows.valid_to.isnull()) if table.is_versioned else rows

    def history(self, name: str) -> "ir.Table":
        """Every row recorded by then; of what was superseded later, it is not known yet."""
        import ibis

        rows = self.tables.history(name)
        if name not in ALL_TABLES or not ALL_TABLES[name].has_lineage:
            return rows
        until = ibis.literal(self.until)
        rows = rows.filter(rows.recorded_at < until)
        was_superseded = (rows.superseded_at < until).fill_null(False)
        gone = ibis.ifelse(was_superseded, rows.superseded_at, ibis.null(rows.superseded_at.type()))
        return rows.mutate(superseded_at=gone)

    def has_rows(self, name: str) -> bool:
        return int(self.current(name).limit(1).count().execute()) > 0
