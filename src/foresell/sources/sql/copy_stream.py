"""The rows that PostgreSQL's COPY sends, in batches of text columns."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError
from foresell.sources.sql.database import ConnectionLostError, OrderValue

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 4 << 20
Line = bytes | bytearray | memoryview


class CopyStream:
    """The rows of one COPY; see `database.RowStream`."""

    def __init__(self, rows: Iterator[Line], names: Sequence[str]) -> None:
        self._rows = rows
        self._names = list(names)
        self._next: Line | None = None
        self._lost: ConnectionLostError | None = None
        self._last: pa.Table | None = None
        self.is_finished = False
        self._advance()

    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    def read(self, max_rows: int, max_bytes: int) -> "pa.Table":
        if self._lost is not None:
            raise self._lost
        taken: list[Line] = []
        num_bytes = 0
        while self._next is not None and len(taken) < max_rows and num_bytes < max_bytes:
            taken.append(self._next)
            num_bytes += len(self._next)
            self._advance()
        table = _text_table(taken, self._names)
        if taken:
            self._last = table.slice(table.num_rows - 1)
        elif self._lost is not None:
            raise self._lost
        return table

    def last_values(self, columns: Sequence[int]) -> tuple[OrderValue, ...]:
        return tuple(self._last.column(place)[0].as_py() for place in columns) if self._last else ()

    def _advance(self) -> None:
        # One row ahead, so that the last batch knows that it is the last.
        try:
            self._next = next(self._rows, None)
            self.is_finished = self._next is None
        except ConnectionLostError as error:
            self._next, self._lost = None, error


def _text_table(lines: Sequence[Line], names: Sequence[str]) -> "pa.Table":
    """Lines of COPY's CSV, where an empty value is null and a quoted one is not, as text columns."""
    import pyarrow as pa
    from pyarrow import csv

    types = dict.fromkeys(names, pa.string())
    if not lines:
        return pa.schema(list(types.items())).empty_table()
    # A block must hold the longest line.
    block = max(BLOCK_BYTES, 2 * max(map(len, lines)))
    table = csv.read_csv(
        pa.BufferReader(b"".join(lines)),
        read_options=csv.ReadOptions(column_names=list(names), block_size=block),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    if table.num_rows != len(lines):
        raise BackendError(
            "The server's rows were not understood",
            received=f"{table.num_rows} rows in {len(lines)} lines",
            do="Is it PostgreSQL itself? Export the table as CSV and import that.",
        )
    return table
