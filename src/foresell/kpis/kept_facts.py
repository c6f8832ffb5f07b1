"""Facts that many questions are asked of, computed once: most of what a question costs is to say it."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.store.kept import kept

if TYPE_CHECKING:
    import ibis.expr.types as ir

Days = tuple[date, date]


class KeptFacts:
    """`Tables` whose facts of these spans of local dates are kept by the engine once they were asked for.

    A question about days within one span is answered from what is kept, any other as ever. `spans`: first and
    last days; those that touch are one. What is kept goes with this object, or with the engine's connection.
    """

    def __init__(self, tables: Tables, spans: Iterable[Days]) -> None:
        self._tables = tables
        self._spans = tuple(_joined(spans))
        self._facts: dict[tuple[str, Days], ir.Table | None] = {}
        # What a question has found out of the tables, for those that follow.
        self.known: dict[str, Any] = {}

    @classmethod
    def of(cls, tables: Tables, spans: Iterable[Days]) -> "KeptFacts":
        """The tables themselves, where they keep these spans already."""
        wanted = tuple(spans)
        if isinstance(tables, cls) and all(tables.span_of(*span) for span in wanted):
            return tables
        return cls(tables, wanted)

    def current(self, name: str) -> "ir.Table":
        return self._tables.current(name)

    def history(self, name: str) -> "ir.Table":
        return self._tables.history(name)

    def has_rows(self, name: str) -> bool:
        return self._tables.has_rows(name)

    def span_of(self, start: date | None, end: date | None) -> Days | None:
        """The kept span that these days lie in."""
        if start is None or end is None:
            return None
        return next((span for span in self._spans if span[0] <= start and end <= span[1]), None)

    def fact(self, name: str, span: Days, build: "Callable[[], ir.Table]") -> "ir.Table | None":
        """What `build` gives, kept under that name; None where it cannot be built for the whole span (a rate
        of some other day is missing, say)."""
        if (name, span) not in self._facts:
            try:
                self._facts[name, span] = kept(build())
            except InputError:
                self._facts[name, span] = None
        return self._facts[name, span]


def _joined(spans: Iterable[Days]) -> list[Days]:
    found: list[Days] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + timedelta(days=1):
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
