"""Long work: what runs, starting it, and stopping it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.problems import documented, without_paths
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal
from foresell.services.background import start_job
from foresell.services.jobs import job_list
from foresell.store.job_list import ListedJob

router = APIRouter(prefix="/v1", tags=["jobs"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]
Writer = Annotated[Principal, Depends(Needs("models:write"))]
JobId = Annotated[int, Path(ge=1, lt=2**31)]


class Job(BaseModel):
    """`share`: how much is done (0–1), null: unknown. `fault`: what happened and what to do, if it failed."""

    job_id: int
    kind: str
    subject: str
    by: str
    state: Literal["waiting", "running", "finished", "failed", "cancelled"]
    asked_at: str
    doing: str
    share: float | None
    ended_at: str | None
    fault: str
    is_stopping: bool
    result: Any = None


class Wanted(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "fit", "subject": "churn"}]}
    )
    kind: str = Field(max_length=40, description="`fit` (subject: a task), `refresh` or `compact`.")
    subject: str = Field("", max_length=63)


@router.get("/jobs", response_model=list[Job], responses=documented(), summary="What runs, and what ran")
def get_jobs(request: Request, principal: Reader) -> list[dict[str, object]]:
    """The newest first; of all processes that serve this shop."""
    return [_told(job) for job in job_list(served_shop(request).shop).all()]


@router.get("/jobs/{job_id}", response_model=Job, responses=documented(404), summary="How far a job is")
def get_job(request: Request, job_id: JobId, principal: Reader) -> dict[str, object]:
    return _told(job_list(served_shop(request).shop).find(job_id))


@router.post(
    "/jobs", status_code=202, response_model=Job, responses=documented(404), summary="Begin long work"
)
def post_job(request: Request, wanted: Wanted, principal: Writer) -> dict[str, object]:
    """In a process of its own; one is done at a time. A model that was fitted answers when it has passed its
    trial."""
    served = served_shop(request)
    job = start_job(served.shop, wanted.kind, wanted.subject, principal.name)
    served.note(principal, f"job.{job.kind}", job=job.job_id, task=job.subject)
    return _told(job)


@router.delete(
    "/jobs/{job_id}",
    status_code=202,
    response_model=Job,
    responses=documented(404, 409),
    summary="Stop a job",
)
def delete_job(request: Request, job_id: JobId, principal: Writer) -> dict[str, object]:
    """It ends at its next step; what it had published stays whole. 409 for one that has ended."""
    served = served_shop(request)
    job = job_list(served.shop).stop(job_id)
    served.note(principal, "job.stop", job=job_id)
    return _told(job)


def _told(job: ListedJob) -> dict[str, object]:
    return {**job.as_record(), "fault": without_paths(job.fault)}
