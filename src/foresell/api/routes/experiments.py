"""Experiments: what runs, who sees what, and what came of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal
from foresell.services.experiments import running
from foresell.services.experiments.declaration import Declaration
from foresell.services.experiments.result import experiment_result

router = APIRouter(prefix="/v1/experiments", tags=["experiments"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]
Writer = Annotated[Principal, Depends(Needs("experiments:write"))]
Name = Annotated[str, Path(max_length=63)]
EXAMPLE: dict[str, Any] = {
    "name": "newer-model",
    "metric": "revenue",
    "guardrails": ["conversion"],
    "variants": [
        {"name": "control", "share": 0.5},
        {"name": "newer", "share": 0.5, "model": "0002"},
    ],
}


class Declared(Declaration):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})


class Experiment(BaseModel):
    """`declaration`: as it was given; `plan`: how many customers it needs, made when it started."""

    experiment_id: str
    state: str
    made_by: str
    made_at: AwareDatetime
    started_at: AwareDatetime | None
    stopped_at: AwareDatetime | None
    declaration: dict[str, Any]
    plan: dict[str, Any] | None


class Result(Experiment):
    """`exposed`: variant → customers shown it; `measured`: those whose window is over. Findings compare each
    variant with the control; their intervals hold however often one looks."""

    exposed: dict[str, int]
    measured: dict[str, int]
    crossed: int
    sample_ratio_p: float
    is_divided_as_meant: bool
    level: float
    findings: list[dict[str, Any]]


class Assignment(BaseModel):
    """`variant`: null: the customer does not take part."""

    experiment_id: str
    variant: str | None


@router.get("", response_model=list[Experiment], responses=documented(), summary="Every experiment")
def get_experiments(request: Request, principal: Reader) -> list[dict[str, Any]]:
    return [one.as_record() for one in running.experiments(served_shop(request).shop)]


@router.post(
    "",
    status_code=201,
    response_model=Experiment,
    responses=documented(404, 409),
    summary="Declare an experiment",
)
def post_experiment(request: Request, declared: Declared, principal: Writer) -> dict[str, Any]:
    """Nobody sees anything of it before it is started. The first variant is the control."""
    return running.declare(served_shop(request).shop, declared, principal.name).as_record()


@router.get(
    "/{name}", response_model=Result, responses=documented(404, 409), summary="What an experiment found"
)
def get_experiment(request: Request, name: Name, principal: Reader) -> dict[str, Any]:
    return experiment_result(served_shop(request).shop, name).as_record()


@router.post("/{name}/start", response_model=Experiment, responses=documented(404, 409), summary="Start it")
def post_start(request: Request, name: Name, principal: Writer) -> dict[str, Any]:
    """Within seconds, every process that serves shows it."""
    return running.start(served_shop(request).shop, name, principal.name).as_record()


@router.post("/{name}/stop", response_model=Experiment, responses=documented(404, 409), summary="Stop it")
def post_stop(request: Request, name: Name, principal: Writer) -> dict[str, Any]:
    return running.stop(served_shop(request).shop, name, principal.name).as_record()


@router.get(
    "/{name}/assignment",
    response_model=Assignment,
    responses=documented(404),
    summary="Which variant a customer sees",
)
def get_assignment(
    request: Request,
    name: Name,
    customer_id: Annotated[str, Query(min_length=1, max_length=200)],
    principal: Annotated[Principal, Depends(Needs("recommend:read"))],
) -> dict[str, Any]:
    """For what the shop itself shows by variant; recommendations choose their own."""
    served = served_shop(request)
    person = served.live.mind.person(customer_id)
    return {"experiment_id": name, "variant": running.variant_of(served.shop, name, person)}
