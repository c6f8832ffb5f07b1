"""The events that were accepted and are not in the tables yet: segments in `logs/events/`.

    open/NAME.jsonl      one process's own file, appended to
    closed/NAME.jsonl    nothing is appended to it any more; the mover makes one ingest run of it
    .lock                appending holds it with others, for microseconds; closing holds it alone
    .moving              moving holds it alone; with others who reads segments and tables, each event once
    .mover               held by the one of several servers that moves, until its process ends

An event is accepted when its line is on the disk, and from then on it is in a segment or in the raw zone: a
segment is removed only when its run is published. Names begin with the moment of their making and are never
made twice, so that the run of a segment has one id, however often the mover is killed.
"""

import fcntl
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from foresell.contracts.errors import BackendError
from foresell.store.crash_points import reached
from foresell.store.durable import sync_folder
from foresell.store.journal import MOST_BYTES, SUFFIX, Journal, LogFaults, journal_faults, locked_folder

# How many digits of the second a name has, and where the name's own chance begins.
MOMENT = "%Y%m%dT%H%M%S%f"
CHANCE_DIGITS = 12
# Of own segments, so many names are kept without a look at which are still there.
MOST_OWN = 1_000


class Segment(Journal):
    """A journal that ends when somebody moves it away, or when the disk has once refused it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._is_broken = False

    @property
    def is_open(self) -> bool:
        return not self._is_broken and self._written < MOST_BYTES and self.path.exists()

    @property
    def position(self) -> int:
        """Up to where lines were written, on the disk or not."""
        return self._written

    def has_kept(self, position: int) -> bool | None:
        """Whether everything up to a position is on the disk; None: not yet known."""
        if self._synced >= position:
            return True
        return False if self._is_broken else None

    def wait_for_disk(self, position: int) -> None:
        """As a journal's. After one failure every later call fails: the kernel reports a lost page once only,
        and what was written before it may be lost too."""
        if self._is_broken:
            raise self._lost()
        try:
            super().wait_for_disk(position)
        except BackendError:
            self._is_broken = True
            raise
        if self.has_kept(position) is False:
            raise self._lost()

    def _lost(self) -> BackendError:
        return BackendError(
            "The disk did not keep the events", do="Free disk space, or check the disk; then send them again."
        )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What is to be told once the lines up to a position are on the disk."""

    segment: Segment
    position: int
    tell: Callable[[], None]


