"""Named points between two durable writes, where the tests kill the process.

A crash at any of them must leave a store whose next run ends as if nothing had happened. Setting
FORESELL_KILL_AT to a name makes the process kill itself there; nothing else reads it.
"""

import os
import signal

POINTS = (
    "import.staged",
    "import.raw_written",
    "import.table_written",
    "import.table_committed",
    "import.quarantine_committed",
    "import.finished",
    "replay.raw_written",
    "replay.finished",
    "repair.staged",
    "repair.raw_written",
    "undo.decided",
    "undo.table_committed",
    "simulate.lived",
    "simulate.imported",
    "rebuild.started",
    "rebuild.run_applied",
    "rebuild.complete",
    "rebuild.old_moved",
    "rebuild.swapped",
    "erase.tombstoned",
    "erase.raw_rewritten",
    "erase.finished",
    "export.batch_written",
    "export.written",
    "exposures.staged",
    "exposures.published",
    "events.written",
    "events.synced",
    "events.closed",
    "events.staged",
    "events.raw_written",
    "events.applied",
    "events.removed",
    "redis.planned",
    "redis.staged",
    "redis.published",
    "redis.carried",
)


def reached(point: str) -> None:
    """Say that a named point is reached."""
    if point not in POINTS:
        raise ValueError(f"unknown crash point {point}")
    if os.environ.get("FORESELL_KILL_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)
