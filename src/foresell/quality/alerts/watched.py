"""What alert rules are given, and what they give."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any

from foresell.quality.finding import Severity, Words


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One import: its source, its local date, how its rows ended, and how empty its columns were.

    `missing`: column of the file → share (0–1) of rows without a value. A file that brought nothing new
    (`is_duplicate`) says that the source is alive, and nothing of its columns.
    """

    run_id: str
    source: str
    source_file: str
    day: date
    rows_read: int
    rows_quarantined: int
    is_duplicate: bool
    missing: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is known at the end of the local date `day`.

    `runs`: in the order of import. `rows_by_day`: (source, table) → local date → rows of that date, for
    tables with a main time; a date without rows is left out. Nothing lies after `day`.
    """

    day: date
    runs: Sequence[RunFacts]
    rows_by_day: Mapping[tuple[str, str], Mapping[date, int]]

    def by_source(self) -> dict[str, list[RunFacts]]:
        ordered = sorted(self.runs, key=lambda run: run.source)
        return {source: list(runs) for source, runs in groupby(ordered, key=lambda run: run.source)}


@dataclass(frozen=True, slots=True)
class Limits:
    """`late_factor`: a source is late after this many times its longest usual pause. `unusual_z`: a size is
    unusual from this many robust standard deviations."""

    late_factor: float
    unusual_z: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Something about a source that a person should look at. `subject`: the table, column or file."""

    alert: str
    severity: Severity
    source: str
    subject: str
    words: Words

    def as_record(self) -> dict[str, Any]:
        """Flat and JSON-ready."""
        record = asdict(self)
        record.update(record.pop("words"))
        return record
