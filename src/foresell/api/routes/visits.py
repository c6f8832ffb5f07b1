"""A visit while it lasts: will it end in an order, will its cart be left."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["visits"])


class VisitPrediction(BaseModel):
    """`is_asked`: whether the task is about this moment of the visit; `is_chosen`: whether to act is worth
    its cost, null without costs."""

    session_id: str
    task: str
    question: str
    model: str
    num_events: int
    is_asked: bool
    score: float
    is_chosen: bool | None


@router.get(
    "/visits/{session_id}/predictions/{task}",
    response_model=VisitPrediction,
    responses=documented(404, 409),
    summary="What a visit will come to",
)
def get_visit(
    request: Request,
    session_id: Annotated[str, Path(max_length=200)],
    task: Annotated[str, Path(max_length=63)],
    principal: Annotated[Principal, Depends(Needs("recommend:read"))],
) -> dict[str, object]:
    """After the last event that was accepted: `purchase_intent`, `cart_abandonment`, or a task of your own
    that was fitted."""
    return served_shop(request).live.predict_visit(session_id, task)
