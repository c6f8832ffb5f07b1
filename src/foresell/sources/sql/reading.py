"""One pass over a source: batch after batch in order, over as many connections as it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.errors import BackendError, InputError, did_you_mean
from foresell.sources.sql import open_database
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import (
    ConnectionLostError,
    Database,
    OrderKind,
    OrderValue,
    RowStream,
    SourceColumn,
)
from foresell.sources.sql.kept_connection import KeptConnection
from foresell.sources.sql.position import Position, floor_limit, read_moment, start_of_pass
from foresell.sources.sql.selection import Selection
from foresell.sources.sql.statements import Start, any_null, greatest, rows_from

if TYPE_CHECKING:
    import pyarrow as pa

# How long to wait before each attempt to connect again.
RECONNECT_SECONDS = (0.2, 1.0, 3.0, 6.0, 10.0)
MAX_BATCH_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as text, and how far they go. `position.follows` is to be filled in by who stores it."""

    rows: "pa.Table"
    columns: tuple[SourceColumn, ...]
    position: Position


class Pass:
    """Reads what is new in a source since a position, each row once but for those of the overlap.

    `since`: where to go on in a source, by its `Position.origin`. `time_zone`: of watermarks that name none.
    A lost connection is made again, and reading goes on with the last row that was given (so that it comes
    twice). BackendError where that does not succeed. `kept`: where a connection comes from and goes to.
    """

    def __init__(
        self,
        address: Address,
        selection: Selection,
        since: Callable[[str], Position | None],
        time_zone: str,
        kept: KeptConnection | None = None,
    ) -> None:
        self.address = address
        self.selection = selection
        self.is_finished = False
        self._zone = ZoneInfo(time_zone)
        self._since = since
        self._kept = kept
        self._position: Position | None = None
        self._database: Database | None = None
        self._stream: RowStream | None = None
        self._columns: tuple[SourceColumn, ...] = ()
        self._order: tuple[str, ...] = ()
        self._relation = ""
        self._floor: OrderValue = None
        self._num_read = 0
        self._num_failures = 0
        self._was_connected = False

    def read(self) -> Batch:
        """The next batch; the last one if `is_finished` afterwards. It may have no rows."""
        while True:
            try:
                stream = self._open()
                rows = stream.read(self.selection.batch_rows, MAX_BATCH_BYTES)
                position = self._after(stream)
                if stream.is_lost and position == self._position:
                    raise ConnectionLostError("it always ends at the same row")
                break
            except ConnectionLostError as error:
                self.close()
                self._wait(error)
        self._num_failures = 0
        self._num_read += rows.num_rows
        # Where rows that are equal in order fill a batch, only the stream itself leads on.
        has_moved, self._position = position != self._position, position
        self.is_finished = stream.is_finished
        if has_moved and self._order and self._database is not None and self._database.is_reader_blocking:
            self.close()
        return Batch(rows, self._columns, position)

    def _wait(self, error: ConnectionLostError) -> None:
        """Before the next attempt to connect; BackendError after the last, or where nothing can go on."""
        can_go_on = bool(self._order) or not self._num_read
        if self._num_failures == len(RECONNECT_SECONDS) or not can_go_on:
            safe = (
                "Import again: it goes on there." if can_go_on else "Name a key (--key) to go on from there."
            )
            raise BackendError(
                f"The connection to {self.address.place} was lost and could not be made again",
                received=str(error),
                do=f"The rows read until then ({self._num_read:,}) are safe in the store. {safe}",
            ) from error
        time.sleep(RECONNECT_SECONDS[self._num_failures])
        self._num_failures += 1

    def close(self) -> None:
        """Give the connection back."""
        if self._database is not None and self._kept is not None and self.is_finished:
            self._kept.keep(self._database)
        elif self._database is not None:
            self._database.close()
        self._database, self._stream = None, None

    def _open(self) -> RowStream:
        if self._stream is not None:
            return self._stream
        database = self._database = self._connected()
        selection = self.selection
        self._relation = (
            f"(\n{selection.plain_query}\n) AS source"
            if selection.table is None
            else database.relation(selection.table)
        )
        self._columns = tuple(database.columns(self._relation))
        self._order = self._ordered_by(database)
        start = self._start(database)
        statement = rows_from(database, self._relation, self._columns, self._order, start)
        self._stream = database.stream(statement, self._columns)
        return self._stream

    def _connected(self) -> Database:
        try:
            database = open_database(self.address) if self._kept is None else self._kept.take()
        except BackendError as error:
            if not self._was_connected:
                raise
            raise ConnectionLostError(str(error.received or error.what)) from error
        self._was_connected = True
        return database

    def _ordered_by(self, database: Database) -> tuple[str, ...]:
        """The watermark, then the key, which is the table's own if none is given."""
        selection = self.selection
        kinds = {column.name: column.order_kind for column in self._columns}
        for name in (selection.watermark, *selection.key):
            if name is not None and name not in kinds:
                raise InputError(
                    f"{selection.name} has no column '{name}' to order by", do=did_you_mean(name, kinds)
                )
            if name in selection.key and kinds[name] is None:
                raise InputError(f"Rows cannot be ordered by '{name}'", do="Choose another key, or none.")
        key = selection.key
        if not key and selection.table is not None:
            key = database.primary_key(selection.table)
        if any(kinds.get(name) is None for name in key):
            key = ()
        first = () if selection.watermark is None else (selection.watermark,)
        return tuple(dict.fromkeys((*first, *key)))

    def _start(self, database: Database) -> Start:
        known = self._position if self._num_read else self._since(self._origin)
        if known is not None and not known.is_complete:
            self._floor = known.floor
            watermark = () if self.selection.watermark is None else (known.watermark,)
            return Start(at=(*watermark, *known.key))
        if self.selection.watermark is None:
            return Start()
        kind = self._watermark_kind(self.selection.watermark)
        self._floor = self._greatest(database, self.selection.watermark, kind)
        if known is None or known.floor is None:
            return Start()
        nulls = database.value(any_null(database, self._relation, self.selection.watermark))
        floor = start_of_pass(known.floor, kind, self.selection.overlap)
        return Start(floor=floor, has_nulls=str(nulls) != "0")

    @property
    def _origin(self) -> str:
        """What is read, and in which order: a position of another origin says nothing here."""
        return f"{self.address.place} {self.selection.name} by {', '.join(self._order)}"

    def _watermark_kind(self, name: str) -> OrderKind:
        [column] = [column for column in self._columns if column.name == name]
        if column.order_kind is None:
            raise _no_watermark(name, "it is neither a time nor a number")
        return column.order_kind

    def _greatest(self, database: Database, name: str, kind: OrderKind) -> OrderValue:
        """The greatest watermark that is not in the future."""
        found = database.value(greatest(database, self._relation, name))
        if found is None or kind == "number" or not isinstance(found, str):
            return found
        if kind == "text" and read_moment(found) is None:
            raise _no_watermark(name, "it is text, and no time as 2024-02-29T13:45:00")
        limit = floor_limit(found, kind, database.now(), self._zone)
        return found if limit is None else database.value(greatest(database, self._relation, name, limit))

    def _after(self, stream: RowStream) -> Position:
        """The position after what the stream has given so far."""
        if stream.is_finished:
            return Position(self._origin, self._floor, is_complete=True)
        names = [column.name for column in self._columns]
        values = stream.last_values([names.index(name) for name in self._order])
        has_watermark = self.selection.watermark is not None
        return Position(
            self._origin,
            self._floor,
            is_complete=False,
            watermark=values[0] if has_watermark and values else None,
            key=tuple(values[1:] if has_watermark else values),
        )


def _no_watermark(name: str, reason: str) -> InputError:
    return InputError(
        f"The column '{name}' cannot be a watermark: {reason}",
        do="Choose a column of times or numbers that grows with every change of a row, or leave out "
        "--watermark: then every import reads everything.",
    )
