"""An export cut into numbered files (orders-0.csv.gz, orders-1.csv.gz …), a header in the first alone."""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from foresell.contracts.errors import InputError
from foresell.sources.csv_text import DELIMITERS
from foresell.sources.encoding import open_bytes
from foresell.sources.source import Source, size_of
from foresell.sources.staging import ReadOptions

NUMBERED = re.compile(r"^(.*?)([-_. ]?(?:part)?[-_. ]?\d+)+(\.(?:csv|tsv|tab|txt)(?:\.gz)?)$", re.IGNORECASE)
LONGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class HeadedPart:
    """A part without a header, with that of the first part put before it; a `Source`."""

    part: Source
    header: bytes

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def size(self) -> int:
        return len(self.header) + size_of(self.part)

    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO:
        return cast("BinaryIO", io.BufferedReader(_Joined(self), 1 << 20))


class _Joined(io.RawIOBase):
    def __init__(self, part: HeadedPart) -> None:
        self._opened = open_bytes(part.part)
        self._stream = self._opened.__enter__()
        self._header = part.header

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._header[: len(view)] or self._stream.read(len(view))
        self._header = self._header[len(view) :]
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._opened.__exit__(None, None, None)
        super().close()


def with_headers(sources: Iterable[Source], options: ReadOptions) -> list[Source]:
    """The sources, those that continue a numbered file before them without a header given its header.

    A part is taken for one without a header if its first line has as many values as the header, none of
    its names, and a digit where the header has none. Raises InputError where a part begins with neither.
    """
    if not options.has_header or options.header_row is not None or options.format not in (None, "csv"):
        return list(sources)
    firsts: dict[tuple[str, str], tuple[str, bytes]] = {}
    headed: list[Source] = []
    for source in sources:
        match = NUMBERED.match(source.name)
        line = _first_line(source) if match else b""
        if match is None or not line or b"\0" in line or line.count(b'"') % 2:
            headed.append(source)
            continue
        group = (match.group(1).casefold(), match.group(3).casefold())
        first, header = firsts.setdefault(group, (source.name, line))
        is_headless = line != header and _continues(source, line, first, header)
        headed.append(HeadedPart(source, header) if is_headless else source)
    return headed


def _first_line(source: Source) -> bytes:
    """Empty where it cannot be read: the reader says why."""
    try:
        with open_bytes(source) as file:
            line = file.readline(LONGEST_HEADER)
    except (OSError, EOFError, zlib.error, InputError):
        return b""
    return line if line.endswith(b"\n") else line + b"\n"


def _continues(source: Source, line: bytes, first: str, header: bytes) -> bool:
    """Whether a part begins with a row, not a header of its own."""
    names, values = _split(header, header), _split(line, header)
    if {name.casefold() for name in names} & {value.casefold() for value in values}:
        return False
    is_row = any(
        re.search(r"\d", value) and not re.search(r"\d", name)
        for name, value in zip(names, values, strict=False)
    )
    if len(names) == len(values) and is_row:
        return True
    raise InputError(
        f"{source.name} begins with neither the header of {first} nor a row of {len(names)} values",
        received=", ".join(names),
        do="Give every part the header, or the same columns; import files of other kinds on their own.",
    )


def _split(line: bytes, header: bytes) -> Sequence[str]:
    text = line.decode("utf-8-sig", errors="replace").strip("\r\n")
    delimiter = max(DELIMITERS, key=lambda sign: header.count(sign.encode()))
    return [value.strip() for value in next(csv.reader([text], delimiter=delimiter), [])]
