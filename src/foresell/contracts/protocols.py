"""What rooms are handed: a shop's tables, without knowing where they lie or which engine reads them."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Tables(Protocol):
    """The tables of one shop as lazy Ibis expressions; every table of the contracts is there.

    A table that was never loaded is typed and empty, so that an expression over it still runs.
    """

    def current(self, name: str) -> "ir.Table":
        """The rows believed now; of a versioned table, the version true now: one row a key."""

    def history(self, name: str) -> "ir.Table":
        """Every row ever recorded, superseded ones and past versions included."""

    def has_rows(self, name: str) -> bool:
        """Whether the table has any current row."""
