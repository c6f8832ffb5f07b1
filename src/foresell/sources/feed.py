"""Handing a stream of bytes to a reader that wants a path, with nothing put on disk.

Cleaned text may hold identifiers that are not yet tokens, so it must never lie in a file, not even in a
temporary one that a killed process would leave behind: it goes through a named pipe.
"""

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def fed_path(stream: Iterable[bytes]) -> Iterator[Path]:
    """A path to be read once, from start to end, that yields the stream's bytes.

    An error of the stream is raised when the block ends, since the reader sees it as an early end.
    """
    with tempfile.TemporaryDirectory(prefix="foresell-") as folder:
        pipe = Path(folder) / "text"
        os.mkfifo(pipe, 0o600)
        feeder = _Feeder(pipe, stream)
        feeder.start()
        try:
            yield pipe
        finally:
            _release(pipe, feeder)
        if feeder.error is not None:
            raise feeder.error


class _Feeder(threading.Thread):
    def __init__(self, pipe: Path, stream: Iterable[bytes]) -> None:
        super().__init__(daemon=True, name="foresell-feed")
        self.error: BaseException | None = None
        self._pipe = pipe
        self._stream = stream

    def run(self) -> None:
        try:
            with self._pipe.open("wb", buffering=0) as file:
                for block in self._stream:
                    _write_all(file.fileno(), block)
        except BrokenPipeError:
            pass  # the reader has given up, and says why itself
        except BaseException as error:  # noqa: BLE001 - raised again where the reader is
            self.error = error


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _release(pipe: Path, feeder: _Feeder) -> None:
    """Let a feeder end that waits for a reader which never came or has left."""
    while feeder.is_alive():
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        os.close(descriptor)
        feeder.join(0.05)
