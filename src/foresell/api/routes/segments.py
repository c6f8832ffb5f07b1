"""Segments: how large, and who is in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, as_page, offset_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services import result_pages
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["segments"])
Reader = Annotated[Principal, Depends(Needs("insight:read"))]


class Segment(BaseModel):
    segmentation: str
    segment: str
    num_customers: int


class Member(BaseModel):
    customer_id: str
    confidence: float | None


@router.get("/segments", response_model=list[Segment], responses=documented(), summary="Every segment")
def get_segments(request: Request, principal: Reader) -> list[dict[str, Any]]:
    """As `foresell segment` wrote them last; none where it never ran."""
    return result_pages.segment_sizes(served_shop(request).shop)


@router.get(
    "/segments/{segmentation}/{segment}/customers",
    response_model=Page[Member],
    responses=documented(404),
    summary="Who is in a segment",
)
def get_members(
    request: Request,
    segmentation: str,
    segment: str,
    principal: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, object]:
    """Those who may not see people see a token in the place of each id."""
    served = served_shop(request)
    start = offset_of(cursor)
    rows = result_pages.members_of_segment(served.shop, segmentation, segment, limit, start)
    shown = [{**row, "customer_id": served.shown_id(principal, row["customer_id"])} for row in rows]
    return as_page(shown, limit, start)
