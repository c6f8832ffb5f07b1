"""The rows that a cursor of Python's database API gives, in batches of text columns."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.sources.sql.database import ConnectionLostError, OrderValue

if TYPE_CHECKING:
    import pyarrow as pa

# Rows fetched at once: between two looks at the size of the batch.
FETCH_ROWS = 2000

Row = Sequence[Any]


class FetchedRows:
    """Rows of a cursor; see `database.RowStream`.

    `fetch(n)`: at most n rows, none at the end; it may raise ConnectionLostError. `as_text`: turns all the
    values of a column into text. `as_order`: a value as a position holds it.
    """

    def __init__(
        self,
        fetch: Callable[[int], Sequence[Row]],
        names: Sequence[str],
        as_text: Callable[[int, Sequence[Any]], Sequence[str | None]],
        as_order: Callable[[int, Any], OrderValue],
    ) -> None:
        self._fetch = fetch
        self._names = list(names)
        self._as_text = as_text
        self._as_order = as_order
        self._ahead: Sequence[Row] = ()
        self._last: Row | None = None
        self._lost: ConnectionLostError | None = None
        self.is_finished = False
        self._advance(FETCH_ROWS)

    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    def read(self, max_rows: int, max_bytes: int) -> "pa.Table":
        """See `RowStream.read`; at most FETCH_ROWS rows more than `max_bytes` allows."""
        import pyarrow as pa

        taken: list[Row] = []
        num_bytes = 0
        while self._ahead and len(taken) < max_rows and num_bytes < max_bytes:
            rows = self._ahead[: max_rows - len(taken)]
            self._ahead = self._ahead[len(rows) :]
            taken += rows
            num_bytes += sum(_size(row) for row in rows)
            if not self._ahead:
                self._advance(FETCH_ROWS)
        if not taken and self._lost is not None:
            raise self._lost
        if taken:
            self._last = taken[-1]
        columns = list(zip(*taken, strict=True)) if taken else [()] * len(self._names)
        arrays = [pa.array(self._as_text(place, column), pa.string()) for place, column in enumerate(columns)]
        return pa.table(arrays, names=self._names)

    def last_values(self, columns: Sequence[int]) -> tuple[OrderValue, ...]:
        return () if self._last is None else tuple(self._as_order(c, self._last[c]) for c in columns)

    def _advance(self, num_rows: int) -> None:
        # Some rows ahead, so that the last batch knows that it is the last.
        try:
            self._ahead = self._fetch(num_rows)
            self.is_finished = not self._ahead
        except ConnectionLostError as error:
            self._ahead, self._lost = (), error


def plain_order(value: Any, name: str) -> OrderValue:
    """A value as a position holds it. InputError for one that is no text and no number."""
    if value is None or isinstance(value, str | int | float):
        return value
    raise InputError(
        f"Rows cannot be ordered by '{name}': its values are binary", do="Choose another key, or none."
    )


def _size(row: Row) -> int:
    return sum(len(value) for value in row if isinstance(value, str | bytes))
