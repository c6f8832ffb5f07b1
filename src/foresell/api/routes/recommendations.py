"""Recommendations on every surface, by the model in production and the rules in force."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import ServedShop, served_shop
from foresell.predict.recommend.serving.request import Action
from foresell.predict.recommend.serving.request import Request as Asked
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["recommendations"])
Id = Annotated[str, Field(min_length=1, max_length=200)]
Ids = Annotated[list[Id], Field(max_length=1_000)]


class Done(BaseModel):
    """Something that the visitor just did; with `POST /v1/events` it need not be told here."""

    product_id: Id
    event_name: str = "view_item"
    occurred_at: AwareDatetime | None = Field(None, description="Null: now.")


class RecommendationRequest(BaseModel):
    """What each surface needs: docs/recommend.md. `is_served`: the customer will see this, log it now; else
    report it with `POST /v1/feedback`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"surface": "customer", "customer_id": "c17", "k": 5, "is_served": True}]
        },
    )
    surface: str = Field("customer", max_length=40)
    k: int = Field(10, ge=1, le=1_000)
    customer_id: Id | None = None
    anonymous_id: Id | None = Field(None, description="A visitor who is nobody yet.")
    session: list[Done] = Field([], max_length=200)
    basket: Ids = []
    product_id: Id | None = None
    product_ids: Ids = []
    customer_ids: Ids = []
    category: Id | None = None
    location_id: Id | None = None
    exclude: Ids = []
    seed: int | None = Field(None, ge=0, lt=2**31, description="What chance is drawn from; null: by chance.")
    is_served: bool = False


class RecommendedItem(BaseModel):
    """`propensity`: the chance of the product to stand at its rank, given what stands before it."""

    product_id: str
    name: str | None
    rank: int
    score: float
    propensity: float
    reason: str | None
    due_date: str | None = None


class Recommendation(BaseModel):
    """`request_id`: what feedback names. `notes`: what must be known of how it came about. `experiment_id`,
    `variant`: of an experiment that the customer takes part in; null: of none."""

    request_id: str
    surface: str
    customer_id: str | None
    model: str
    rules_version: int
    notes: list[str]
    items: list[RecommendedItem]
    experiment_id: str | None = None
    variant: str | None = None


class WhyNotRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"product_id": "p4", "request": {"customer_id": "c17", "k": 5}}]},
    )
    product_id: Id
    request: RecommendationRequest


class WhyNot(BaseModel):
    """`rank`: where it stands, if it does; `rules`: those that forbid it; `reason`: in words."""

    product_id: str
    surface: str
    rank: int | None
    rules: list[str]
    place_by_score: int | None
    score: float | None
    score_of_last: float | None
    reason: str


@router.post(
    "/recommendations",
    response_model=Recommendation,
    responses=documented(404, 409),
    summary="Recommend products",
)
async def post_recommendations(
    request: Request,
    asked: RecommendationRequest,
    principal: Annotated[Principal, Depends(Needs("recommend:read"))],
) -> JSONResponse:
    """What will be wanted next, with reasons. A customer of whom nothing is known gets what is popular, and a
    note that says so. 409 where no recommender is in production."""
    served = served_shop(request)
    _require_sight(principal, asked)
    record = await served.answering.ask(_as_asked(served, asked), is_served=asked.is_served)
    return JSONResponse({**record, "customer_id": asked.customer_id})


@router.post(
    "/recommendations/why-not",
    response_model=WhyNot,
    responses=documented(404, 409),
    summary="Why a product is not recommended",
)
def post_why_not(
    request: Request, asked: WhyNotRequest, principal: Annotated[Principal, Depends(Needs("recommend:read"))]
) -> dict[str, Any]:
    """What keeps a product out of the answer to a request, or where it stands in it."""
    served = served_shop(request)
    _require_sight(principal, asked.request)
    return served.live.why_not(_as_asked(served, asked.request), asked.product_id)


def _require_sight(principal: Principal, asked: RecommendationRequest) -> None:
    """What is recommended to somebody tells what they bought: people need the right to see it; a program that
    shows it to the customers themselves does not."""
    if principal.is_browser and (asked.customer_id or asked.anonymous_id or asked.customer_ids):
        principal.require("people:read")


def _as_asked(served: ServedShop, asked: RecommendationRequest) -> Asked:
    now = datetime.now(UTC)
    person = asked.anonymous_id if asked.customer_id is None else served.live.mind.person(asked.customer_id)
    return Asked(
        surface=asked.surface,
        k=asked.k,
        customer_id=person,
        session=tuple(
            Action(one.product_id, one.occurred_at or now, one.event_name) for one in asked.session
        ),
        basket=tuple(asked.basket),
        product_id=asked.product_id,
        product_ids=tuple(asked.product_ids),
        customer_ids=tuple(served.live.mind.person(one) for one in asked.customer_ids),
        category=asked.category,
        location_id=asked.location_id,
        exclude=tuple(asked.exclude),
        seed=secrets.randbits(31) if asked.seed is None else asked.seed,
    )
