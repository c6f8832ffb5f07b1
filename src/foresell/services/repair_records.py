"""What repairs did, or would do, as records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from foresell.contracts.records import IngestRun
from foresell.quality.repair.patch import Action


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a repair. `old`, `new`: column → value; `new` is empty where the row is dropped."""

    table: str
    action: Action
    key: Mapping[str, str]
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    evidence: str

    def as_record(self) -> dict[str, object]:
        return {
            "table": self.table,
            "action": self.action,
            "key": dict(self.key),
            "old": {name: _plain(value) for name, value in self.old.items()},
            "new": {name: _plain(value) for name, value in self.new.items()},
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class KpiChange:
    """A KPI before and after; None where it cannot be given."""

    kpi: str
    unit: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    def as_record(self) -> dict[str, object]:
        return {
            "kpi": self.kpi,
            "unit": self.unit,
            "before": self.before,
            "after": self.after,
            "difference": self.difference,
        }


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule did (`run_id`: its run) or would do. `rows`: table → rows changed or dropped."""

    rule: str
    repair: str
    rows: Mapping[str, int]
    examples: tuple[Example, ...] = ()
    run_id: str | None = None
    kpis: tuple[KpiChange, ...] = ()

    @property
    def num_rows(self) -> int:
        return sum(self.rows.values())

    def with_run(self, run: IngestRun) -> "RuleOutcome":
        return replace(self, run_id=run.run_id)

    def with_kpis(self, kpis: tuple[KpiChange, ...]) -> "RuleOutcome":
        return replace(self, kpis=kpis)

    def as_record(self) -> dict[str, object]:
        return {
            "rule": self.rule,
            "repair": self.repair,
            "run_id": self.run_id,
            "rows": dict(self.rows),
            "examples": [example.as_record() for example in self.examples],
            "kpis": [change.as_record() for change in self.kpis],
        }


@dataclass(frozen=True, slots=True)
class RepairOutcome:
    """All rules in order. `kpis`: what they change together (dry runs only)."""

    repairs: tuple[RuleOutcome, ...]
    is_dry_run: bool
    kpis: tuple[KpiChange, ...] = ()

    def as_record(self) -> dict[str, object]:
        return {
            "dry_run": self.is_dry_run,
            "repairs": [outcome.as_record() for outcome in self.repairs],
            "kpis": [change.as_record() for change in self.kpis],
        }


@dataclass(frozen=True, slots=True)
class RepairRun:
    """A repair that was done. `num_rows` patches, of which `num_applied` took effect."""

    run_id: str
    repair: str
    rule: str
    recorded_at: datetime
    num_rows: int
    num_applied: int
    is_undone: bool

    def as_record(self) -> dict[str, object]:
        return {
            "run_id": self.run_id,
            "repair": self.repair,
            "rule": self.rule,
            "recorded_at": self.recorded_at.isoformat(),
            "rows": self.num_rows,
            "applied": self.num_applied,
            "undone": self.is_undone,
        }


def note_repaired(outcome: RuleOutcome, note: Callable[[str], None]) -> None:
    """Say what a rule did after an import, if it did anything."""
    if outcome.run_id is not None:
        rows = ", ".join(f"{count:,} rows of {table}" for table, count in outcome.rows.items())
        note(f"Repaired {rows} by '{outcome.rule}' (undo: foresell repair undo {outcome.run_id}).")


def _plain(value: Any) -> object:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
