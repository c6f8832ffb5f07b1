"""Products, found by words and by meaning."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from foresell.api.access import Needs
from foresell.api.problems import documented
from foresell.api.served_shop import served_shop
from foresell.services.access.roles import Principal

router = APIRouter(prefix="/v1", tags=["products"])


class FoundProduct(BaseModel):
    """`found_by`: by its words, by letters or meaning in common, or both."""

    product_id: str
    name: str | None
    brand: str | None
    price: float | None
    score: float
    found_by: str


class FoundProducts(BaseModel):
    """The best first. `note`: why it is not personal, where a customer was named."""

    query: str
    customer_id: str | None
    note: str
    items: list[FoundProduct]


@router.get(
    "/products/search",
    response_model=FoundProducts,
    responses=documented(),
    summary="Search for products",
)
def get_search(
    request: Request,
    principal: Annotated[Principal, Depends(Needs("recommend:read"))],
    query: Annotated[str, Query(alias="q", min_length=1, max_length=200, examples=["bred"])],
    k: Annotated[int, Query(ge=1, le=1_000, description="How many at most.")] = 10,
    customer_id: Annotated[
        str | None, Query(max_length=200, description="What they like goes up a little.")
    ] = None,
) -> dict[str, Any]:
    """Also with mistyped words. Only what the shop's rules let be shown; the first to ask waits until the
    catalog is indexed."""
    # As with recommendations: what goes up for somebody tells what they like.
    if customer_id is not None and principal.is_browser:
        principal.require("people:read")
    return served_shop(request).searcher.search(query, k, customer_id)
