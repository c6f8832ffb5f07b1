"""Where a reader's bytes come from: a file, or what has no path of its own, such as an archive's member.

What has no path is never unpacked into a file that has a name: it may hold identifiers that are not yet
tokens, and a killed process would leave it behind.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol


class Unfiled(Protocol):
    """Bytes that can be read from their start any number of times, but have no path.

    `name`: as a user knows it. `size`: in bytes.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def open(self, mode: Literal["rb"]) -> BinaryIO: ...


Source = Path | Unfiled


def size_of(source: Source) -> int:
    """In bytes, compression included."""
    return source.stat().st_size if isinstance(source, Path) else source.size


def plain_path(source: Source) -> Path | None:
    """The path of a file, if a reader that takes patterns will not take it for one."""
    return source if isinstance(source, Path) and not has_wildcard(str(source)) else None


def has_wildcard(text: str) -> bool:
    return any(sign in text for sign in "*?[")


@contextmanager
def seekable(source: Source) -> Iterator[Path]:
    """A path for a reader that jumps about in the bytes: the file itself, or a file that has no name.

    The latter is gone with the process, however that ends. It takes the disk space of the bytes.
    """
    if path := plain_path(source):
        yield path
        return
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield Path(f"/proc/self/fd/{file.fileno()}")
        return
    with unnamed_file() as copy:
        with source.open("rb") as stream:
            shutil.copyfileobj(stream, copy, 1 << 20)
        copy.flush()
        yield Path(f"/proc/self/fd/{copy.fileno()}")


@contextmanager
def unnamed_file() -> Iterator[BinaryIO]:
    """A file without a name in the folder of temporary files."""
    folder = tempfile.gettempdir()
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
    except OSError:  # a file system that knows no unnamed files
        descriptor, name = tempfile.mkstemp(prefix="foresell-", dir=folder)
        Path(name).unlink()
    with os.fdopen(descriptor, "w+b") as file:
        yield file
