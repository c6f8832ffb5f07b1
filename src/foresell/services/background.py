"""Long work in a process of its own: `python -m foresell.services.background STORE JOB`.

Whoever serves starts it and goes on answering; the list of jobs in the store's state says how far it is, to
other processes too, and after a restart. One is done at a time, in the order in which they were asked for.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foresell.contracts.errors import ForesellError, InputError, NotFoundError, did_you_mean
from foresell.services.fitting import fit_task, fittable
from foresell.services.shop import Progress, Shop, open_shop
from foresell.store.job_list import CANCELLED, FAILED, FINISHED, JobList, ListedJob

TURN_SECONDS, LIFE_SECONDS, PROGRESS_SECONDS = 0.5, 5.0, 0.5
Work = Callable[[Shop, str, Progress], Any]
log = logging.getLogger("foresell.jobs")


def _fit(shop: Shop, subject: str, progress: Progress) -> object:
    fit_task(shop, subject, progress)
    return None


def _compact(shop: Shop, _subject: str, progress: Progress) -> object:
    from foresell.services.upkeep import compact

    return compact(shop, progress)


def _refresh(shop: Shop, _subject: str, progress: Progress) -> object:
    from foresell.services.monitoring.refresh import refresh

    return refresh(shop, (), progress).as_record()


# What is asked for by name → what does it.
WORK: dict[str, Work] = {"fit": _fit, "compact": _compact, "refresh": _refresh}


class _StoppedError(Exception):
    """Somebody asked for the work to end."""


def job_list(shop: Shop) -> JobList:
    return JobList(shop.folder.state)


def start_job(shop: Shop, kind: str, subject: str, by: str) -> ListedJob:
    """Begin it when those before it have ended. NotFoundError for a kind or task that there is not."""
    if kind not in WORK:
        raise NotFoundError(f"There is no work '{kind}'", do=did_you_mean(kind, WORK))
    if kind == "fit" and subject not in (known := fittable(shop)):
        raise NotFoundError(f"There is no task '{subject}'", do=did_you_mean(subject, known))
    if kind != "fit" and subject:
        raise InputError(f"'{kind}' is of the whole shop", received=subject, do="Leave the subject out.")
    jobs = job_list(shop)
    job_id = jobs.add(kind, subject, by)
    process = subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-m", "foresell.services.background", str(shop.folder.root), str(job_id)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Somebody must take note of its end, or it stays in the machine's list.
    threading.Thread(target=process.wait, daemon=True, name=f"job-{job_id}").start()
    return jobs.find(job_id)


def run_job(shop: Shop, job_id: int) -> str:
    """Wait for its turn, do it, and note how it ended; returns that. What was published until it was stopped
    stays whole, as after a crash."""
    jobs = job_list(shop)
    while not jobs.is_next(job_id):
        jobs.live(job_id)
        time.sleep(TURN_SECONDS)
    if not jobs.begin(job_id):
        return CANCELLED
    ended = threading.Event()
    living = threading.Thread(target=_live, args=(jobs, job_id, ended), daemon=True)
    living.start()
    state, fault, result = _done(shop, jobs, jobs.find(job_id))
    ended.set()
    living.join()
    jobs.end(job_id, state, fault, result)
    return state


def _live(jobs: JobList, job_id: int, ended: threading.Event) -> None:
    while not ended.wait(LIFE_SECONDS):
        jobs.live(job_id)


def _done(shop: Shop, jobs: JobList, job: ListedJob) -> tuple[str, str, object]:
    told_at = float("-inf")

    def progress(doing: str, done: float, total: float | None) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at < PROGRESS_SECONDS:
            return
        told_at = now
        if jobs.progress(job.job_id, doing, done, total):
            raise _StoppedError

    try:
        return FINISHED, "", WORK[job.kind](shop, job.subject, progress)
    except _StoppedError:
        return CANCELLED, "", None
    except ForesellError as error:
        return FAILED, error.message, None
    except Exception:
        log.exception("a job failed")
        return FAILED, "Something failed that should not have; see the server's log.", None


def main() -> int:
    store, job_id = sys.argv[1:3]
    run_job(open_shop(Path(store)), int(job_id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
