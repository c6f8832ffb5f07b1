"""Long work in the background: one at a time in a shop, with its progress, and a way to stop it.

The list of jobs lies in the store's state: every process tells the same of all, whichever does the work.
Stopping takes effect at the work's next step of progress; what was published until then stays whole, as after
a crash (`services.writing`).
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from foresell.contracts.errors import ForesellError
from foresell.services.shop import Progress, Shop
from foresell.store.job_list import CANCELLED, FAILED, FINISHED, LIVE, JobList, ListedJob

TURN_SECONDS, LIFE_SECONDS, PROGRESS_SECONDS = 0.5, 5.0, 0.5
MOST_RESULTS = 100
Work = Callable[[Progress], Any]
log = logging.getLogger("foresell.jobs")


class _StoppedError(Exception):
    """Somebody asked for the work to end."""


def job_list(shop: Shop) -> JobList:
    return JobList(shop.folder.state)


def carry_out(jobs: JobList, job_id: int, work: Work) -> str:
    """Wait for the job's turn, do it, and note how it ended; returns that."""
    while not jobs.is_next(job_id):
        jobs.live(job_id)
        time.sleep(TURN_SECONDS)
    if not jobs.begin(job_id):
        return CANCELLED
    ended = threading.Event()
    living = threading.Thread(target=_live, args=(jobs, job_id, ended), daemon=True)
    living.start()
    state, fault, result = _done(jobs, job_id, work)
    ended.set()
    living.join()
    jobs.end(job_id, state, fault, result)
    return state


def _live(jobs: JobList, job_id: int, ended: threading.Event) -> None:
    while not ended.wait(LIFE_SECONDS):
        jobs.live(job_id)


def _done(jobs: JobList, job_id: int, work: Work) -> tuple[str, str, object]:
    told_at = float("-inf")

    def progress(doing: str, done: float, total: float | None) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at < PROGRESS_SECONDS:
            return
        told_at = now
        if jobs.progress(job_id, doing, done, total):
            raise _StoppedError

    try:
        return FINISHED, "", work(progress)
    except _StoppedError:
        return CANCELLED, "", None
    except ForesellError as error:
        return FAILED, error.message, None
    except Exception:
        log.exception("a job failed")
        return FAILED, "Something failed that should not have; see the server's log.", None


class Jobs:
    """The jobs of a shop, and those that this process does in threads of its own.

    What such work gives stays in this process's memory: it is told by `find` here, and to nobody else.
    """

    def __init__(self, shop: Shop) -> None:
        self._list = job_list(shop)
        self._lock = threading.Lock()
        self._own: dict[int, Any] = {}

    def start(self, kind: str, subject: str, by: str, work: Work) -> ListedJob:
        """Do this when those before it have ended. `work` is given what to tell its progress to."""
        job_id = self._list.add(kind, subject, by)
        with self._lock:
            self._own[job_id] = None
            for oldest in list(self._own)[:-MOST_RESULTS]:
                del self._own[oldest]

        def kept(progress: Progress) -> None:
            found = work(progress)
            with self._lock:
                self._own[job_id] = found

        arguments = (self._list, job_id, kept)
        threading.Thread(target=carry_out, args=arguments, name=f"job-{job_id}", daemon=True).start()
        return self._list.find(job_id)

    def all(self) -> list[ListedJob]:
        """The newest first, of all processes."""
        return self._list.all()

    def find(self, job_id: int) -> ListedJob:
        """NotFoundError for one that is not kept."""
        job = self._list.find(job_id)
        with self._lock:
            return replace(job, result=self._own[job_id]) if job_id in self._own else job

    def stop(self, job_id: int) -> ListedJob:
        """End it at its next step; one that waits never begins. ConflictError for one that has ended."""
        return self._list.stop(job_id)

    def close(self) -> None:
        """This process ends: so do its jobs, and the list says so."""
        with self._lock:
            own = list(self._own)
        for job in self._list.all():
            if job.job_id in own and job.state in LIVE:
                self._list.end(job.job_id, FAILED, "Its process was ended while it ran. Start it again.")
