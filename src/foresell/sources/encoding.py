"""Bytes of unknown encoding as valid UTF-8, without losing a row.

One pass finds out what the bytes are; where they are already clean UTF-8 the file is read as it lies,
otherwise a stream of cleaned UTF-8 is made line by line.
"""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from foresell.contracts.errors import InputError, TooLargeError
from foresell.sources.guessing import guess_legacy, is_gb, utf16_without_mark
from foresell.sources.record_count import RecordCount
from foresell.sources.source import Source, size_of
from foresell.sources.staging import ReadOptions

BLOCK = 1 << 20
LONGEST_LINE = 16 << 20
SAMPLE = 128 << 10
# Exports of shops shrink to a tenth or so, the dullest columns to a two-hundredth.
MOST_RATIO = 500
HARMLESS_SIZE = 64 << 20

# The longer marks first: UTF-32's begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass
class TextProfile:
    """What a pass over a text file found. `is_clean`: UTF-8 that needs no cleaning at all."""

    encoding: str = "utf-8"
    size: int = 0
    num_nul_bytes: int = 0
    num_invalid_lines: int = 0
    num_continuation_bytes: int = 0
    has_mark: bool = False
    has_quote: bool = False
    has_line_feed: bool = False
    has_carriage_return: bool = False
    invalid_sample: bytes = b""
    records: RecordCount = field(default_factory=RecordCount)

    def has_records(self, number: int) -> bool:
        """Whether so many records are all there are, as far as counting quotes and lines can tell."""
        return not self.encoding.startswith(("utf-16", "utf-32")) and (
            not self.records.is_quote_open and self.records.total() == number
        )

    @property
    def is_mac(self) -> bool:
        """Whether lines end with a carriage return alone."""
        return self.has_carriage_return and not self.has_line_feed

    @property
    def is_clean(self) -> bool:
        is_damaged = self.num_nul_bytes or self.num_invalid_lines or self.has_mark
        return self.encoding == "utf-8" and not is_damaged and not self.is_mac


def sha256_of(source: Source) -> str:
    """Of the file's bytes as they lie, in hexadecimal."""
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def is_gzip(source: Source) -> bool:
    with source.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def open_bytes(source: Source) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked."""
    is_packed = is_gzip(source)
    with source.open("rb") as file:
        if not is_packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            yield cast("BinaryIO", unpacked)


def refuse_a_bomb(name: str, unpacked: int, packed: int) -> None:
    """TooLargeError where so few bytes unpack to so many that no export does."""
    if unpacked > HARMLESS_SIZE and unpacked > MOST_RATIO * max(packed, 1):
        raise TooLargeError(
            f"{name} unpacks to more than {MOST_RATIO} times its size: no export does that",
            received=f"{packed:,} bytes packed",
            do="It may be made to fill memories. If it is right, unpack it yourself and import the files.",
        )


def blocks(source: Source) -> Iterator[bytes]:
    """The bytes in blocks that end at a line's end (or after 16 MiB of one line)."""
    try:
        with open_bytes(source) as file:
            size = 0
            while block := file.read(BLOCK):
                block += b"" if block.endswith(b"\n") else file.readline(LONGEST_LINE)
                size += len(block)
                refuse_a_bomb(source.name, size, size_of(source))
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{source.name} is damaged: its gzip stream ends early or does not check",
            do="Copy or export the file again.",
        ) from error


def profile_text(source: Source, options: ReadOptions) -> TextProfile:
    """Find out the encoding and what must be cleaned. Reads the whole file, in bounded memory.

    Raises InputError for an empty file, an unknown codec name, or bytes whose encoding cannot be found.
    """
    profile = TextProfile()
    for block in blocks(source):
        if profile.size == 0:
            _read_mark(block, profile)
        _look_at(block, profile)
    if profile.size == 0:
        raise InputError(f"{source.name} is empty", do="Export it again: a file must at least have a header.")
    if options.encoding is not None:
        profile.encoding = _in_order(_known_codec(options.encoding), profile)
    elif profile.encoding == "utf-8" and _is_legacy(profile):
        profile.encoding = _guess(profile.invalid_sample, source)
    return profile


def _read_mark(block: bytes, profile: TextProfile) -> None:
    for mark, encoding in BYTE_ORDER_MARKS:
        if block.startswith(mark):
            profile.has_mark, profile.encoding = True, encoding
            return
    profile.encoding = utf16_without_mark(block) or profile.encoding


