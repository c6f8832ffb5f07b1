"""A table that many processes append to at once, without the store's lock: a folder of `logs/`.

    journals/     a file for each process and day (`journal`): where rows are put
    parts/        Parquet files of sealed journals: never changed
    index.json    the parts with their SHA-256, and the files that are superseded
    .lock         appending holds it with others, for microseconds; erasing and sealing hold it alone

Reading takes no lock. A journal is read until the index names it as superseded, and so is a part from the
moment that the index names it: a row is never missing and never there twice, whenever a process is killed.
Superseded files stay for an hour, for those who are just reading them; after an erasure they go at once.
Whoever seals or erases holds the store's lock.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.tables import Table
from foresell.store.durable import json_bytes, read_json, sync_folder, write_durably
from foresell.store.engine import literal, quoted, read_files
from foresell.store.journal import (
    SUFFIX,
    Journal,
    LogFaults,
    Row,
    as_line,
    is_closed,
    journal_faults,
    locked_folder,
)
from foresell.store.raw import file_sha256

if TYPE_CHECKING:
    import duckdb

INDEX_NAME = "index.json"
# Readers that began before a file was superseded are done by then.
GRACE = timedelta(hours=1)
# So many parts below this size are joined with what is sealed next.
SMALL_BYTES = 32 * 2**20
MOST_SMALL_PARTS = 16

# Says of a row whether it may be kept; made anew whenever a journal is begun, so after every erasure.
Admits = Callable[[Row], bool]


def admit_all() -> Admits:
    return lambda _row: True


@dataclass
class _Index:
    """`parts`: name → SHA-256. `superseded`: path within the log → since when."""

    parts: dict[str, str] = field(default_factory=dict)
    superseded: dict[str, datetime] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        return {
            "parts": self.parts,
            "superseded": {path: at.isoformat() for path, at in self.superseded.items()},
        }


class AppendLog:
    """One log. `table`: what its rows are; its key's first column is the last to be written of a line."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.folder = folder
        self.table = table
        self._journals, self._parts = folder / "journals", folder / "parts"
        self._appending = threading.Lock()
        self._journal: Journal | None = None
        self._admits: Admits = admit_all()
        self._own: set[str] = set()

    @property
    def journals(self) -> Path:
        """The folder of journals."""
        return self._journals

    def is_own(self, name: str) -> bool:
        """Whether this process has begun the journal of that name."""
        return name in self._own

    def append(self, rows: Iterable[Row], admitting: Callable[[], Admits] = admit_all) -> int:
        """Append rows; returns how many were admitted. When it returns, they are on the disk.

        Values: text, whole and finite numbers, flags, null, and days and moments as ISO 8601 text. Raises
        BackendError where the disk does not take them. Safe for many threads and processes.
        """
        last = self.table.key[0]
        lines = [
            (row, as_line({**{n: v for n, v in row.items() if n != last}, last: row[last]})) for row in rows
        ]
        if not lines:
            return 0
        with self._appending, self._locked(alone=False):
            journal = self._current(admitting)
            admitted = [line for row, line in lines if self._admits(row)]
            position = journal.write(admitted)
        journal.wait_for_disk(position)
        return len(admitted)

    def _current(self, admitting: Callable[[], Admits]) -> Journal:
        """The journal of this process and day. A process that was forked begins its own."""
        day = f"{datetime.now(UTC):%Y%m%d}"
        kept = self._journal
        if kept is not None and kept.path.name.startswith(f"{day}-{os.getpid()}-") and kept.is_open:
            return kept
        self._admits = admitting()
        name = f"{day}-{os.getpid()}-{secrets.token_hex(6)}{SUFFIX}"
        # The old one closes when the last thread that waits for its disk has let it go.
        self._own.add(name)
        self._journal = Journal(self._journals / name)
        return self._journal

    def close(self) -> None:
        """Begin another journal with the next row; this one can be sealed."""
        with self._appending:
            self._journal = None

    def files(self) -> list[str]:
        """What to read, as absolute paths: parts, and journals that were not sealed yet."""
        # Journals first: one that is sealed between the two steps is in the index by then.
        journals = sorted(self._journals.glob(f"*{SUFFIX}"))
        index = self._read_index()
        parts = [str(self._parts / name) for name in sorted(index.parts)]
        return parts + [str(path) for path in journals if self._name(path) not in index.superseded]

    def seal(self, connect: "Callable[[], Any]") -> int:
        """Make a part of the journals that nobody appends to any more; returns how many there were.

        `connect`: opens a DuckDB connection as a context manager, if there is anything to do. Small parts are
        joined with it once there are many. The caller holds the store's lock.
        """
        if not self.folder.is_dir():
            return 0
        self._remove(superseded_before=datetime.now(UTC) - GRACE)
        index = self._read_index()
        with self._locked(alone=True):
            closed = [path for path in self._open_journals(index) if is_closed(path)]
        small = [self._parts / name for name in sorted(index.parts) if self._is_small(name)]
        joined = small if len(small) >= MOST_SMALL_PARTS else []
        if closed or joined:
            with connect() as connection:
                self._replace(connection, index, [*joined, *closed], "true")
        return len(closed)

    def forget(self, connection: "duckdb.DuckDBPyConnection", is_kept: str) -> None:
        """Keep only the rows of which an SQL condition is true; nothing of the others is left in the folder.

        Those who append wait while the journals are rewritten. What a crash leaves, the next call finishes.
        The caller holds the store's lock.
        """
        if not self.folder.is_dir():
            return
        index = self._read_index()
        for name in sorted(index.parts):
            rows = read_files(self.table.columns, [str(self._parts / name)])
            lost = f"SELECT count(*) FROM ({rows}) WHERE NOT coalesce({is_kept}, false)"
            [(count,)] = connection.execute(lost).fetchall()
            if count:
                self._replace(connection, index, [self._parts / name], is_kept)
        with self._locked(alone=True):
            if journals := self._open_journals(index):
                self._replace(connection, index, journals, is_kept)
            self._remove(superseded_before=datetime.max.replace(tzinfo=UTC))

    def faults(self) -> LogFaults:
        """Check every part against its hash and every line of a journal against its checksum."""
        index = self._read_index()
        problems = []
        for name, sha256 in sorted(index.parts.items()):
            path = self._parts / name
            if not path.exists():
                problems.append(f"{self._named(path)} is missing")
            elif file_sha256(path) != sha256:
                problems.append(f"{self._named(path)} has changed since it was written")
        journals = journal_faults({self._named(path): path for path in self._open_journals(index)})
        found = (*problems, *journals.problems)
        return LogFaults(len(index.parts) + journals.num_files, found, journals.notes)

    def _open_journals(self, index: _Index) -> list[Path]:
        found = sorted(self._journals.glob(f"*{SUFFIX}"))
        return [path for path in found if self._name(path) not in index.superseded]

    def _replace(
        self, connection: "duckdb.DuckDBPyConnection", index: _Index, sources: Sequence[Path], is_kept: str
    ) -> None:
        """Put one part in the place of files, at once: with the index. No rows: no part."""
        rows = read_files(self.table.columns, [str(path) for path in sources])
        kept = f"SELECT * FROM ({rows}) WHERE {is_kept} ORDER BY {quoted(self.table.key[0])}"
        self._parts.mkdir(exist_ok=True)
        temporary = self._parts / f".{secrets.token_hex(6)}.new"
        copied = f"COPY ({kept}) TO {literal(str(temporary))} (FORMAT parquet, COMPRESSION zstd)"
        [(count,)] = connection.execute(copied).fetchall()
        if count:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            name = f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(6)}.parquet"
            index.parts[name] = file_sha256(temporary)
            temporary.rename(self._parts / name)
            sync_folder(self._parts)
        else:
            temporary.unlink()
        for path in sources:
            index.parts.pop(path.name, None)
            index.superseded[self._name(path)] = datetime.now(UTC)
        self._write_index(index)

    def _remove(self, superseded_before: datetime) -> None:
        """Remove superseded files, and what a killed process left of a part."""
        index = self._read_index()
        gone = [name for name, at in index.superseded.items() if at < superseded_before]
        left = [path for path in self._parts.glob("*") if path.name not in index.parts]
        unfinished = [path for path in left if self._name(path) not in index.superseded]
        for path in [*(self.folder / name for name in gone), *unfinished]:
            path.unlink(missing_ok=True)
        if gone:
            index.superseded = {name: at for name, at in index.superseded.items() if name not in gone}
            self._write_index(index)

    def _is_small(self, name: str) -> bool:
        return (self._parts / name).stat().st_size < SMALL_BYTES

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _named(self, path: Path) -> str:
        return f"logs/{self.folder.name}/{self._name(path)}"

    def _read_index(self) -> _Index:
        path = self.folder / INDEX_NAME
        if not path.exists():
            return _Index()
        found = read_json(path)
        superseded: Mapping[str, str] = found["superseded"]
        return _Index(
            dict(found["parts"]), {name: datetime.fromisoformat(at) for name, at in superseded.items()}
        )

    def _write_index(self, index: _Index) -> None:
        temporary = self.folder / f".{INDEX_NAME}.new"
        write_durably(temporary, json_bytes(index.as_record()))
        temporary.rename(self.folder / INDEX_NAME)
        sync_folder(self.folder)

    def _locked(self, *, alone: bool) -> AbstractContextManager[None]:
        return locked_folder(self.folder, [self._journals], alone=alone)
