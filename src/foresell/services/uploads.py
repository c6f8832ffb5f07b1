"""Files that a browser sent: kept in memory until they are imported, never on a disk as they came."""

import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic, time
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, BusyError, NotFoundError, TooLargeError
from foresell.contracts.records import IngestRun
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    from foresell.services.suggest import Suggestion

# A file system in memory: what lies there holds identifiers that are no tokens yet.
MEMORY = Path("/dev/shm")  # noqa: S108  # nothing of it reaches a disk, and ours is a folder of our own
MOST_BYTES = 128 * 1024 * 1024
MOST_KEPT_BYTES = 512 * 1024 * 1024
KEPT_SECONDS = 3_600.0
PREFIX = "foresell-"
# Held by the living process whose folder it stands in; one that was killed holds it no more.
HELD = ".held"
ODD_SIGNS = re.compile(r"[^\w.\-]+")
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """`name`: as the browser called it, without folders and odd signs."""

    upload_id: str
    name: str
    path: Path
    num_bytes: int
    kept_since: float


@dataclass(frozen=True, slots=True)
class Imported:
    """The runs of an import, and what a user should know of files that were imported all the same."""

    runs: tuple[IngestRun, ...]
    notes: tuple[str, ...]


class Uploads:
    """The uploads of one process. An upload nobody imports within an hour is gone, and all with the process;
    what a process that was killed has left goes when the next one begins."""

    def __init__(self, memory: Path = MEMORY) -> None:
        self._memory = memory
        self._home: Path | None = None
        self._holding: int | None = None
        self._lock = Lock()
        self._kept: dict[str, Upload] = {}
        forget_left(memory)

    def keep(self, name: str, content: bytes) -> Upload:
        """Errors: TooLargeError above 128 MiB; BusyError where others' uploads fill the room; BackendError
        where this machine has no memory that can be named as a file."""
        if len(content) > MOST_BYTES:
            raise TooLargeError(
                "The file is too large for a browser's upload",
                received=f"{len(content) >> 20} MiB",
                do=f"Send up to {MOST_BYTES >> 20} MiB; larger ones go with: foresell import FILE",
            )
        with self._lock:
            self._forget_old()
            if sum(one.num_bytes for one in self._kept.values()) + len(content) > MOST_KEPT_BYTES:
                raise BusyError("Too many uploads are waiting", do="Try again when they are imported.")
            upload_id = secrets.token_hex(8)
            path = self._folder() / upload_id / _plain(name)
            path.parent.mkdir(mode=0o700)
            path.write_bytes(content)
            self._kept[upload_id] = Upload(upload_id, path.name, path, len(content), monotonic())
            return self._kept[upload_id]

    def find(self, upload_id: str) -> Upload:
        with self._lock:
            if upload_id not in self._kept:
                raise NotFoundError("The upload is gone", do="Send the file again.")
            return self._kept[upload_id]

    def drop(self, upload_id: str) -> None:
        with self._lock:
            self._drop(upload_id)

    def close(self) -> None:
        """Forget every upload."""
        with self._lock:
            if self._home is not None:
                shutil.rmtree(self._home, ignore_errors=True)
            if self._holding is not None:
                os.close(self._holding)
            self._home = self._holding = None
            self._kept.clear()

    def _folder(self) -> Path:
        if self._home is None:
            if not self._memory.is_dir():
                raise BackendError(
                    "This machine has no file system in memory, and uploads must not lie on a disk",
                    received=self._memory,
                    do="Import with: foresell import FILE",
                )
            home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._memory))
            self._holding = os.open(home / HELD, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._holding, fcntl.LOCK_EX)
            self._home = home
        return self._home

    def _forget_old(self) -> None:
        oldest = monotonic() - KEPT_SECONDS
        for upload_id in [one.upload_id for one in self._kept.values() if one.kept_since < oldest]:
            self._drop(upload_id)

    def _drop(self, upload_id: str) -> None:
        upload = self._kept.pop(upload_id, None)
        if upload is not None:
            shutil.rmtree(upload.path.parent, ignore_errors=True)


def forget_left(memory: Path = MEMORY) -> None:
    """Remove the folders of uploads that no living process of this user holds; those of others stay."""
    for home in memory.glob(f"{PREFIX}*"):
        # One without the file is being made, or is nobody's: after an hour it is the latter.
        with suppress(OSError):
            if home.is_symlink() or home.stat().st_uid != os.geteuid():
                continue
            if (home / HELD).exists():
                _remove_unless_held(home)
            elif time() - home.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(home)


def _remove_unless_held(home: Path) -> None:
    holding = os.open(home / HELD, os.O_RDWR)
    try:
        fcntl.flock(holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(home)
    except BlockingIOError:
        pass
    finally:
        os.close(holding)


def suggest_upload(shop: Shop, upload: Upload, answers: Mapping[str, str | None]) -> "Suggestion":
    """As `suggest_mapping`, in this shop's settings."""
    from foresell.services.suggest import suggest_mapping

    return suggest_mapping(upload.path, settings=shop.settings, answers=dict(answers))


def import_upload(shop: Shop, upload: Upload, mapping_toml: str, progress: Progress = silent) -> Imported:
    """Import an upload by a mapping's text; errors as `import_files`."""
    mapping = upload.path.parent / "mapping.toml"
    mapping.write_text(mapping_toml, encoding="utf-8")
    notes: list[str] = []
    runs = import_files(shop, ImportRequest(upload.path, mapping=mapping), progress, notes.append)
    return Imported(tuple(runs), tuple(dict.fromkeys(notes)))


def import_upload_as(shop: Shop, upload: Upload, preset: str, progress: Progress = silent) -> Imported:
    """Import an upload by a preset or a table's name; errors as `import_files`."""
    notes: list[str] = []
    runs = import_files(shop, ImportRequest(upload.path, preset), progress, notes.append)
    return Imported(tuple(runs), tuple(dict.fromkeys(notes)))


def _plain(name: str) -> str:
    """A name that is a name: no folders, no odd signs, its end kept, for the end says what the file is."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return ODD_SIGNS.sub("_", last).strip("._")[-LONGEST_NAME:] or "upload"
