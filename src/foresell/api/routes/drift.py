"""Drift, and when what is derived was last brought up to date."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.contracts.errors import NotFoundError
from foresell.services.access.roles import Principal
from foresell.services.monitoring.drift import last_drift
from foresell.services.monitoring.refresh import last_refresh

router = APIRouter(prefix="/v1", tags=["monitoring"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]


class Drift(BaseModel):
    """`rows`: everything that was compared, the largest shift first; `forecasts`: measures outside of the
    backtest's range; `skipped`: what could not be compared, and why."""

    made_at: AwareDatetime
    reference: list[str] | None
    now: list[str] | None
    rows: list[dict[str, Any]]
    forecasts: list[dict[str, Any]]
    skipped: dict[str, str]


@router.get(
    "/drift", response_model=Drift, responses=documented(404), summary="Whether the shop is as before"
)
def get_drift(request: Request, principal: Reader) -> dict[str, Any]:
    """As `foresell refresh` or `foresell drift` found it last."""
    found = last_drift(served_shop(request).shop)
    if found is None:
        raise NotFoundError("Nothing was compared yet", do="Run: foresell refresh")
    return found


@router.get("/refresh", responses=documented(), summary="When each step was last up to date")
def get_refresh(request: Request, principal: Reader) -> dict[str, AwareDatetime]:
    """Step → when `foresell refresh` last did it, or found that nothing had changed."""
    return dict(last_refresh(served_shop(request).shop))
