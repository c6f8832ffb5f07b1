"""Alerts: what somebody should look at."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, page_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal
from foresell.services.monitoring.alerts import acknowledge, list_alerts

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, le=2**53)]


class Alert(BaseModel):
    """`since`: first seen, `seen_at`: last. It stays until it is over, then it is resolved."""

    alert_id: int
    kind: str
    subject: str
    severity: str
    message: str
    advice: str
    message_zh: str
    advice_zh: str
    evidence: dict[str, Any]
    since: AwareDatetime
    seen_at: AwareDatetime
    state: str
    acknowledged_by: str | None = None
    acknowledged_at: AwareDatetime | None = None
    resolved_at: AwareDatetime | None = None


@router.get("", response_model=Page[Alert], responses=documented(), summary="What somebody should look at")
def get_alerts(
    request: Request,
    principal: Annotated[Principal, Depends(Needs("insight:read"))],
    state: Annotated[
        str | None,
        Query(max_length=20, description="open, acknowledged, resolved, all; none: not resolved."),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, object]:
    """The newest first."""
    found = list_alerts(served_shop(request).shop, state)
    return page_of([one.as_record() for one in found], limit, cursor)


@router.post(
    "/{alert_id}/acknowledge",
    response_model=Alert,
    responses=documented(404),
    summary="Say that somebody sees to it",
)
def post_acknowledge(
    request: Request,
    alert_id: AlertId,
    principal: Annotated[Principal, Depends(Needs("alerts:write"))],
) -> dict[str, object]:
    """Said twice it is the same; one that is resolved stays so."""
    return acknowledge(served_shop(request).shop, alert_id, principal.name).as_record()
