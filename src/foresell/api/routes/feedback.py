"""What became of a recommendation: shown, clicked, bought."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.routes.recommendations import Id
from foresell.api.served_shop import served_shop
from foresell.contracts.errors import InputError
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["recommendations"])
EVENTS = {"clicked": "select_item", "bought": "purchase"}


class Feedback(BaseModel):
    """`shown`: of an answer that was not asked for as served. `clicked` and `bought` are about a product and
    somebody, and become events; a purchase that the shop's orders or events tell need not be told here."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"request_id": "5f…", "what": "clicked", "product_id": "p4", "customer_id": "c17", "rank": 1}
            ]
        },
    )
    request_id: Annotated[str, Field(min_length=1, max_length=60, pattern="^[0-9a-f]+$")]
    what: Literal["shown", "clicked", "bought"]
    product_id: Id | None = None
    customer_id: Id | None = None
    anonymous_id: Id | None = None
    rank: int | None = Field(None, ge=1, le=1_000)
    occurred_at: AwareDatetime | None = Field(None, description="Null: now.")


class Noted(BaseModel):
    """`request_id`: what the served log calls the answer. `status`: as of events."""

    request_id: str
    status: Literal["logged", "accepted", "duplicate", "quarantined"]
    reason: str | None = None


@router.post(
    "/feedback",
    status_code=202,
    response_model=Noted,
    responses=documented(404),
    summary="Say what became of it",
)
def post_feedback(
    request: Request, told: Feedback, principal: Annotated[Principal, Depends(Needs("feedback:write"))]
) -> dict[str, object]:
    """Durable when it is answered; told twice it counts once."""
    served = served_shop(request)
    if told.what == "shown":
        return {"request_id": served.report_shown(told.request_id), "status": "logged"}
    if told.product_id is None or (told.customer_id is None and told.anonymous_id is None):
        raise InputError(
            f"Who {told.what} what is not said", do="Give product_id, and customer_id or anonymous_id."
        )
    event = {
        "event_id": f"feedback-{told.request_id}-{told.what}-{told.product_id}"[:200],
        "event_name": EVENTS[told.what],
        "occurred_at": (told.occurred_at or datetime.now(UTC)).isoformat(),
        "customer_id": told.customer_id,
        "anonymous_id": told.anonymous_id,
        "product_id": told.product_id,
        "list_id": "foresell",
        "position": told.rank,
        "properties": {"request_id": told.request_id},
    }
    [outcome] = served.live.accept(event, "canonical")
    return {"request_id": told.request_id, "status": outcome.status, "reason": outcome.reason}
