"""Long work in the background: one at a time, with its progress, and a way to stop it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from threading import Lock
from typing import Any, Literal

from foresell.contracts.errors import ConflictError, ForesellError, NotFoundError
from foresell.services.shop import Progress, Shop

JobState = Literal["waiting", "running", "finished", "failed", "cancelled"]
ENDED: tuple[JobState, ...] = ("finished", "failed", "cancelled")
MOST_KEPT = 100
log = logging.getLogger("foresell.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """`kind` and `subject`: what is done, to what; `by`: who asked for it. `done` of `total` steps (None:
    unknown) of `doing`. `fault`: what happened and what to do, where it failed; `result`: what the work
    gave."""

    job_id: int
    kind: str
    subject: str
    by: str
    state: JobState
    asked_at: datetime
    doing: str = ""
    done: float = 0.0
    total: float | None = None
    ended_at: datetime | None = None
    fault: str = ""
    is_stopping: bool = False
    result: Any = None

    @property
    def share(self) -> float | None:
        """How much of it is done (0–1); None: unknown."""
        return min(1.0, self.done / self.total) if self.total else None


class _StoppedError(Exception):
    """Somebody asked for the work to end."""


class Jobs:
    """The jobs of one process, the newest MOST_KEPT of them; a store has one writer, so one runs at a time.

    Stopping takes effect at the work's next step of progress; what was published until then stays whole, as
    after a crash (`services.writing`).
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._lock = Lock()
        self._ids = count(1)
        self._jobs: dict[int, Job] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="job")

    def start(self, kind: str, subject: str, by: str, work: Callable[[Progress], Any]) -> Job:
        """Do this when those before it have ended. `work` is given what to tell its progress to."""
        with self._lock:
            job = Job(next(self._ids), kind, subject, by, "waiting", datetime.now(UTC))
            self._jobs[job.job_id] = job
            for ended in [one for one in self._jobs.values() if one.state in ENDED][: -MOST_KEPT or None]:
                del self._jobs[ended.job_id]
        self._worker.submit(self._run, job.job_id, work)
        return job

    def all(self) -> list[Job]:
        """The newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: -job.job_id)

    def find(self, job_id: int) -> Job:
        """NotFoundError for one that is not kept."""
        with self._lock:
            if job_id not in self._jobs:
                raise NotFoundError(f"There is no job {job_id}", do="Open the list of jobs again.")
            return self._jobs[job_id]

    def stop(self, job_id: int) -> Job:
        """End it at its next step; one that waits never begins. ConflictError for one that has ended."""
        job = self.find(job_id)
        if job.state in ENDED:
            raise ConflictError(f"Job {job_id} has ended", received=job.state)
        if job.state == "waiting":
            return self._change(job_id, state="cancelled", ended_at=datetime.now(UTC))
        return self._change(job_id, is_stopping=True)

    def _run(self, job_id: int, work: Callable[[Progress], Any]) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state != "waiting":
                return
            self._jobs[job_id] = replace(job, state="running")

        def progress(doing: str, done: float, total: float | None) -> None:
            if self._change(job_id, doing=doing, done=done, total=total).is_stopping:
                raise _StoppedError

        ended = self._outcome(work, progress)
        self._change(job_id, ended_at=datetime.now(UTC), is_stopping=False, **ended)

    def _outcome(self, work: Callable[[Progress], Any], progress: Progress) -> dict[str, Any]:
        try:
            return {"result": work(progress), "state": "finished"}
        except _StoppedError:
            return {"state": "cancelled"}
        except ForesellError as error:
            return {"state": "failed", "fault": error.message}
        except Exception:
            log.exception("a job failed")
            return {"state": "failed", "fault": "Something failed that should not have; see the log."}

    def _change(self, job_id: int, **changes: Any) -> Job:
        with self._lock:
            job = self._jobs[job_id] = replace(self._jobs[job_id], **changes)
            return job
