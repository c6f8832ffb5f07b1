"""One customer: profile, predictions and why, segments, and what they just did."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict

from foresell.api.access import Needs
from foresell.api.paging import Cursor, Limit, Page, as_page, offset_of
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services import result_pages
from foresell.services.access.roles import Principal
from foresell.store.model_versions import check_name

router = APIRouter(prefix="/v1", tags=["customers"])
CustomerId = Annotated[str, Path(max_length=200, description="As the sources write it.")]
Reader = Annotated[Principal, Depends(Needs("people:read"))]


class Profile(BaseModel):
    """As docs/customers.md describes it; the names are those of `foresell profile --json`."""

    model_config = ConfigDict(extra="allow")
    customer_id: str


class Prediction(BaseModel):
    """`unit`: probability, a currency, days. `is_chosen`: whether acting on it is worth its cost."""

    task: str
    customer_id: str
    model: str | None
    score: float
    unit: str
    lower: float | None
    upper: float | None
    is_chosen: bool | None
    cutoff_at: str
    horizon_days: float | None
    made_at: str
    reasons: str | None = None


class LivePrediction(BaseModel):
    """As `Prediction`; `cutoff_at`: the first moment after everything that is known."""

    customer_id: str
    task: str
    question: str
    model: str
    unit: str
    score: float
    lower: float | None
    upper: float | None
    is_chosen: bool | None
    cutoff_at: str
    horizon_days: float | None


class Membership(BaseModel):
    segmentation: str
    customer_id: str
    segment: str
    model: str | None
    confidence: float | None
    cutoff_at: str
    made_at: str


class LiveEvent(BaseModel):
    event_id: str
    event_name: str
    occurred_at: str
    product_id: str | None = None
    session_id: str | None = None


class Explanation(BaseModel):
    """`reasons` add up from `usual` to `score`; `change`: the smallest that crosses the threshold."""

    model_config = ConfigDict(extra="allow")
    task: str
    customer_id: str
    score: float
    usual: float


@router.get(
    "/customers/{customer_id}/profile",
    response_model=Profile,
    responses=documented(404),
    summary="Who a customer is",
)
def get_profile(request: Request, customer_id: CustomerId, principal: Reader) -> dict[str, Any]:
    """Rhythm, tastes, prices, worth, risks, and what those alike have in common. It is noted who read it."""
    from foresell.services.customers.profile import profile_customer

    served = served_shop(request)
    served.note(principal, "profile.read", customer_id)
    return profile_customer(served.shop, customer_id).as_record()


@router.get(
    "/customers/{customer_id}/predictions",
    response_model=list[Prediction],
    responses=documented(404),
    summary="What a customer will do",
)
def get_predictions(request: Request, customer_id: CustomerId, principal: Reader) -> list[dict[str, Any]]:
    """What each fitted task's model said of them last."""
    served = served_shop(request)
    served.note(principal, "predictions.read", customer_id)
    return result_pages.scores_of_customer(served.shop, customer_id)


@router.get(
    "/customers/{customer_id}/predictions/{task}",
    response_model=LivePrediction,
    responses=documented(404, 409),
    summary="What a customer will do, as of now",
)
def get_live_prediction(
    request: Request, customer_id: CustomerId, task: Annotated[str, Path(max_length=63)], principal: Reader
) -> dict[str, object]:
    """By what has come into the tables until now: what is sent is there within a minute. The first to ask of
    a task waits until everybody's facts are read."""
    served = served_shop(request)
    served.note(principal, "predictions.read", customer_id, task=task[:63])
    return served.live.predict_customer(customer_id, task)


@router.get(
    "/customers/{customer_id}/predictions/{task}/explanation",
    response_model=Explanation,
    responses=documented(404),
    summary="Why a model says that",
)
def get_explanation(
    request: Request, customer_id: CustomerId, task: str, principal: Reader
) -> dict[str, Any]:
    from foresell.services.customers.explain import explain_customer

    # A name that ends as a file does would be read as one.
    check_name(task)
    served = served_shop(request)
    served.note(principal, "explanation.read", customer_id, task=task[:63])
    return explain_customer(served.shop, task, customer_id).as_record()


@router.get(
    "/customers/{customer_id}/segments",
    response_model=list[Membership],
    responses=documented(),
    summary="Which segments a customer is in",
)
def get_memberships(request: Request, customer_id: CustomerId, principal: Reader) -> list[dict[str, Any]]:
    served = served_shop(request)
    served.note(principal, "segments.read", customer_id)
    return result_pages.segments_of_customer(served.shop, customer_id)


@router.get(
    "/customers/{customer_id}/events",
    response_model=list[LiveEvent],
    responses=documented(),
    summary="What a customer just did",
)
def get_recent(request: Request, customer_id: CustomerId, principal: Reader) -> list[dict[str, Any]]:
    """The newest events that this process has accepted, oldest first: at most 20."""
    served = served_shop(request)
    served.note(principal, "events.read", customer_id)
    return served.live.recent(customer_id)


@router.get(
    "/predictions/{task}",
    response_model=Page[Prediction],
    responses=documented(404),
    summary="A task's scores, the first to act on first",
)
def get_scores(
    request: Request,
    task: str,
    principal: Annotated[Principal, Depends(Needs("insight:read"))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, object]:
    """Those who may not see people see a token in the place of each id."""
    served = served_shop(request)
    start = offset_of(cursor)
    rows = result_pages.scores_of_task(served.shop, task, limit, start)
    shown = [
        {**row, "customer_id": served.shown_id(principal, row["customer_id"]), "reasons": None}
        for row in rows
    ]
    return as_page(shown, limit, start)
