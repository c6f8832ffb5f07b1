"""One store: a folder, its parts, and the lock that lets one writer in at a time."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import BusyError, ConflictError, DeniedError, NotFoundError
from foresell.contracts.results import LOGS
from foresell.contracts.settings import FILE_NAME, Settings, read_settings, settings_toml
from foresell.store.append_log import AppendLog
from foresell.store.delta import DeltaFolder
from foresell.store.engine import open_another
from foresell.store.event_log import EventLog
from foresell.store.raw import RawZone
from foresell.store.started_engines import started_engine
from foresell.store.state import FORMAT, State

if TYPE_CHECKING:
    import duckdb

LOCK_NAME = ".lock"
WORK_NAME = ".work"
TABLES_NAME = "tables"
REBUILT_NAME = ".tables-rebuilt"
OLD_NAME = ".tables-old"
COMPLETE_MARK = "COMPLETE"
# In the folder of a store that is being made in one go: without the rest it is none.
UNFINISHED_MARK = ".unfinished"


class StoreFolder:
    """Paths and parts of an existing store. Make one with `create_store` or `open_store`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.settings_path = self.root / FILE_NAME
        self.raw = RawZone(self.root / "raw")
        self.tables = DeltaFolder(self.root / TABLES_NAME)
        self.models = self.root / "models"
        self.logs = {name: AppendLog(self.root / "logs" / name, table) for name, table in LOGS.items()}
        self.events = EventLog(self.root / "logs" / "events")
        self.state = State(self.root / "state.sqlite")
        self._engine: duckdb.DuckDBPyConnection | None = None

    def files(self, name: str) -> list[str]:
        """The current files of a table or a log, as absolute paths."""
        log = self.logs.get(name)
        return self.tables.files(name) if log is None else log.files()

    @property
    def settings(self) -> Settings:
        return read_settings(self.settings_path)

    @property
    def store_id(self) -> str:
        return self.state.meta("store_id") or ""

    @contextmanager
    def connect(self, settings: Settings) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A DuckDB whose spill files lie in the store and go when it closes.

        Within `one_engine` it is the same one each time; temporary tables are of the connection.
        """
        if self._engine is None:
            with self._start_engine(settings) as connection:
                yield connection
            return
        connection = open_another(self._engine)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def one_engine(self, settings: Settings) -> Iterator[None]:
        """Within the block DuckDB starts once and not for each `connect`: many small runs are quicker so.

        Whatever is done within makes temporary objects only, and takes its functions away.
        """
        if self._engine is not None:
            yield
            return
        with self._start_engine(settings) as connection:
            self._engine = connection
            try:
                yield
            finally:
                self._engine = None

    @contextmanager
    def _start_engine(self, settings: Settings) -> Iterator["duckdb.DuckDBPyConnection"]:
        spill = self.root / WORK_NAME / f"{os.getpid()}-{secrets.token_hex(4)}"
        # DuckDB makes no parent folder, and would fail at the moment that it needs to spill.
        with suppress(OSError):
            spill.parent.mkdir(exist_ok=True)
        try:
            with started_engine(settings.engine, spill) as connection:
                yield connection
        finally:
            shutil.rmtree(spill, ignore_errors=True)

    @contextmanager
    def writer_lock(
        self, purpose: str, wait_seconds: float = 60.0, on_wait: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        """The right to write, for one process at a time; BusyError names who holds it.

        `on_wait` is told who, once, if there is waiting to do. The lock is the kernel's (flock): it goes
        with its process, however that ends.
        """
        handle = self._open_lock()
        try:
            _wait_for_lock(handle, self.root / LOCK_NAME, wait_seconds, on_wait)
            holder = {"pid": os.getpid(), "doing": purpose, "since": datetime.now(UTC).isoformat()}
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(holder).encode(), 0)
            yield
            os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def _open_lock(self) -> int:
        try:
            return os.open(self.root / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DeniedError(
                f"The store {self.root} cannot be written",
                received=error.strerror,
                do="Check the folder's owner and permissions, and that the disk is not mounted read-only.",
            ) from error


def _wait_for_lock(
    handle: int, path: Path, wait_seconds: float, on_wait: Callable[[str], None] | None
) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(
                    "Another process is writing to this store",
                    received=_holder(path),
                    do="Wait until it is done and try again; reading works meanwhile.",
                ) from None
            if on_wait is not None:
                on_wait(_holder(path))
                on_wait = None
            time.sleep(0.1)
        else:
            return


def _holder(path: Path) -> str:
    """Who holds the lock, in words. It may be let go, or not yet be named, while we look."""
    try:
        holder = json.loads(path.read_text())
        return f"'{holder['doing']}' by process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has not said what it does"


def create_store(root: Path, settings: Settings) -> StoreFolder:
    """Make a new store; ConflictError if the folder holds one already."""
    store = StoreFolder(root)
    if store.settings_path.exists():
        raise ConflictError(
            f"{root} is a store already", do="Choose another folder, or go on with `foresell import`."
        )
    try:
        for folder in (store.raw.root, store.tables.root, store.models):
            folder.mkdir(parents=True, exist_ok=True)
        store.root.chmod(0o700)
        store.state.create(secrets.token_hex(8))
        store.settings_path.write_text(settings_toml(settings), encoding="utf-8")
    except OSError as error:
        raise DeniedError(
            f"No store can be made at {root}",
            received=error.strerror,
            do="Choose a folder that you may write.",
        ) from error
    return store


def open_store(root: Path) -> StoreFolder:
    """An existing store; NotFoundError with the way to make one otherwise."""
    store = StoreFolder(root)
    if (store.root / UNFINISHED_MARK).exists():
        raise ConflictError(
            f"{store.root} is what a `foresell simulate` has made so far",
            do="If that still runs, wait for it. If it was stopped, run it again: it begins anew.",
        )
    if not store.settings_path.exists():
        raise NotFoundError(
            f"There is no store at {store.root}",
            do="Make one with `foresell init DIR`, or name one with --store DIR or $FORESELL_STORE.",
        )
    _require_format(store)
    return store


def _require_format(store: StoreFolder) -> None:
    found = store.state.meta("format") or "none"
    if found == FORMAT:
        return
    if found.isdecimal() and int(found) > int(FORMAT):
        raise ConflictError(
            f"{store.root} was written by a newer Foresell",
            received=f"format {found}; this one reads format {FORMAT}",
            do="Install that version or a later one (pip install --upgrade foresell), or go back to a backup "
            "that was made before the upgrade: foresell store from-backup.",
        )
    raise ConflictError(
        f"{store.root} was written by another version of Foresell",
        received=f"format {found}; this one reads format {FORMAT}",
        do="Open it once with the version that wrote it, and see its notes on upgrading (docs/deploy.md).",
    )
