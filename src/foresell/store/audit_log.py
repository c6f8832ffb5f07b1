"""Who did what: one line an entry, each bound to the one before by a hash, appended and never changed.

The head of the chain (how many entries, the hash of the last) stands in the state as well, so that a log
that was cut short is found out. What an entry is about is a token where it would lead to a person: erasing
them leaves the log as it is.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresell.contracts.errors import BackendError
from foresell.store.durable import sync_folder
from foresell.store.journal import locked
from foresell.store.state import State

HEAD = "audit_head"
FIRST = "0" * 64
TAIL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class AuditFaults:
    num_entries: int
    problems: tuple[str, ...]


class AuditLog:
    """Safe for many processes: one appends at a time."""

    def __init__(self, folder: Path, state: State) -> None:
        self.path = folder / "audit.jsonl"
        self.state = state

    def append(self, who: str, action: str, subject: str | None = None, **details: Any) -> None:
        """On the disk when it returns. BackendError where the disk does not take it."""
        try:
            with self._alone() as handle:
                number, previous = self._last(handle)
                entry = {
                    "number": number + 1,
                    "at": datetime.now(UTC).isoformat(),
                    "who": who,
                    "action": action,
                    "subject": subject,
                    "details": details,
                    "previous": previous,
                }
                digest = hash_of(entry)
                line = json.dumps({**entry, "hash": digest}, ensure_ascii=False, sort_keys=True) + "\n"
                os.write(handle, line.encode())
                os.fsync(handle)
                self.state.set_meta(HEAD, f"{number + 1} {digest}")
        except OSError as error:
            raise BackendError(
                "The audit log cannot be written", received=error.strerror, do="Free disk space."
            ) from error

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """Oldest first. A last line without its end is none: who wrote it was killed before it counted."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def faults(self) -> AuditFaults:
        """Check every entry against its hash, its predecessor and the head."""
        problems: list[str] = []
        number, previous = 0, FIRST
        try:
            for entry in self.entries():
                number += 1
                told = {name: value for name, value in entry.items() if name != "hash"}
                if entry.get("hash") != hash_of(told):
                    problems.append(f"entry {number} was changed")
                if entry.get("previous") != previous or entry.get("number") != number:
                    problems.append(f"entry {number} does not follow the one before: some are missing")
                previous = str(entry.get("hash"))
        except ValueError:
            problems.append(f"line {number + 1} is damaged")
        head = self.state.meta(HEAD)
        if head is not None and int(head.split()[0]) > number:
            problems.append(f"the log ends at entry {number}, and there were {head.split()[0]}")
        elif head is not None and int(head.split()[0]) == number and head.split()[1] != previous:
            problems.append("the last entry is not the one that was written")
        return AuditFaults(number, tuple(problems))

    def _last(self, handle: int) -> tuple[int, str]:
        """Number and hash of the last whole entry; what a killed writer left after it is cut off."""
        size = os.fstat(handle).st_size
        start = max(0, size - TAIL_BYTES)
        tail = os.pread(handle, size - start, start)
        whole, _, torn = tail.rpartition(b"\n")
        if torn:
            os.ftruncate(handle, size - len(torn))
        if not whole:
            return 0, FIRST
        entry = json.loads(whole.rpartition(b"\n")[2])
        return int(entry["number"]), str(entry["hash"])

    @contextmanager
    def _alone(self) -> Iterator[int]:
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with locked(handle, alone=True):
                if is_new:
                    sync_folder(self.path.parent)
                yield handle
        finally:
            os.close(handle)


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 of an entry without its hash, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(entry, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
