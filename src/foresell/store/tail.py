"""What other processes append to journals, read as it comes."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foresell.store.journal import SUFFIX

CHUNK_BYTES = 1 << 20


@dataclass
class _Followed:
    handle: int
    position: int


class Tail:
    """Whole lines, in the order of each journal, from when it was made on. For one thread at a time.

    `folders`: a journal may go from one to a later one, and be removed: it is read to its end nevertheless.
    `is_own`: names that are not read. A line may be read that the disk refuses in the end.
    """

    def __init__(self, folders: Sequence[Path], is_own: Callable[[str], bool]) -> None:
        self._folders, self._is_own = folders, is_own
        self._followed: dict[str, _Followed] = {}
        for name, path in self._there().items():
            self._follow(name, path, from_end=True)

    def lines(self) -> list[bytes]:
        """Those that were appended since the last call, journals by name."""
        there = self._there()
        for name, path in there.items():
            if name not in self._followed and not self._is_own(name):
                self._follow(name, path, from_end=False)
        found = [line for name in sorted(self._followed) for line in self._read(self._followed[name])]
        for name in [one for one in self._followed if one not in there]:
            os.close(self._followed.pop(name).handle)
        return found

    def close(self) -> None:
        for one in self._followed.values():
            os.close(one.handle)
        self._followed.clear()

    def _there(self) -> dict[str, Path]:
        """In the order of the folders: what goes on meanwhile is seen in the second, or in both."""
        return {
            path.name: path
            for folder in self._folders
            if folder.is_dir()
            for path in folder.glob(f"*{SUFFIX}")
        }

    def _follow(self, name: str, path: Path, *, from_end: bool) -> None:
        for folder in (path.parent, *self._folders):
            try:
                handle = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            self._followed[name] = _Followed(handle, os.fstat(handle).st_size if from_end else 0)
            return

    def _read(self, one: _Followed) -> Iterator[bytes]:
        while content := os.pread(one.handle, CHUNK_BYTES, one.position):
            end = content.rfind(b"\n") + 1
            if not end:
                return
            one.position += end
            yield from content[:end].splitlines(keepends=True)
