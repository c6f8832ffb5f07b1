"""Events in: durable when the answer is given."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.contracts.errors import InputError
from foresell.services.access.roles import Principal
from foresell.services.live.accepting import Outcome

router = APIRouter(prefix="/v1", tags=["events"])
# Room that a body takes whose length is not stated.
UNSTATED_BYTES = 2**18

OWN_EXAMPLE = {
    "events": [
        {
            "event_id": "0b9e2f6a",
            "event_name": "view_item",
            "occurred_at": "2026-11-22T19:50:00Z",
            "customer_id": "c17",
            "session_id": "s5",
            "product_id": "p4",
            "price": 9.90,
            "currency": "EUR",
        }
    ]
}
GA4_EXAMPLE = {
    "client_id": "1234.5678",
    "timestamp_micros": 1795377000000000,
    "events": [
        {
            "name": "add_to_cart",
            "params": {
                "currency": "EUR",
                "value": 9.9,
                "items": [{"item_id": "p4", "price": 9.9, "quantity": 1}],
            },
        }
    ],
}
SEGMENT_EXAMPLE = {
    "batch": [
        {
            "type": "track",
            "event": "Product Viewed",
            "messageId": "m1",
            "anonymousId": "v9",
            "timestamp": "2026-11-22T19:50:00Z",
            "properties": {"product_id": "p4", "price": 9.9},
        }
    ]
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]},
                "examples": {
                    "own": {"summary": "Foresell's own shape", "value": OWN_EXAMPLE},
                    "ga4": {"summary": "GA4's Measurement Protocol", "value": GA4_EXAMPLE},
                    "segment": {"summary": "Segment's and RudderStack's batch", "value": SEGMENT_EXAMPLE},
                },
            }
        },
    }
}


class EventOutcome(BaseModel):
    """`number`: the event's place in the request, from 1. Of one that is quarantined: what is wrong with
    which column, and what to do."""

    number: int
    event_id: str | None
    status: Literal["accepted", "duplicate", "quarantined"]
    column: str | None = None
    reason: str | None = None
    do: str | None = None


class Accepted(BaseModel):
    """The three add up to the events sent. `events`: those that were not simply accepted, or all with
    `detail=all`."""

    accepted: int
    duplicate: int
    quarantined: int
    events: list[EventOutcome]


@router.post(
    "/events",
    status_code=202,
    response_model=Accepted,
    responses=documented(400, 413),
    openapi_extra=BODY,
    summary="Send events",
)
async def post_events(
    request: Request,
    principal: Annotated[Principal, Depends(Needs("events:write"))],
    shape: Annotated[
        str | None, Query(description="canonical, ga4 or segment; none: the one that the body has.")
    ] = None,
    detail: Annotated[
        Literal["exceptions", "all"], Query(description="Which events are listed.")
    ] = "exceptions",
) -> JSONResponse:
    """One event or a batch. What is accepted is on the disk, in the customer's live state, and will be in the
    store exactly once. An `event_id` that was sent before is a duplicate: send again whatever was not
    answered. 429 says when to: nothing of the request was kept then.
    """
    served = served_shop(request)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise InputError(
            "The body is compressed", do="Send it as it is: what it unpacks to cannot be foreseen."
        )
    stated = request.headers.get("content-length", "")
    num_bytes = int(stated) if stated.isdigit() else UNSTATED_BYTES
    with served.live.pressure.taking(num_bytes):
        body = await request.body()
        # Whatever arrived at the same moment takes its room first, or is told that there is none.
        await asyncio.sleep(0)
        outcomes = await served.settling.finish(served.live.begin(parsed(body), shape))
    return JSONResponse(_told(outcomes, is_all=detail == "all"), 202)


def parsed(body: bytes) -> Any:
    """JSON; InputError for what is none, or nested without end."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise InputError("The body is not JSON", received=reason, do="Send JSON in UTF-8.") from error


def _told(outcomes: list[Outcome], *, is_all: bool) -> dict[str, object]:
    counts = {"accepted": 0, "duplicate": 0, "quarantined": 0}
    for outcome in outcomes:
        counts[outcome.status] += 1
    listed = [one.as_record() for one in outcomes if is_all or one.status != "accepted"]
    return {**counts, "events": listed}
