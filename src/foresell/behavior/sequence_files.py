"""Sequences on disk: written from a sorted stream in bounded memory, read back without a copy.

    <folder>/actions.arrow    product, event, channel, quantity, seconds: one record batch of all actions
    <folder>/customers.arrow  customer_id, end: where each customer's actions end

Arrow IPC, uncompressed. It is a copy of behavior outside the store, which erasing a person does not reach:
delete it after use.
"""

import secrets
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from foresell.behavior.sequences import ARRAYS, Sequences, encoded, microseconds
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACTIONS_FILE, CUSTOMERS_FILE = "actions.arrow", "customers.arrow"
SORT_FIRST = "Give the batches of behavior.actions.sorted_batches."
WRITE_AGAIN = "Write the sequences again."


def write_sequences(batches: "Iterable[pa.RecordBatch]", vocabulary: Vocabulary, folder: Path) -> None:
    """Write sorted actions (`behavior.actions.sorted_batches`) so that `open_sequences(folder)` gives them.

    The batches have the columns of `Sequences.from_actions`, customers ascending, each one's actions oldest
    first; rows of nobody are left out. Memory: one batch and the customers' ids. The folder appears whole,
    by a rename, and replaces one that is there. Raises InputError for batches that are not sorted.
    """
    work = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    work.mkdir(parents=True)
    try:
        with _Columns(work) as columns:
            for batch in batches:
                columns.add(batch, vocabulary)
        columns.finish()
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def open_sequences(folder: Path) -> Sequences:
    """The sequences of a folder; their arrays are read-only and lie on disk until they are looked at.

    Raises InputError where the folder is none of `write_sequences`, or damaged.
    """
    try:
        actions, customers = _mapped(folder / ACTIONS_FILE), _mapped(folder / CUSTOMERS_FILE)
        arrays: dict[str, Any] = {name: actions.column(name).to_numpy() for name in ARRAYS}
        ends = customers.column("end").to_numpy()
        ids = pl.Series("customer_id", customers.column("customer_id"), pl.String)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(f"{folder} holds no sequences", received=error, do=WRITE_AGAIN) from error
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    is_of_type = all(arrays[name].dtype == dtype for name, dtype in ARRAYS.items())
    if not is_of_type or offsets[-1] != len(arrays["product"]) or (np.diff(offsets) <= 0).any():
        raise InputError(f"The sequences in {folder} are damaged", do=WRITE_AGAIN)
    return Sequences(offsets, **arrays, customer_ids=ids)


def _mapped(path: Path) -> "pa.RecordBatch":
    """The one batch of an Arrow file, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)


class _Columns:
    """The columns of the actions while they grow, each a flat file; and the customers so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._num_actions = 0
        self._ids: list[Any] = []
        self._starts: list[NDArray[np.int64]] = []
        self._last: tuple[Any, int] = (None, 0)

    def __enter__(self) -> Self:
        self._files = {name: self._stack.enter_context(self._path(name).open("wb")) for name in ARRAYS}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.column"

    def add(self, batch: "pa.RecordBatch", vocabulary: Vocabulary) -> None:
        known = batch.filter(pc.is_valid(batch.column("customer_id")))
        if known.num_rows == 0:
            return
        columns = {name: known.column(name) for name in known.schema.names}
        self._add_customers(columns["customer_id"].cast(pa.large_string()), columns.get("occurred_at"))
        for name, values in encoded(columns, known.num_rows, vocabulary).items():
            values.tofile(self._files[name])
        self._num_actions += known.num_rows

    def _add_customers(self, ids: "pa.Array", moments: "pa.Array | None") -> None:
        times = np.zeros(len(ids), np.int64) if moments is None else microseconds(moments)
        last_id, last_time = self._last
        before = pa.concat_arrays([pa.array([last_id], pa.large_string()), ids[:-1]])
        is_start = pc.not_equal(ids, before).fill_null(True).to_numpy(zero_copy_only=False)
        is_back = pc.less(ids, before).fill_null(False).to_numpy(zero_copy_only=False)
        is_earlier = times < np.concatenate([[last_time], times[:-1]])
        if (is_back | (is_earlier & ~is_start)).any():
            raise InputError("The actions are not sorted by customer and time", do=SORT_FIRST)
        starts = np.flatnonzero(is_start)
        self._starts.append(starts + self._num_actions)
        self._ids.append(ids.take(pa.array(starts)))
        self._last = (ids[-1].as_py(), int(times[-1]))

    def finish(self) -> None:
        """One Arrow file of all actions and one of the customers; the flat files go."""
        arrays = [self._array(name, dtype) for name, dtype in ARRAYS.items()]
        _write(self.folder / ACTIONS_FILE, pa.RecordBatch.from_arrays(arrays, list(ARRAYS)))
        starts = np.concatenate([*self._starts, [self._num_actions]]).astype(np.int64)
        ids = pa.concat_arrays([*self._ids, pa.array([], pa.large_string())])
        ends = pa.array(starts[1:], pa.int64())
        _write(self.folder / CUSTOMERS_FILE, pa.RecordBatch.from_arrays([ids, ends], ["customer_id", "end"]))
        for name in ARRAYS:
            self._path(name).unlink()

    def _array(self, name: str, dtype: Any) -> "pa.Array":
        """The flat file as an array, without reading it."""
        kind = pa.from_numpy_dtype(np.dtype(dtype))
        if self._num_actions == 0:
            return pa.array([], kind)
        with pa.memory_map(str(self._path(name))) as file:
            return pa.Array.from_buffers(kind, self._num_actions, [None, file.read_buffer()])


def _write(path: Path, batch: "pa.RecordBatch") -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
