"""Zip archives: their members as sources, read as a stream, never unpacked into files.

A member's name only names it: nothing is ever written by it, so a path in it leads nowhere.
"""

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from foresell.contracts.errors import InputError, TooLargeError
from foresell.sources.encoding import refuse_a_bomb

MAGIC = b"PK\x03\x04"
# An archive without members has only its end.
EMPTY_MAGIC = b"PK\x05\x06"
MOST_MEMBERS = 10_000
IS_ENCRYPTED = 0x1
IS_UTF8 = 0x800
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; a `Source`. `path`: where it is in the archive, without `.` and `..`."""

    archive: Path
    path: PurePosixPath
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return f"{self.archive.name}/{self.path}"

    @property
    def size(self) -> int:
        return self.info.file_size

    def open(self, mode: Literal["rb"] = "rb") -> BinaryIO:
        """Its bytes, unpacked as they are read. InputError where they are damaged, then or while reading."""
        return cast("BinaryIO", io.BufferedReader(_Unpacking(self), 1 << 20))


class _Unpacking(io.RawIOBase):
    def __init__(self, member: Member) -> None:
        self._member = member
        self._zip = zipfile.ZipFile(member.archive)
        try:
            self._stream = self._zip.open(member.info)
        except (*DAMAGES, NotImplementedError, RuntimeError) as error:
            self._zip.close()
            raise _damaged(member.name, error) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        try:
            data = self._stream.read(len(view))
        except DAMAGES as error:
            raise _damaged(self._member.name, error) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._zip.close()
        super().close()


DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, OSError)


def is_zip(head: bytes) -> bool:
    """By a file's first four bytes. Workbooks of Excel are archives, too."""
    return head[:4] in (MAGIC, EMPTY_MAGIC)


def members_of(archive: Path) -> Sequence[Member]:
    """The files of an archive in its own order, folders left out.

    Raises InputError (damaged), TooLargeError (too many files, or made to fill memories).
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
    except (*DAMAGES, NotImplementedError) as error:
        raise _damaged(archive.name, error) from error
    if len(infos) > MOST_MEMBERS:
        raise TooLargeError(
            f"{archive.name} holds {len(infos):,} files",
            do=f"At most {MOST_MEMBERS:,} are read: unpack it and import folder by folder.",
        )
    for info in infos:
        refuse_a_bomb(f"{archive.name}/{info.filename}", info.file_size, info.compress_size)
    refuse_a_bomb(archive.name, sum(info.file_size for info in infos), archive.stat().st_size)
    return [Member(archive, _harmless(_readable_name(info)), info) for info in infos]


def refuse_encrypted(member: Member) -> None:
    if member.info.flag_bits & IS_ENCRYPTED:
        raise InputError(
            f"{member.name} is encrypted",
            do="Unpack the archive with its password, and import the files.",
        )


def _readable_name(info: zipfile.ZipInfo) -> str:
    """The name; Windows writes Chinese ones in GBK without saying so, others in UTF-8."""
    if info.flag_bits & IS_UTF8 or info.filename.isascii():
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return info.orig_filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return info.filename


def _harmless(name: str) -> PurePosixPath:
    plain = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name.replace("\\", "/"))
    parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
    return PurePosixPath(*parts or ["unnamed"])


def _damaged(name: str, error: Exception) -> InputError:
    if isinstance(error, NotImplementedError):
        return InputError(
            f"{name} is packed in a way that cannot be read here",
            received=str(error),
            do="Unpack it and import the files, or pack it again as an ordinary zip archive.",
        )
    return InputError(
        f"{name} is damaged: it is no whole zip archive",
        received=str(error) or type(error).__name__,
        do="Copy or export it again.",
    )
