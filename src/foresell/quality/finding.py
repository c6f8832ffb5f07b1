"""A finding: what a check found in the tables, in words a shop owner reads."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]

# Worst first. error: a figure is wrong or cannot be computed. warning: a figure may mislead.
# note: worth knowing.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Words:
    """What was found and what to do about it, in both languages of the reports."""

    message: str
    advice: str
    message_zh: str
    advice_zh: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one column (or of the whole table where `column` is None).

    `num_rows` rows have it, a `share` (0-1) of the rows that were looked at. `examples` are ids of such
    rows, smallest first, at most MAX_EXAMPLES; never other content, which might be personal.

    `rows` is a lazy Ibis table of all of them, to be read while the tables are open: the key columns of
    `table` (or the column that `examples` are of, where a row of the finding is an id), `column`, `evidence`
    (text that shows the fault; may be personal) and, if the check knows it, `suggested`: the value, as text,
    that would fit; of a near-duplicate the key it repeats. None where the finding is of no rows.
    """

    check: str
    table: str
    column: str | None
    severity: Severity
    num_rows: int
    share: float
    examples: tuple[str, ...]
    words: Words
    rows: Any = field(default=None, repr=False, compare=False)

    @property
    def message(self) -> str:
        return self.words.message

    @property
    def advice(self) -> str:
        return self.words.advice

    def in_language(self, language: str) -> tuple[str, str]:
        """Message and advice in "en" or "zh"."""
        if language == "zh":
            return self.words.message_zh, self.words.advice_zh
        return self.words.message, self.words.advice

    def as_record(self) -> dict[str, object]:
        """Flat and JSON-ready; without `rows`."""
        return {
            "check": self.check,
            "table": self.table,
            "column": self.column,
            "severity": self.severity,
            "num_rows": self.num_rows,
            "share": self.share,
            "examples": list(self.examples),
            **asdict(self.words),
        }


def share_text(share: float) -> str:
    """A share (0-1) in percent; never 0% for something, nor 100% for less than all."""
    if 0 < share < 0.0001:
        return "<0.01%"
    if 0.9999 < share < 1:
        return ">99.99%"
    return f"{share:.2%}"
