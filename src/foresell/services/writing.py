"""The right to write: the store's lock, and whatever a crash left undone finished first."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from foresell.contracts.records import IngestRun
from foresell.services.apply import apply_one, pending_runs
from foresell.services.purge import finish_erasure, forget_unused_originals
from foresell.services.rebuild import finish_swap
from foresell.services.shop import Progress, Shop, silent
from foresell.services.undo import finish_undo
from foresell.store.folder import WORK_NAME


@contextmanager
def writing(shop: Shop, purpose: str, progress: Progress = silent) -> Iterator[list[IngestRun]]:
    """Hold the store's lock, after finishing what a crash interrupted; yields the runs so finished."""

    def say_whom(holder: str) -> None:
        progress(f"waiting for {holder}", 0, None)

    with shop.folder.writer_lock(purpose, on_wait=say_whom):
        yield recover(shop, progress)


def recover(shop: Shop, progress: Progress = silent) -> list[IngestRun]:
    """Finish interrupted work. The caller holds the lock, so nobody else is at it."""
    _clear_work(shop.folder.root / WORK_NAME)
    was_interrupted = shop.folder.raw.clear_staging()
    finish_swap(shop)
    # Whoever removed the folder gets it back: every run is then unfinished, and is applied again.
    shop.folder.tables.root.mkdir(exist_ok=True)
    finish_erasure(shop, progress)
    finish_undo(shop, progress)
    for log in shop.folder.logs.values():
        log.seal(shop.connect)
    pending = pending_runs(shop)
    if was_interrupted or pending:
        forget_unused_originals(shop)
    finished = []
    for index, run in enumerate(pending):
        progress(f"finishing interrupted run {run.run_id}", index, len(pending))
        finished.append(apply_one(shop, run))
    return finished


def _clear_work(folder: Path) -> None:
    """Remove what processes that are gone left of their work; those that live go on with theirs."""
    for path in folder.glob("*"):
        owner = path.name.partition("-")[0]
        if not (owner.isdigit() and _lives(int(owner))):
            shutil.rmtree(path, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def next_recorded_at(shop: Shop) -> datetime:
    """Now, but later than every run before: a clock set back must not reorder what was believed when."""
    now = datetime.now(UTC)
    runs = shop.folder.raw.runs()
    return max(now, runs[-1].recorded_at + timedelta(microseconds=1)) if runs else now
