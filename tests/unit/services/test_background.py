"""Long work in a process of its own: its turn, its progress, its end, and what is told of one that died."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.background import WORK, run_job, start_job
from foresell.services.jobs import job_list
from foresell.services.shop import Progress, Shop
from foresell.store.job_list import DIED, JobList


@pytest.fixture
def jobs(shop: Shop) -> JobList:
    return job_list(shop)


def test_a_job_is_done_by_another_process_and_everybody_sees_how_it_ended(shop: Shop) -> None:
    job = start_job(shop, "compact", "", "ann")
    assert (job.state, job.by) == ("waiting", "ann")
    deadline = time.monotonic() + 60
    while (found := job_list(shop).find(job.job_id)).state in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (found.state, found.share, found.fault) == ("finished", 1.0, "")


def test_what_fails_says_why(shop: Shop, jobs: JobList) -> None:
    job_id = jobs.add("fit", "recommend", "ann")
    assert run_job(shop, job_id) == "failed"
    assert jobs.find(job_id).fault


def test_one_that_was_stopped_while_it_waited_never_begins(shop: Shop, jobs: JobList) -> None:
    job_id = jobs.add("compact", "", "ann")
    assert jobs.stop(job_id).state == "cancelled"
    assert run_job(shop, job_id) == "cancelled"
    with pytest.raises(ConflictError, match="has ended"):
        jobs.stop(job_id)


def test_one_that_runs_ends_at_its_next_step(
    shop: Shop, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def work(_shop: Shop, _subject: str, progress: Progress) -> Any:
        for step in range(3):
            time.sleep(0.6)
            progress("counting", step, 3)
            done.append(step)
            jobs.stop(job_id)

    monkeypatch.setitem(WORK, "compact", work)
    job_id = jobs.add("compact", "", "ann")
    assert run_job(shop, job_id) == "cancelled"
    assert done == [0]
    assert jobs.find(job_id).doing == "counting"


def test_jobs_are_done_in_their_order(shop: Shop, jobs: JobList) -> None:
    first, second = jobs.add("compact", "", "ann"), jobs.add("compact", "", "bob")
    assert jobs.is_next(first)
    assert not jobs.is_next(second)
    assert run_job(shop, first) == "finished"
    assert jobs.is_next(second)


def test_one_whose_process_is_silent_counts_as_failed_and_holds_up_nobody(shop: Shop, jobs: JobList) -> None:
    dead, next_one = jobs.add("compact", "", "ann"), jobs.add("compact", "", "ann")
    jobs.begin(dead)
    long_ago = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    with shop.folder.state.connect() as connection:
        connection.execute("UPDATE jobs SET seen_at = ? WHERE job_id = ?", [long_ago, dead])
    assert (jobs.find(dead).state, jobs.find(dead).fault) == ("failed", DIED)
    assert jobs.is_next(next_one)


def test_unknown_work_is_refused_with_what_there_is(shop: Shop, jobs: JobList) -> None:
    with pytest.raises(NotFoundError, match="compact"):
        start_job(shop, "compat", "", "ann")
    with pytest.raises(NotFoundError, match="forecast"):
        start_job(shop, "fit", "forcast", "ann")
    with pytest.raises(InputError, match="whole shop"):
        start_job(shop, "compact", "orders", "ann")
    with pytest.raises(NotFoundError, match="no job 7"):
        jobs.find(7)
    assert jobs.all() == []
