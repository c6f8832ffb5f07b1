"""Long work in a process of its own: `python -m foresell.services.background STORE JOB`.

Whoever serves starts it and goes on answering; the list of jobs says how far it is, after a restart too.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.services.fitting import fit_task, fittable
from foresell.services.jobs import carry_out, job_list
from foresell.services.shop import Progress, Shop, open_shop
from foresell.store.job_list import ListedJob

Work = Callable[[Shop, str, Progress], Any]


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
    """Wait for its turn, do it, and note how it ended; returns that."""
    jobs = job_list(shop)
    job = jobs.find(job_id)
    return carry_out(jobs, job_id, partial(WORK[job.kind], shop, job.subject))


def main() -> int:
    store, job_id = sys.argv[1:3]
    run_job(open_shop(Path(store)), int(job_id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
