"""Records the store keeps about its own work: runs and quarantined rows."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from foresell.contracts.columns import identifier, json_text, moment, text, whole
from foresell.contracts.tables import Table

RunStatus = Literal["finished", "duplicate"]
QuarantineStatus = Literal["open", "fixed", "replayed", "discarded", "erased"]


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How the rows of a run ended. The four outcomes always add up to `rows_read`."""

    rows_read: int = 0
    rows_accepted: int = 0
    rows_updated: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0

    def is_complete(self) -> bool:
        outcomes = self.rows_accepted + self.rows_updated + self.rows_duplicate
        return self.rows_read == outcomes + self.rows_quarantined


@dataclass(frozen=True, slots=True)
class IngestRun:
    """One import of one file: what came in, how it was mapped, how its rows ended.

    `keys_retired`: how many keys a full dump lacked and so ended; they are no rows of the file.
    """

    run_id: str
    source: str
    source_file: str
    sha256: str
    mapping: str
    started_at: datetime
    finished_at: datetime
    counts: RowCounts = field(default_factory=RowCounts)
    status: RunStatus = "finished"
    keys_retired: int = 0

    def as_record(self) -> dict[str, object]:
        """Flat and JSON-ready; times in ISO 8601, UTC."""
        record = asdict(self)
        counts = record.pop("counts")
        record["started_at"] = self.started_at.isoformat()
        record["finished_at"] = self.finished_at.isoformat()
        return {**record, **counts}


ingest_runs = Table(
    "ingest_runs",
    "Every import, and how its rows ended: the four outcomes add up to `rows_read`.",
    key=("run_id",),
    has_lineage=False,
    own_columns=(
        text("run_id"),
        text("source", "the preset's or mapping's name", required=True),
        text("source_file", "the name of the file"),
        text("sha256", "of the file"),
        json_text("mapping", "as applied, so that a rebuild needs nothing else"),
        moment("started_at", required=True),
        moment("finished_at", required=True),
        whole("rows_read", required=True),
        whole("rows_accepted", required=True),
        whole("rows_updated", required=True),
        whole("rows_duplicate", required=True),
        whole("rows_quarantined", required=True),
        text("status", "finished, duplicate", required=True),
    ),
)

quarantine = Table(
    "quarantine",
    "Rows that could not be used, each with its reason. What people decided of them is in the state.",
    key=("quarantine_id",),
    has_lineage=False,
    own_columns=(
        identifier("quarantine_id", "run id and row number"),
        text("run_id", required=True),
        text("source_file"),
        whole("row_number", "in the source file, from 1, the header not counted"),
        text("target_table"),
        text("error_code", required=True),
        text("column", "the column at fault, in the source's words"),
        text("message", "what is wrong and what to do"),
        identifier("raw", "the row as it came (identifiers as tokens), as JSON"),
    ),
)

RECORDS: dict[str, Table] = {table.name: table for table in (ingest_runs, quarantine)}