class EventLog:
    """Safe for many threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open, self._closed = folder / "open", folder / "closed"
        self._appending = threading.Lock()
        self._telling = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._segment: Segment | None = None
        self._own: set[str] = set()
        self._mover: int | None = None

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where segments are; one goes from the first to the second."""
        return self._open, self._closed

    def is_own(self, name: str) -> bool:
        """Whether this process has begun the segment of that name."""
        return name in self._own

    def write(
        self,
        lines: Callable[[], Sequence[bytes]],
        tell: Callable[[], None],
        begun: Callable[[], None] = lambda: None,
    ) -> Callable[[], None]:
        """Append lines. What it returns is to be called once: when that returns they are on the disk, and
        `tell` was called.

        `lines` is called while nobody else appends, so that it sees all that was appended before, and may
        give none: it is then waited for what was. `tell`s are called in the order in which lines were
        appended, each once; never for lines that the disk did not take. `begun`: called before the first
        line of a new segment.

        Raises BackendError where the disk does not take them; nothing is then known of whether they are
        there: they may be sent again.
        """
        with self._appending, self._locked(alone=False):
            segment = self._current(begun)
            written = lines()
            position = segment.write(written) if written else segment.position
            self._waiting.append(_Waiting(segment, position, tell))
        reached("events.written")
        return partial(self._settle, segment, position)

    def _settle(self, segment: Segment, position: int) -> None:
        try:
            segment.wait_for_disk(position)
        finally:
            self._tell()
        reached("events.synced")

    def _tell(self) -> None:
        with self._telling:
            while self._waiting:
                first = self._waiting[0]
                is_kept = first.segment.has_kept(first.position)
                if is_kept is None:
                    return
                self._waiting.popleft()
                if is_kept:
                    first.tell()

    def _current(self, begun: Callable[[], None]) -> Segment:
        """The segment of this process. A process that was forked begins its own."""
        kept = self._segment
        if kept is not None and kept.is_open and f"-{os.getpid()}-" in kept.path.name:
            return kept
        begun()
        self._segment = Segment(self._open / self._new_name())
        if len(self._own) >= MOST_OWN:
            self._own &= {path.name for path in self._all()}
        self._own.add(self._segment.path.name)
        return self._segment

    def _new_name(self) -> str:
        """Later than all names there are, though the clock may have been set back."""
        moment = datetime.now(UTC)
        if names := [path.name for path in self._all()]:
            moment = max(moment, made_at(max(names)) + timedelta(microseconds=1))
        return f"{moment.strftime(MOMENT)}-{os.getpid()}-{secrets.token_hex(CHANCE_DIGITS // 2)}{SUFFIX}"

    def close(self) -> None:
        """End every open segment, those of other processes too: what is appended next goes to new ones."""
        if not self._open.is_dir():
            return
        with self._locked(alone=True):
            for path in sorted(self._open.glob(f"*{SUFFIX}")):
                if path.stat().st_size:
                    path.rename(self._closed / path.name)
                else:
                    path.unlink()
            sync_folder(self._open)
            sync_folder(self._closed)

    def still(self, *, alone: bool) -> AbstractContextManager[None]:
        """While it lasts nothing goes from segments into the tables but by whoever holds it `alone`."""
        return locked_folder(self.folder, self.folders, alone=alone, name=".moving")

    def leads(self) -> bool:
        """Whether this process is the one that moves: the first that asks, until it ends."""
        if self._mover is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".mover", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._mover = handle
        return True

    def follow(self) -> None:
        """Let another process move."""
        if self._mover is not None:
            os.close(self._mover)
            self._mover = None

    def closed(self) -> list[Path]:
        """The segments to be moved, oldest first."""
        return sorted(self._closed.glob(f"*{SUFFIX}"))

    def remove(self, segment: Path) -> None:
        """A segment whose events the raw zone holds."""
        segment.unlink(missing_ok=True)
        sync_folder(self._closed)

    def pending(self) -> list[Path]:
        """All segments with events that may not be in the tables, oldest first."""
        return sorted(self._all(), key=lambda path: path.name)

    def num_bytes(self) -> int:
        """What the segments hold."""
        found = 0
        for path in self._all():
            try:
                found += path.stat().st_size
            except FileNotFoundError:
                continue
        return found

    def oldest_at(self) -> datetime | None:
        """When the oldest segment was begun; None without any."""
        names = sorted(path.name for path in self._all())
        return None if not names else made_at(names[0])

    def faults(self) -> LogFaults:
        """Check every line of every segment against its checksum."""
        return journal_faults({f"logs/events/{path.name}": path for path in self.pending()})

    def _all(self) -> list[Path]:
        return [*self._open.glob(f"*{SUFFIX}"), *self._closed.glob(f"*{SUFFIX}")]

    def _locked(self, *, alone: bool) -> AbstractContextManager[None]:
        return locked_folder(self.folder, [self._open, self._closed], alone=alone)


def made_at(name: str) -> datetime:
    """When the segment of that name was begun."""
    return datetime.strptime(name.partition("-")[0], MOMENT).replace(tzinfo=UTC)


def run_id_of(segment: Path) -> str:
    """The id of the run that a segment becomes: in the form of all runs, and always the same."""
    moment, _, rest = segment.stem.partition("-")
    return f"{moment[:15]}-{rest.rpartition('-')[2][:8]}"
