"""JSON lists, as web interfaces answer with: their elements become lines, and are read as JSON Lines."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from foresell.sources.encoding import blocks, sha256_of
from foresell.sources.jsonl import stage_jsonl
from foresell.sources.source import Source, size_of
from foresell.sources.staging import Projection, ReadOptions, StagedFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SIGNS = re.compile(rb'["\\\[\]{},\r\n]')


def stage_json(
    connection: "DuckDBPyConnection", source: Source, into: Path, options: ReadOptions, projection: Projection
) -> StagedFile:
    """A list of JSON objects, or several one after another, as one row an object; see `readers.stage_file`.

    Line numbers of rejects count elements. What is cut short ends in a line that is no JSON.
    """
    staged = stage_jsonl(connection, _Elements(source), into, options, projection)
    return replace(staged, sha256=sha256_of(source), format="json")


@dataclass(frozen=True)
class _Elements:
    """A source's bytes with a line for each element of its outermost lists."""

    source: Source

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def size(self) -> int:
        return size_of(self.source)

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        return io.BufferedReader(_Stream(element_lines(blocks(self.source))), 1 << 20)


class _Stream(io.RawIOBase):
    """An iterator of bytes as a file to be read from start to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def element_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same JSON with each element of an outermost list on a line of its own.

    Objects that stand in no list keep their lines; line ends inside of an element become blanks.
    """
    splitter = _Splitter()
    for piece in pieces:
        yield splitter.split(piece)


class _Splitter:
    def __init__(self) -> None:
        self._depth = 0
        self._is_list = False
        self._is_text = False
        self._is_escaped = False

    def split(self, piece: bytes) -> bytes:
        out: list[bytes] = []
        start, escaped_at = 0, 0 if self._is_escaped else -1
        self._is_escaped = False
        for found in SIGNS.finditer(piece):
            place, sign = found.start(), found.group()
            if place == escaped_at:
                continue
            if self._is_text:
                if sign == b"\\":
                    escaped_at = place + 1
                    self._is_escaped = escaped_at == len(piece)
                elif sign == b'"':
                    self._is_text = False
                continue
            written = self._outside_text(sign)
            if written is not None:
                out += (piece[start:place], written)
                start = place + 1
        return b"".join((*out, piece[start:]))

    def _outside_text(self, sign: bytes) -> bytes | None:
        """What is written for a sign; None: the sign itself."""
        if sign == b'"':
            self._is_text = True
        elif sign in b"[{":
            self._depth += 1
            if self._depth == 1:
                self._is_list = sign == b"["
                return b"\n" if self._is_list else None
        elif sign in b"]}":
            self._depth = max(self._depth - 1, 0)
            return b"\n" if self._depth == 0 and self._is_list else None
        elif sign == b",":
            return b"\n" if self._depth == 1 and self._is_list else None
        elif self._depth:
            return b" "
        return None
