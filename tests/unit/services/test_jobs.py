"""Work in the background: one at a time, in order, with its progress, and stopped where asked."""

import time
from collections.abc import Callable
from threading import Event

import pytest

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services import jobs as jobs_module
from foresell.services.background import run_job
from foresell.services.jobs import Jobs, job_list
from foresell.services.shop import Progress, Shop
from foresell.store.job_list import LIVE, ListedJob

PATIENCE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def _every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(jobs_module, "TURN_SECONDS", 0.01)


def ended(jobs: Jobs, job: ListedJob) -> ListedJob:
    until = time.monotonic() + PATIENCE_SECONDS
    while (found := jobs.find(job.job_id)).state in LIVE:
        assert time.monotonic() < until
        time.sleep(0.005)
    return found


def steps(gate: Event, seen: Event) -> Callable[[Progress], str]:
    """Says one step, waits until it is let on, says another."""

    def work(progress: Progress) -> str:
        progress("first", 1, 4)
        seen.set()
        assert gate.wait(PATIENCE_SECONDS)
        progress("second", 2, 4)
        return "done"

    return work


def test_a_job_tells_how_far_it_is_and_what_it_gave(shop: Shop) -> None:
    jobs, gate, seen = Jobs(shop), Event(), Event()
    job = jobs.start("fit", "recommend", "ann", steps(gate, seen))
    assert seen.wait(PATIENCE_SECONDS)
    now = jobs.find(job.job_id)
    assert (now.state, now.doing, now.share) == ("running", "first", 0.25)
    gate.set()
    last = ended(jobs, job)
    assert (last.state, last.result, last.fault) == ("finished", "done", "")
    with pytest.raises(ConflictError):
        jobs.stop(job.job_id)


def test_a_job_is_stopped_at_its_next_step_and_one_that_waits_never_begins(shop: Shop) -> None:
    jobs, gate, seen = Jobs(shop), Event(), Event()
    running = jobs.start("fit", "recommend", "ann", steps(gate, seen))
    waiting = jobs.start("fit", "forecast", "ann", lambda _: pytest.fail("it began"))
    assert seen.wait(PATIENCE_SECONDS)
    assert jobs.stop(waiting.job_id).state == "cancelled"
    assert jobs.stop(running.job_id).is_stopping
    gate.set()
    last = ended(jobs, running)
    assert (last.state, last.doing, last.result) == ("cancelled", "second", None)
    after = jobs.start("fit", "value", "bob", lambda _: 7)
    assert ended(jobs, after).result == 7
    assert [one.job_id for one in jobs.all()] == [3, 2, 1]
    assert jobs.find(waiting.job_id).state == "cancelled"


def test_what_fails_says_why_and_no_more_than_that(shop: Shop) -> None:
    jobs = Jobs(shop)

    def refuse(_: Progress) -> None:
        raise InputError("Nobody has ordered", do="Import orders.")

    def break_down(_: Progress) -> None:
        raise ZeroDivisionError("/home/ann/secret")

    assert ended(jobs, jobs.start("fit", "a", "ann", refuse)).fault == "Nobody has ordered. Import orders."
    broken = ended(jobs, jobs.start("fit", "b", "ann", break_down))
    assert broken.state == "failed"
    assert "secret" not in broken.fault
    with pytest.raises(NotFoundError):
        jobs.find(99)


def test_the_jobs_of_all_processes_are_one_list_and_take_turns(shop: Shop) -> None:
    console, others = Jobs(shop), Jobs(shop)
    gate, seen = Event(), Event()
    first = console.start("fit", "recommend", "ann", steps(gate, seen))
    assert seen.wait(PATIENCE_SECONDS)
    asked_by_api = job_list(shop).add("compact", "", "bob")
    last = console.start("fit", "value", "ann", lambda _: 7)
    time.sleep(0.05)
    assert [one.state for one in others.all()] == ["waiting", "waiting", "running"]
    gate.set()
    assert ended(others, first).result is None
    assert console.find(first.job_id).result == "done"
    assert console.find(last.job_id).state == "waiting"
    assert run_job(shop, asked_by_api) == "finished"
    assert ended(console, last).result == 7


def test_what_runs_when_its_process_ends_is_told_as_failed(shop: Shop) -> None:
    jobs, gate, seen = Jobs(shop), Event(), Event()
    job = jobs.start("fit", "recommend", "ann", steps(gate, seen))
    assert seen.wait(PATIENCE_SECONDS)
    jobs.close()
    found = Jobs(shop).find(job.job_id)
    assert (found.state, "Start it again" in found.fault) == ("failed", True)
    gate.set()