def _look_at(block: bytes, profile: TextProfile) -> None:
    profile.size += len(block)
    profile.records.feed(block.replace(b"\r", b"\n") if profile.is_mac else block)
    profile.has_quote = profile.has_quote or b'"' in block
    profile.has_line_feed = profile.has_line_feed or b"\n" in block
    profile.has_carriage_return = profile.has_carriage_return or b"\r" in block
    if b"\0" in block:
        profile.num_nul_bytes += block.count(b"\0")
    if profile.encoding != "utf-8" or block.isascii():
        return
    if _is_utf8(block):
        profile.num_continuation_bytes += len(block) - len(block.decode("utf-8"))
        return
    for line in block.splitlines(keepends=True):
        if _is_utf8(line):
            profile.num_continuation_bytes += len(line) - len(line.decode("utf-8"))
        else:
            profile.num_invalid_lines += 1
            if len(profile.invalid_sample) < SAMPLE:
                profile.invalid_sample += line[:SAMPLE]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_legacy(profile: TextProfile) -> bool:
    """Invalid lines without as much valid multi-byte text: not a damaged UTF-8 file, but another encoding."""
    return profile.num_invalid_lines > profile.num_continuation_bytes


def _in_order(encoding: str, profile: TextProfile) -> str:
    """With the order of the bytes, where neither the name nor a mark says it."""
    is_marked = profile.has_mark and profile.encoding == encoding
    if encoding not in ("utf-16", "utf-32") or is_marked:
        return encoding
    is_found = profile.encoding.startswith(f"{encoding}-")
    return profile.encoding if is_found else f"{encoding}-le"


def _known_codec(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        # Python also calls encodings what no file's text is in: rot13, idna, base64.
        sample = b"" if found in ("utf-16", "utf-32") else b"\xd9a"
        is_of_text = isinstance(codecs.getincrementaldecoder(found)("replace").decode(sample, True), str)
    except (LookupError, ValueError, TypeError, AssertionError):
        is_of_text = False
    if not is_of_text:
        raise InputError(
            f"There is no encoding '{name}'", do="Common ones: utf-8, cp1252, utf-16, gb18030, shift_jis."
        )
    return found


def _guess(sample: bytes, source: Source) -> str:
    encoding = guess_legacy(sample)
    if encoding is None:
        raise InputError(
            f"The encoding of {source.name} cannot be found out: it is not UTF-8",
            do="Name it with --encoding, such as --encoding cp1252 (western Windows) or gb18030 (Chinese).",
        )
    return encoding


class Utf8Stream:
    """The file as blocks of clean UTF-8: no byte-order mark, no NUL, line feeds between lines.

    `num_replaced`: the replacement characters (U+FFFD) put in for broken bytes, in the last pass.
    `num_gb_lines`: the lines among UTF-8 ones that are in GB18030 and were read as such, in the last pass.
    """

    def __init__(self, source: Source, profile: TextProfile, options: ReadOptions) -> None:
        self.num_replaced = self.num_gb_lines = 0
        self._source = source
        self._profile = profile
        self._fallback = options.fallback_encoding and _known_codec(options.fallback_encoding)

    def __iter__(self) -> Iterator[bytes]:
        self.num_replaced = self.num_gb_lines = 0
        is_utf8 = self._profile.encoding == "utf-8"
        cleaned = self._from_utf8() if is_utf8 else self._transcoded()
        for block in cleaned:
            text = block.replace(b"\0", b"") if b"\0" in block else block
            yield text.replace(b"\r", b"\n") if self._profile.is_mac else text

    def _from_utf8(self) -> Iterator[bytes]:
        for number, block in enumerate(blocks(self._source)):
            text = block.removeprefix(codecs.BOM_UTF8) if number == 0 else block
            yield text if _is_utf8(text) else b"".join(map(self._repaired, text.splitlines(keepends=True)))

    def _repaired(self, line: bytes) -> bytes:
        if _is_utf8(line):
            return line
        is_chinese = self._fallback is None and is_gb(line)
        self.num_gb_lines += is_chinese
        text = line.decode(self._fallback or ("gb18030" if is_chinese else "utf-8"), errors="replace")
        self.num_replaced += text.count("\ufffd")
        return text.encode()

    def _transcoded(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._profile.encoding)(errors="replace")
        for number, block in enumerate(blocks(self._source)):
            text = decoder.decode(block)
            text = text.removeprefix("\ufeff") if number == 0 else text
            self.num_replaced += text.count("\ufffd")
            yield text.encode("utf-8", errors="replace")
        rest = decoder.decode(b"", final=True)
        self.num_replaced += rest.count("\ufffd")
        yield rest.encode("utf-8", errors="replace")


def encoding_notes(stream: Utf8Stream) -> list[str]:
    """What a user should know of how a text was read."""
    if not stream.num_gb_lines:
        return []
    return [f"lines in GB18030 among those in UTF-8, read as such: {stream.num_gb_lines:,}."]
