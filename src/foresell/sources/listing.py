"""What a path stands for: a file, the files of a folder or pattern in natural order, an archive's members."""

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from foresell.contracts.errors import InputError, NotFoundError
from foresell.sources import excel
from foresell.sources.archives import Member, is_zip, members_of, refuse_encrypted
from foresell.sources.readers import EXTENSIONS
from foresell.sources.source import Source, has_wildcard

# What an export is often packed together with.
ABOUT_THE_EXPORT = re.compile(
    r"^(read[ _-]?me|licen[cs]e|copying|changelog|changes|notes?|about|manifest|liesmich|说明|使用说明)\b",
    re.IGNORECASE,
)
ARCHIVE_EXTENSIONS = (".zip", ".rar", ".7z", ".tar", ".tgz")
SYSTEM_NAMES = ("__macosx", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Listing:
    """`sources` in the order of import. `left_out`: name → why, for what a user may have meant to import."""

    sources: list[Source] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def list_sources(path: Path) -> Listing:
    """The files that a path stands for; archives are replaced by their members.

    A file that is named itself is taken whatever its name. Raises NotFoundError (no file, no match),
    InputError (nothing readable, or an archive that is damaged or encrypted).
    """
    listing = Listing()
    if path.is_file():
        _add(listing, path)
    else:
        _keep_readable(listing, [(PurePosixPath(file.name), file) for file in _found(path)])
    if not listing.sources:
        reasons = "; ".join(f"{name}: {why}" for name, why in [*listing.left_out.items()][:5])
        readable = ", ".join(sorted({*EXTENSIONS, *excel.EXTENSIONS}))
        raise InputError(
            f"{path} holds no readable file",
            received=reasons or "nothing",
            do=f"Readable are {readable}, and these in .zip or .gz.",
        )
    return listing


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted((file for file in path.iterdir() if file.is_file()), key=_natural)
    if not has_wildcard(str(path)):
        raise NotFoundError(f"There is no file {path}", do="Check the path.")
    matches = (Path(match) for match in glob.glob(str(path.expanduser()), recursive=True))  # noqa: PTH207
    found = sorted((match for match in matches if match.is_file()), key=_natural)
    if not found:
        raise NotFoundError(f"No file matches {path}", do="Check the pattern, and put it in quotes.")
    return found


def _natural(path: Path | PurePosixPath) -> list[int | str]:
    """Sorts 2 before 10."""
    parts = re.split(r"([0-9]+)", str(path).casefold())
    return [int(part) if part.isdecimal() and part.isascii() else part for part in parts]


def _keep_readable(listing: Listing, files: Iterable[tuple[PurePosixPath, Source]]) -> None:
    for path, file in files:
        if why := _why_not(path, is_inside=isinstance(file, Member)):
            listing.left_out[file.name] = why
        else:
            _add(listing, file)


def _add(listing: Listing, file: Source) -> None:
    if isinstance(file, Member):
        refuse_encrypted(file)
    if not isinstance(file, Path) or not _is_archive(file):
        listing.sources.append(file)
        return
    members = sorted(members_of(file), key=lambda member: _natural(member.path))
    if not members:
        raise InputError(f"{file.name} is an empty zip archive", do="Export it again.")
    _keep_readable(listing, [(member.path, member) for member in members])


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    return is_zip(head) and not excel.is_workbook(path, head)


def _why_not(path: PurePosixPath, *, is_inside: bool) -> str | None:
    """Why a file is no table to be imported, going by its name; None where it may be one."""
    if any(part.startswith(".") or part.casefold() in SYSTEM_NAMES for part in path.parts):
        return "made by the system"
    suffix = PurePosixPath(path.name.lower().removesuffix(".gz")).suffix
    if suffix == ".zip" and not is_inside:
        return None
    if suffix in ARCHIVE_EXTENSIONS:
        return "an archive of its own: unpack it"
    if suffix not in EXTENSIONS and suffix not in excel.EXTENSIONS:
        return "no table"
    is_text = suffix in (".txt", ".json")
    return "about the export" if is_text and ABOUT_THE_EXPORT.match(path.name) else None
