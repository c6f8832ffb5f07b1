"""What a question about a KPI is answered with."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KpiAnswer:
    """`unit` is a currency (ISO 4217) for money. `rows` are JSON-ready: `period` (first local
    date, ISO), the dimension's name, `value` (null where undefined), or the KPI's named columns."""

    kpi: str
    unit: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        return {"kpi": self.kpi, "unit": self.unit, "rows": self.rows}

    @property
    def value(self) -> Any:
        """The one number of an answer without period and dimension."""
        return self.rows[0]["value"] if self.rows else None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A KPI that cannot be given here: what it lacks, or why it cannot be cut so."""

    kpi: str
    reason: str
    lacks: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        return {"kpi": self.kpi, "unavailable": self.reason, "lacks": list(self.lacks)}
