"""One process's own file of a log: rows appended a batch at a time, on the disk before the call returns.

A row is a JSON object on a line of its own, with a checksum as its last member; the key comes just before it,
so that a line that was cut off gives no key. Only its process appends to a journal, and holds a lock on it
(flock) while it does: whoever can take that lock knows that nothing more will come.
"""

import fcntl
import json
import os
import threading
import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from pathlib import Path

from foresell.contracts.errors import BackendError
from foresell.store.durable import sync_folder

SUFFIX = ".jsonl"
CHECKSUM = "checksum"
LOCK_NAME = ".lock"
# A larger one is closed, so that it can be sealed though its process lives on.
MOST_BYTES = 64 * 2**20

Row = Mapping[str, object]


def as_line(row: Row) -> bytes:
    """The line of a row of text, whole and finite numbers, flags and nulls."""
    body = json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()[:-1]
    return body + b',"%s":%d}\n' % (CHECKSUM.encode(), zlib.crc32(body))


def text_line(row: Mapping[str, str]) -> bytes:
    """As `as_line` of a row of text alone, in a third of the time."""
    body = "{" + ",".join([f'"{name}":{quoted(value)}' for name, value in row.items()])
    content = body.encode()
    return content + b',"%s":%d}\n' % (CHECKSUM.encode(), zlib.crc32(content))


@dataclass(frozen=True, slots=True)
class LogFaults:
    """`problems`: damage. `notes`: what a killed process left unfinished, which nobody was told is there."""

    num_files: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def journal_faults(journals: Mapping[str, Path]) -> LogFaults:
    """Check every line of journals (what messages call them → where they are) against its checksum. One that
    is gone meanwhile was sealed or moved, and is none."""
    problems, notes = [], []
    for name, path in journals.items():
        try:
            damaged, is_torn = damaged_lines(path)
        except FileNotFoundError:
            continue
        if damaged:
            problems.append(f"{name} is damaged in {len(damaged)} lines, first {damaged[0]}")
        if is_torn:
            notes.append(f"{name} ends in an unfinished line, which counts for nothing")
    return LogFaults(len(journals), tuple(problems), tuple(notes))


def damaged_lines(path: Path) -> tuple[list[int], bool]:
    """The numbers (from 1) of the lines that are not as they were written, and whether the last one is torn.

    A torn line is what a killed process, or one that is just writing, leaves: it was never acknowledged.
    """
    damaged: list[int] = []
    number, line = 0, b"\n"
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n") and not _is_sound(line):
                damaged.append(number)
    return damaged, not line.endswith(b"\n")


def _is_sound(line: bytes) -> bool:
    body, found, rest = line.rpartition(b',"%s":' % CHECKSUM.encode())
    return bool(found) and rest == b"%d}\n" % zlib.crc32(body)


class Journal:
    """A new file to append to. Safe for many threads: those that wait for the disk wait together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        weakref.finalize(self, os.close, self._handle)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        sync_folder(path.parent)
        self._written = self._synced = 0
        self._syncing = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether to go on with it: it is not too large, and was not removed, as erasing does."""
        return self._written < MOST_BYTES and os.fstat(self._handle).st_nlink > 0

    def write(self, lines: Sequence[bytes]) -> int:
        """Append lines; returns up to where `wait_for_disk` must wait. Nothing is appended if it fails."""
        content = memoryview(b"".join(lines))
        done = 0
        try:
            while done < len(content):
                done += os.write(self._handle, content[done:])
        except OSError as error:
            # What follows must not stand on the same line as what was cut off.
            os.ftruncate(self._handle, self._written)
            raise _cannot_write(self.path, error) from error
        self._written += done
        return self._written

    def wait_for_disk(self, position: int) -> None:
        """Return when everything up to a position is on the disk, by whichever thread."""
        with self._syncing:
            if self._synced >= position:
                return
            written = self._written
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                raise _cannot_write(self.path, error) from error
            self._synced = written


def _cannot_write(path: Path, error: OSError) -> BackendError:
    return BackendError(
        f"{path} cannot be written", received=error.strerror, do="Free disk space, check its permissions."
    )


@contextmanager
def locked(handle: int, *, alone: bool) -> Iterator[None]:
    """Hold a lock on an open file, with others or alone."""
    fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def locked_folder(
    folder: Path, parts: Sequence[Path], *, alone: bool, name: str = LOCK_NAME
) -> Iterator[None]:
    """Hold a lock of a log's folder, which is made with its parts where it is not there."""
    try:
        handle = _lock_of(folder, parts, name)
    except OSError as error:
        raise BackendError(
            f"{folder} cannot be written",
            received=error.strerror,
            do="Check the folder's owner and permissions, and free disk space.",
        ) from error
    try:
        with locked(handle, alone=alone):
            yield
    finally:
        os.close(handle)


def _lock_of(folder: Path, parts: Sequence[Path], name: str) -> int:
    for part in parts:
        part.mkdir(parents=True, exist_ok=True)
    return os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)


def is_closed(path: Path) -> bool:
    """Whether no process appends to a journal any more."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
