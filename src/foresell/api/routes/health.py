"""Whether it lives, whether it can answer, and what it has counted."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel

from foresell.api.access import Needs, anybody
from foresell.api.problems import documented, problem
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal

router = APIRouter(tags=["health"])
SNIPPET = Path(__file__).parents[1] / "static" / "foresell.js"


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    """`recommender`: name/version of the model that answers; null: none is in production."""

    status: str
    recommender: str | None
    waiting_bytes: int
    problem: str | None


@router.get("/healthz", dependencies=[Depends(anybody)], summary="Whether the process lives")
async def healthz() -> Health:
    return Health(status="ok")


@router.get(
    "/readyz",
    dependencies=[Depends(anybody)],
    response_model=Readiness,
    responses=documented(),
    summary="Whether it can take events and answer",
)
def readyz(request: Request) -> Response:
    """503 where the store's folder cannot be read or events wait that cannot be moved."""
    served = served_shop(request)
    waiting = served.live.pressure.backlog()
    if waiting > served.live.limits.backlog_bytes:
        return problem(503, "Events wait that cannot be moved", do="Look at foresell_keeper_failing.")
    served.shop.folder.state.meta("store_id")
    failing = "moving or refreshing failed: see the server's log" if served.keeper.problem else None
    told = Readiness(status="ok", recommender=served.live.mind.label, waiting_bytes=waiting, problem=failing)
    return JSONResponse(told.model_dump())


@router.get("/metrics", responses=documented(), summary="Counts and times, as Prometheus reads them")
def metrics(request: Request, principal: Annotated[Principal, Depends(Needs("insight:read"))]) -> Response:
    others = served_shop(request).peers.ask("metrics")
    text = request.app.state.metrics.text(others)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/foresell.js", dependencies=[Depends(anybody)], summary="The script for the shop's pages")
def snippet() -> FileResponse:
    return FileResponse(
        SNIPPET, media_type="text/javascript", headers={"cache-control": "public, max-age=3600"}
    )
