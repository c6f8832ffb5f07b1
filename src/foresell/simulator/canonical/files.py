"""Parquet files of canonical tables, written in bounded memory."""

from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Rows of a table that are held before they are written.
ROWS_HELD = 100_000


class TableFiles:
    """`FOLDER/<table>/<table>-<number>.parquet`; each process writes under a number of its own.

    `finish` makes them whole: without it they cannot be read.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._held: dict[str, list[pa.Table]] = defaultdict(list)
        self._num_held: dict[str, int] = defaultdict(int)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.num_rows: dict[str, int] = defaultdict(int)

    def put(self, name: str, rows: pa.Table | None) -> None:
        if rows is None or not rows.num_rows:
            return
        self._held[name].append(rows)
        self._num_held[name] += rows.num_rows
        self.num_rows[name] += rows.num_rows
        if self._num_held[name] >= ROWS_HELD:
            self._flush(name)

    def finish(self) -> None:
        for name in list(self._held):
            self._flush(name)
        self.close()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _flush(self, name: str) -> None:
        rows = pa.concat_tables(self._held.pop(name), promote_options="permissive")
        self._num_held[name] = 0
        if name not in self._writers:
            path = self._folder / name / f"{name}-{self._number}.parquet"
            path.parent.mkdir(exist_ok=True)
            self._writers[name] = pq.ParquetWriter(path, rows.schema, compression="zstd", compression_level=1)
        self._writers[name].write_table(rows.cast(self._writers[name].schema))
