"""Rows of a file to look at: its beginning and places spread over it, in memory only.

Every format comes through its own reader. What the reader writes ends in a pipe instead of on a disk, since
the rows hold identifiers that are not yet tokens.
"""

import io
import os
import select
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from foresell.sources.encoding import is_gzip
from foresell.sources.parsing import Value, as_text, kind_of
from foresell.sources.readers import detect_format, stage_file
from foresell.sources.source import Source, size_of
from foresell.sources.staging import PART, ReadOptions, StagedFile
from foresell.store.engine import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MOST_ROWS = 10_000
HEAD_BYTES = 2 << 20
SPREAD_BYTES = 128 << 10
SPREAD_PLACES = 8
TEXT_FORMATS = ("csv", "jsonl")
MEMORY_FOLDER = "/dev/shm"  # noqa: S108  # in memory, and only for what a reader writes a second time
LINE_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Sample:
    """Some rows of a file. `table`: as the reader types them, in file order; `texts`: the same rows as text,
    a list a column; `types`: column → DuckDB type; `details`: what the reader found out. `is_whole`: these are
    all of the file's rows."""

    name: str
    table: "pa.Table"
    texts: Mapping[str, list[str | None]]
    types: Mapping[str, str]
    format: str
    details: Mapping[str, Any]
    is_whole: bool

    @property
    def columns(self) -> list[str]:
        return list(self.texts)

    @property
    def num_rows(self) -> int:
        return int(self.table.num_rows)


def read_sample(connection: "DuckDBPyConnection", source: Source, options: ReadOptions) -> Sample:
    """At most MOST_ROWS rows of a source. Errors: those of `readers.stage_file`."""
    if isinstance(source, Path) and not source.is_file():
        stage_file(connection, source, Path(), options=options, projection=_as_they_are)
    name = options.format or detect_format(source)
    excerpt = _excerpt(source) if name in TEXT_FORMATS else None
    staged, table = _staged(connection, excerpt or source, options)
    is_whole = excerpt is None and table.num_rows <= MOST_ROWS
    table = _thinned(table)
    connection.register("suggest_sample", table)
    types = {row[0]: row[1] for row in connection.execute("DESCRIBE suggest_sample").fetchall()}
    selected = ", ".join(
        f"{as_text(Value(quoted(column), kind_of(kind)))} AS {quoted(column)}"
        for column, kind in types.items()
    )
    as_texts = connection.sql(f"SELECT {selected} FROM suggest_sample").to_arrow_table()
    connection.unregister("suggest_sample")
    texts = {column: as_texts.column(place).to_pylist() for place, column in enumerate(types)}
    return Sample(source.name, table, texts, types, staged.format, staged.details, is_whole)


@dataclass(frozen=True)
class _Excerpt:
    """Bytes in memory that stand for a larger file."""

    name: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO:
        return io.BytesIO(self.data)


def _excerpt(source: Source) -> _Excerpt | None:
    """The beginning of a large text, and whole lines from places spread over it; None: it is small."""
    if size_of(source) <= HEAD_BYTES:
        return None
    with source.open("rb") as file:
        is_packed = is_gzip(source)
        if is_packed:
            import gzip

            with gzip.open(file) as packed:
                head = packed.read(HEAD_BYTES)
        else:
            head = file.read(HEAD_BYTES)
        end = head.rfind(b"\n") + 1
        head = head[:end] or head
        # A value of several lines could be cut in two where a place is chosen blindly.
        has_long_values = any(line.count(b'"') % 2 for line in head.split(b"\n"))
        if is_packed or has_long_values or head[:2] in LINE_MARKS or b"\0" in head[:4096]:
            return _Excerpt(_unpacked_name(source), head)
        step = (size_of(source) - HEAD_BYTES) // SPREAD_PLACES
        parts = [head, *(_lines_at(file, HEAD_BYTES + place * step) for place in range(SPREAD_PLACES))]
    return _Excerpt(source.name, b"".join(parts))


def _unpacked_name(source: Source) -> str:
    return source.name.removesuffix(".gz")


def _lines_at(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    file.readline(SPREAD_BYTES)
    lines = file.read(SPREAD_BYTES)
    return lines[: lines.rfind(b"\n") + 1]


def _as_they_are(columns: Sequence[str]) -> Mapping[str, str]:
    """Replaces a column by itself: a reader that replaces anything keeps no raw text of what it refuses."""
    return {column: quoted(column) for column in columns[:1]}


def _staged(
    connection: "DuckDBPyConnection", source: Source, options: ReadOptions
) -> tuple[StagedFile, "pa.Table"]:
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="foresell-", dir=_memory_folder()) as folder:
        part = Path(folder) / PART
        os.mkfifo(part, 0o600)
        drain = _Drain(part)
        drain.start()
        try:
            staged = stage_file(connection, source, Path(folder), options=options, projection=_as_they_are)
        finally:
            written = drain.end()
        # A reader that throws its first attempt away makes the part anew, as a plain file.
        data = written if part.is_fifo() else part.read_bytes()
    return staged, pq.read_table(io.BytesIO(data))


def _memory_folder() -> str | None:
    return MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else None


class _Drain(threading.Thread):
    """Keeps in memory what is written into a pipe."""

    def __init__(self, pipe: Path) -> None:
        super().__init__(daemon=True, name="foresell-sample")
        self._descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._is_over = threading.Event()
        self._blocks: list[bytes] = []

    def run(self) -> None:
        while True:
            is_last = self._is_over.is_set()
            self._read_all()
            if is_last:
                return
            select.select([self._descriptor], [], [], 0.01)

    def _read_all(self) -> None:
        try:
            while block := os.read(self._descriptor, 1 << 20):
                self._blocks.append(block)
        except BlockingIOError:  # nothing is waiting
            pass

    def end(self) -> bytes:
        """What was written, once the writer has finished."""
        self._is_over.set()
        self.join()
        os.close(self._descriptor)
        return b"".join(self._blocks)


def _thinned(table: "pa.Table") -> "pa.Table":
    """The first half of MOST_ROWS, and as many spread over the rest."""
    import numpy as np

    if table.num_rows <= MOST_ROWS:
        return table
    half = MOST_ROWS // 2
    spread = np.linspace(half, table.num_rows - 1, half).astype(int)
    return table.take(np.concatenate([np.arange(half), spread]))
