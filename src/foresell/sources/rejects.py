"""The rows of a file that cannot be split into columns, written as they are found."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from foresell.sources.staging import REJECTS

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20


class Reject(NamedTuple):
    """`row_number`: its place among all rows of the file, from 1, the header not counted; `line_number`:
    the line of the file where it begins, from 1, the header counted; both None where unknown."""

    row_number: int | None
    line_number: int | None
    raw: str | None
    error_code: str
    message: str


class RejectWriter:
    """Writes `rejects.parquet` in bounded memory; no reject, no file.

    With `is_raw_withheld` the raw text is not written, since it may hold identifiers.
    """

    def __init__(self, into: Path, *, is_raw_withheld: bool) -> None:
        self.count = 0
        self._path = into / REJECTS
        self._is_raw_withheld = is_raw_withheld
        self._waiting: list[Reject] = []
        self._waiting_bytes = 0
        self._writer: Any = None

    def __enter__(self) -> "RejectWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._write()
        if self._writer is not None:
            self._writer.close()

    def add(self, reject: Reject) -> None:
        self.count += 1
        kept = reject._replace(raw=None) if self._is_raw_withheld else reject
        self._waiting.append(kept)
        self._waiting_bytes += len(kept.raw or "")
        if len(self._waiting) >= BATCH_ROWS or self._waiting_bytes >= BATCH_BYTES:
            self._write()

    def extend(self, rejects: Sequence[Reject]) -> None:
        for reject in rejects:
            self.add(reject)

    def _write(self) -> None:
        if not self._waiting:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(
            [
                ("row_number", pa.int64()),
                ("line_number", pa.int64()),
                ("raw", pa.string()),
                ("error_code", pa.string()),
                ("message", pa.string()),
            ]
        )
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        by_column = zip(*self._waiting, strict=True)
        columns = [pa.array(values, kind) for values, kind in zip(by_column, schema.types, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        self._waiting.clear()
        self._waiting_bytes = 0
