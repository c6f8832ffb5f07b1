"""The one cutoff: a shop's tables as they were known at a moment, and what came after it.

    past = asof(tables, settings, cutoff)                     features: strictly before the cutoff
    future = after(tables, settings, cutoff, horizon)         labels: [cutoff, cutoff + horizon)

Both answer as `Tables` do, lazily, on DuckDB and on Spark, so every KPI and feature runs on them unchanged.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.cutoffs import ALL_TABLES, PARENTS, Window, blank_later_cells, keep_rows
from foresell.matching.resolve import beneath_matching

if TYPE_CHECKING:
    import ibis.expr.types as ir


def asof(tables: Tables, settings: Settings, cutoff: datetime, *, known_by: datetime | None = None) -> Tables:
    """Every table as it was in the world just before `cutoff`.

    Facts are those before the cutoff; a versioned row is the version valid then (`valid_from` null:
    since always); customers and products created later are not there; cells written later are null
    (see `features.cutoffs`). Lineage columns speak of the import, not of the world: never a feature.

    `known_by`: use only what the store had been told by then ("as reported on that day": rows with
    `recorded_at` ≤ known_by < `superseded_at`). Default: what is believed now about that time.

    Of tables that are matched (`matching.resolve`), the links are those whose evidence was there by then.

    Raises InputError for a time without a time zone.
    """
    told = None if known_by is None else _utc(known_by, "known_by")
    window = Window(_utc(cutoff, "cutoff"), settings.store.time_zone, known_by=told)
    return beneath_matching(tables, lambda unmatched: AsOfTables(unmatched, window))


def after(tables: Tables, settings: Settings, cutoff: datetime, horizon: timedelta) -> Tables:
    """What happened in [cutoff, cutoff + horizon), for labels.

    Facts are those of the window, as known at its end (an order cancelled within the window is
    cancelled). Customers, products and other things that are no facts are as at the window's end.

    Raises InputError for a time without a time zone or a horizon that is not positive.
    """
    if horizon <= timedelta(0):
        raise InputError("A horizon must be positive", received=horizon, do="Give a time span above 0.")
    since = _utc(cutoff, "cutoff")
    window = Window(since + horizon, settings.store.time_zone, since=since)
    return beneath_matching(tables, lambda unmatched: AsOfTables(unmatched, window))


def _utc(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise InputError(
            f"The {name} has no time zone",
            received=moment,
            do="Give a time in UTC, such as 2026-01-01T00:00Z.",
        )
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class AsOfTables:
    """`Tables` seen through a window of time; made by `asof` and `after`."""

    tables: Tables
    window: Window

    def current(self, name: str) -> "ir.Table":
        """The rows as they stood at the window's end: one row a key."""
        rows = self._believed(self._recorded(name), name)
        if ALL_TABLES[name].is_versioned:
            rows = rows.filter(rows.valid_to.isnull() | (rows.valid_to >= self.window.until))
        return self._there(rows, name)

    def history(self, name: str) -> "ir.Table":
        """Every version that had begun by the window's end; superseded rows too."""
        return self._there(self._recorded(name), name)

    def has_rows(self, name: str) -> bool:
        return self.tables.has_rows(name) and int(self.current(name).limit(1).count().execute()) > 0

    def _recorded(self, name: str) -> "ir.Table":
        if name not in ALL_TABLES:
            raise NotFoundError(f"There is no table '{name}' with a past", do=did_you_mean(name, ALL_TABLES))
        table, rows = ALL_TABLES[name], self.tables.history(name)
        if table.has_lineage and self.window.known_by is not None:
            rows = rows.filter(rows.recorded_at <= self.window.known_by)
        if table.is_versioned:
            rows = rows.filter(rows.valid_from.isnull() | (rows.valid_from < self.window.until))
        return rows

    def _believed(self, rows: "ir.Table", name: str) -> "ir.Table":
        if not ALL_TABLES[name].has_lineage:
            return rows
        still = rows.superseded_at.isnull()
        return rows.filter(
            still if self.window.known_by is None else still | (rows.superseded_at > self.window.known_by)
        )

    def _there(self, rows: "ir.Table", name: str) -> "ir.Table":
        kept = blank_later_cells(keep_rows(rows, name, self.window), name, self.window)
        if name not in PARENTS:
            return kept
        parent, key = PARENTS[name]
        attached = kept.semi_join(self.current(parent).select(key), key)
        return kept.filter(kept[key].isnull()).union(attached) if name == "coupons" else attached
