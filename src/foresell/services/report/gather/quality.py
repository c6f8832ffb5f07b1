"""Imports and what became of their rows; what the checks found."""

from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.matching.resolve import without_matching
from foresell.services.report.sections import Quality, ReasonCount, RunRow

if TYPE_CHECKING:
    from collections.abc import Callable

RUN_COLUMNS = tuple(RunRow.__dataclass_fields__)


def gather_quality(tables: Tables, settings: Settings, on_check: "Callable[[str], None]") -> Quality:
    from foresell.quality.report import check_tables

    as_recorded = without_matching(tables)
    return Quality(_runs(tables), _reasons(tables), check_tables(as_recorded, settings, on_check=on_check))


def _runs(tables: Tables) -> tuple[RunRow, ...]:
    """Every import, the first one first."""
    runs = tables.current("ingest_runs")
    rows = runs.order_by("finished_at", "run_id").select(*RUN_COLUMNS).to_pyarrow().to_pylist()
    return tuple(RunRow(**row) for row in rows)


def _reasons(tables: Tables) -> tuple[ReasonCount, ...]:
    """Quarantined rows by file and reason, the most frequent first."""
    rejected = tables.current("quarantine")
    counts = rejected.group_by("source_file", "error_code", "column").agg(num_rows=rejected.count())
    reasons = [ReasonCount(**row) for row in counts.to_pyarrow().to_pylist()]
    return tuple(
        sorted(reasons, key=lambda r: (-r.num_rows, r.source_file or "", r.error_code, str(r.column)))
    )
